/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kinds of virtio device, each in a file of its own. A constructor needs no machine: what it
 * makes can be attached to one, or driven by a test.
 */
#ifndef RD_TOOLS_VIRTIO_DEVICES_H
#define RD_TOOLS_VIRTIO_DEVICES_H

#include "tools/src/vmctl/console.h"
#include "tools/src/vmctl/dev_pm.h"
#include "tools/src/vmctl/disk.h"
#include "tools/src/vmctl/net.h"
#include "tools/src/vmctl/share.h"
#include "tools/src/vmctl/virtio_attach.h"

#include <stdbool.h>

struct rd_config;

struct rd_virtio_kind {
	/* Whether the configuration asks for such a device. */
	bool (*wanted)(const struct rd_config *c);
	/* Create and attach all that the configuration names, maybe none. A status. */
	int (*create)(struct rd_machine *m);
};

/* In the order in which they get their PCI slots; ended by a NULL create. */
extern const struct rd_virtio_kind rd_virtio_kinds[];

/* rd_virtio_wanted - whether the machine has any, and so a PCI bus. */
bool rd_virtio_wanted(const struct rd_config *c);

/* Constructors: a new device in *OUT, to be attached or freed with rd_virtio_free(). A status. */
int rd_rng_new(const struct rd_ram *ram, struct rd_virtio_slot **out);
int rd_balloon_new(const struct rd_ram *ram, struct rd_virtio_slot **out);
/* CONFIG is used until the device is destroyed. Opens and locks the file. */
int rd_blk_new(const struct rd_ram *ram, const struct rd_disk_config *config,
	       struct rd_virtio_slot **out);
/* HOST, whose keys and output the device takes over; ENDER hears when its user quits. */
int rd_hvc_new(const struct rd_ram *ram, struct rd_console *host, struct rd_ender ender,
	       struct rd_virtio_slot **out);
/* Opens the folder that CONFIG names. */
int rd_share_new(const struct rd_ram *ram, const struct rd_share_config *config,
		 struct rd_virtio_slot **out);
/* The host's vhost-vsock, which knows the machine by CID from now on. */
int rd_vsock_new(const struct rd_ram *ram, uint32_t cid, struct rd_virtio_slot **out);
/* ND, which belongs to the device from now on, also when this fails. */
int rd_net_new(const struct rd_ram *ram, struct rd_netdev *nd, const uint8_t *mac,
	       struct rd_virtio_slot **out);

/* rd_vsock_parse - the value of --vsock. A status. */
int rd_vsock_parse(const char *value, uint32_t *cid);

#endif
