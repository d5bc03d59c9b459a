/* SPDX-License-Identifier: GPL-2.0-only */
/* What machine to build and how to run it: from the command line, or from a snapshot. */
#ifndef RD_TOOLS_CONFIG_H
#define RD_TOOLS_CONFIG_H

#include "tools/src/vmctl/disk.h"
#include "tools/src/vmctl/net.h"
#include "tools/src/vmctl/share.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#define RD_CPUS_MAX 4096u
#define RD_VSOCK_CID_MIN 3u	/* what is below stands for hosts */
#define RD_VSOCK_CID_MAX 0xfffffffeu

struct rd_restore;

struct rd_config {
	const char *name;
	const char *kernel;
	const char *initrd;	/* NULL: none */
	const char *append;
	const char *device;
	const char *serial;
	const char *console;	/* where the virtio console leads, if there is one */
	uint32_t n_cpus;
	uint64_t memory;
	uint64_t epc;		/* bytes for enclaves, 0: the guest has none */
	uint32_t timeout_s;	/* 0: none */
	bool split_irqchip;
	bool mem_merge;		/* the host may merge equal pages of memory (KSM) */
	bool has_console;	/* the same of the virtio console */
	bool has_serial;	/* the machine has a serial port, wherever `serial` leads */
	struct rd_disk_config disks[RD_DISKS_MAX];
	unsigned int n_disks;
	struct rd_net_config nets[RD_NETS_MAX];
	unsigned int n_nets;
	struct rd_share_config shares[RD_SHARES_MAX];
	unsigned int n_shares;
	uint32_t vsock_cid;	/* 0: no virtio socket device */
	bool net_given;		/* something was said about the network, be it that there is none */
	bool rng;
	bool balloon;
	bool no_reboot;
	bool stats;
	bool start_paused;
	bool announce;		/* say as JSON on standard output that the machine is there */
	char trace_snapshot[PATH_MAX];	/* where a write trace saves the machine, "": nowhere */
	struct rd_restore *restore;	/* NULL: boot; else the state of the first life */
};

#endif
