// SPDX-License-Identifier: GPL-2.0-only
/* vmctl run: from the command line to a checked configuration. */
#include "tools/src/vmctl/boot_files.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/config_opts.h"
#include "tools/src/vmctl/loader.h"
#include "tools/src/vmctl/session.h"
#include "tools/src/vmctl/sgx.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <string.h>

static int set_kernel(void *ctx, const char *v)
{
	((struct rd_config *)ctx)->kernel = v;
	return RD_OK;
}

static int set_initrd(void *ctx, const char *v)
{
	((struct rd_config *)ctx)->initrd = v;
	return RD_OK;
}

static int set_append(void *ctx, const char *v)
{
	((struct rd_config *)ctx)->append = v;
	return RD_OK;
}

static int set_cpus(void *ctx, const char *v)
{
	if (rd_parse_u32(v, 1, RD_CPUS_MAX, &((struct rd_config *)ctx)->n_cpus))
		return RD_OK;
	return rd_fail(RD_USAGE, "--cpus: a number from 1 to %u, not \"%s\"", RD_CPUS_MAX, v);
}

static int set_memory(void *ctx, const char *v)
{
	struct rd_config *c = ctx;

	if (!rd_parse_size(v, &c->memory))
		return rd_fail(RD_USAGE, "--memory: a size such as 512M or 2G, not \"%s\"", v);
	if (c->memory < RD_RAM_MIN || c->memory > RD_RAM_MAX)
		return rd_fail(RD_USAGE, "--memory: from %lluM to %lluG, not \"%s\"",
			       RD_RAM_MIN / RD_MIB, RD_RAM_MAX / RD_GIB, v);
	if (c->memory % 4096)
		return rd_fail(RD_USAGE, "--memory: a multiple of 4K, not \"%s\"", v);
	return RD_OK;
}

static int set_epc(void *ctx, const char *v)
{
	return rd_epc_parse(v, &((struct rd_config *)ctx)->epc);
}

static int set_no_reboot(void *ctx, const char *v)
{
	(void)v;
	((struct rd_config *)ctx)->no_reboot = true;
	return RD_OK;
}

static int set_irqchip(void *ctx, const char *v)
{
	struct rd_config *c = ctx;

	c->split_irqchip = !strcmp(v, "split");
	if (c->split_irqchip || !strcmp(v, "kernel"))
		return RD_OK;
	return rd_fail(RD_USAGE, "--irqchip: kernel or split, not \"%s\"", v);
}

static int add_disk(void *ctx, const char *v)
{
	struct rd_config *c = ctx;

	if (c->n_disks == RD_DISKS_MAX)
		return rd_fail(RD_USAGE, "--disk: at most %u", RD_DISKS_MAX);
	return rd_disk_parse(v, &c->disks[c->n_disks++]);
}

static int add_net(void *ctx, const char *v)
{
	struct rd_config *c = ctx;
	struct rd_net_config net;
	int status = rd_net_parse(v, &net);

	c->net_given = true;
	if (status || net.kind == RD_NET_NONE)
		return status;
	if (c->n_nets == RD_NETS_MAX)
		return rd_fail(RD_USAGE, "--net: at most %u", RD_NETS_MAX);
	c->nets[c->n_nets++] = net;
	return RD_OK;
}

static int add_share(void *ctx, const char *v)
{
	struct rd_config *c = ctx;
	struct rd_share_config *share = &c->shares[c->n_shares];
	int status;

	if (c->n_shares == RD_SHARES_MAX)
		return rd_fail(RD_USAGE, "--share: at most %u", RD_SHARES_MAX);
	status = rd_share_parse(v, share);
	for (unsigned int i = 0; i < c->n_shares && !status; i++)
		if (!strcmp(c->shares[i].tag, share->tag))
			status = rd_fail(RD_USAGE, "--share: two folders with the tag \"%s\"",
					 share->tag);
	c->n_shares++;
	return status;
}

static int set_vsock(void *ctx, const char *v)
{
	return rd_vsock_parse(v, &((struct rd_config *)ctx)->vsock_cid);
}

static int set_rng(void *ctx, const char *v)
{
	(void)v;
	((struct rd_config *)ctx)->rng = true;
	return RD_OK;
}

static int set_balloon(void *ctx, const char *v)
{
	(void)v;
	((struct rd_config *)ctx)->balloon = true;
	return RD_OK;
}

static const struct rd_opt run_opts[] = {
	{ "name", "NAME", "name of the VM and of its control socket (default: vm-PID)",
	  rd_config_set_name },
	{ "kernel", "FILE", "Linux kernel, a 64-bit bzImage (default: FILE.kernel of the disk)",
	  set_kernel },
	{ "initrd", "FILE", "initial RAM disk (default without --kernel: FILE.initrd)",
	  set_initrd },
	{ "append", "STRING", "kernel command line (default: the consoles there are)", set_append },
	{ "cpus", "N", "virtual CPUs (default: 1)", set_cpus },
	{ "memory", "SIZE", "memory, with suffix K, M, G or T (default: 512M)", set_memory },
	{ "epc", "SIZE", "memory for SGX enclaves; the guest sees an Intel CPU (default: none)",
	  set_epc },
	{ "device", "NODE", "hypervisor to use (default: " RD_DEFAULT_DEVICE ")",
	  rd_config_set_device },
	{ "mem-merge", "on|off", "let the host's KSM merge equal pages (default: on)",
	  rd_config_set_mem_merge },
	{ "serial", "WHERE", "COM1: stdio (Ctrl-A x quits), pty, none or a file",
	  rd_config_set_serial },
	{ "console", "WHERE", "virtio console hvc0: the same choices (default: none)",
	  rd_config_set_console },
	{ "irqchip", "MODE", "interrupt controllers: kernel (default) or split", set_irqchip },
	{ "disk", "FILE[,ro][,direct][,id=ID]", "virtio disk: a raw file or a block device",
	  add_disk },
	{ "net", "KIND[,mac=MAC][,hostfwd=RULE][,vhost=WHEN]",
	  "network: user (default without --kernel), tap:INTERFACE, none",
	  add_net },
	{ "share", "DIR[,tag=TAG][,ro]", "folder that the guest mounts by 9P (tag: share)",
	  add_share },
	{ "vsock", "CID", "virtio sockets: AF_VSOCK with this context id, from 3", set_vsock },
	{ "rng", NULL, "virtio entropy device", set_rng },
	{ "balloon", NULL, "virtio memory balloon, and free pages go back to the host",
	  set_balloon },
	{ "trace-snapshot", "FILE", "where a write trace saves the machine (default: nowhere)",
	  rd_config_set_trace_snapshot },
	{ "no-reboot", NULL, "end with status 4 when the guest asks for a reset", set_no_reboot },
	{ "stats", NULL, "print exit counts at the end", rd_config_set_stats },
	{ "timeout", "SECONDS", "end with status 6 after this time", rd_config_set_timeout },
	{ NULL, NULL, NULL, NULL },
};

/* What depends on other options when it is not given: a terminal has one user. */
static int fill_defaults(struct rd_config *c)
{
	bool hvc = strcmp(c->console, "none") != 0;

	if (!c->serial)
		c->serial = strcmp(c->console, "stdio") ? "stdio" : "none";
	else if (!strcmp(c->serial, "stdio") && !strcmp(c->console, "stdio"))
		return rd_fail(RD_USAGE, "--serial and --console cannot both be stdio");
	if (c->append)
		return RD_OK;
	if (!hvc)
		c->append = "console=ttyS0";
	else
		c->append = strcmp(c->serial, "none") ? "console=ttyS0 console=hvc0" :
							"console=hvc0";
	return RD_OK;
}

static int check_and_run(struct rd_config *c)
{
	struct rd_load load = { .kernel = c->kernel, .initrd = c->initrd, .append = c->append };
	int status;

	c->has_console = strcmp(c->console, "none") != 0;
	c->has_serial = strcmp(c->serial, "none") != 0;
	status = rd_load_check(&load, c->memory);
	return status ? status : rd_session_run(c);
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct rd_config config = {
		.n_cpus = 1,
		.memory = 512 * RD_MIB,
		.device = RD_DEFAULT_DEVICE,
		.console = "none",
		.mem_merge = true,
	};
	struct rd_boot_files files = { 0 };
	int operands;
	int status = rd_opts_parse(self, &config, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands)
		return rd_fail(RD_USAGE, "run: unexpected \"%s\"", argv[0]);
	status = fill_defaults(&config);
	if (!status && !config.kernel)
		status = rd_boot_files_find(&files, &config);
	if (!status)
		status = check_and_run(&config);
	rd_boot_files_free(&files);
	return status;
}

const struct rd_command rd_cmd_run = {
	.name = "run",
	.args = "--kernel FILE | --disk FILE [OPTION]...",
	.summary = "Run a virtual machine until it powers itself off",
	.opts = run_opts,
	.run = run,
};
