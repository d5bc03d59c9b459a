// SPDX-License-Identifier: GPL-2.0-only
/* vmctl restore: run a VM from a snapshot. What the machine is comes from the file. */
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/config_opts.h"
#include "tools/src/vmctl/kvm.h"
#include "tools/src/vmctl/restore.h"
#include "tools/src/vmctl/session.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

static int set_paused(void *ctx, const char *v)
{
	(void)v;
	((struct rd_config *)ctx)->start_paused = true;
	return RD_OK;
}

static int set_json(void *ctx, const char *v)
{
	(void)v;
	((struct rd_config *)ctx)->announce = true;
	return RD_OK;
}

static const struct rd_opt restore_opts[] = {
	{ "name", "NAME", "name of the VM (default: the one it had)", rd_config_set_name },
	{ "device", "NODE", "hypervisor to use (default: " RD_DEFAULT_DEVICE ")",
	  rd_config_set_device },
	{ "mem-merge", "on|off", "let the host's KSM merge equal pages (default: on)",
	  rd_config_set_mem_merge },
	{ "serial", "WHERE", "COM1: stdio (Ctrl-A x quits), pty, none or a file",
	  rd_config_set_serial },
	{ "console", "WHERE", "hvc0: the same choices", rd_config_set_console },
	{ "paused", NULL, "wait for vmctl resume", set_paused },
	{ "trace-snapshot", "FILE", "where a write trace saves the machine (default: nowhere)",
	  rd_config_set_trace_snapshot },
	{ "stats", NULL, "print exit counts at the end", rd_config_set_stats },
	{ "json", NULL, "say as a JSON object that the machine is restored", set_json },
	{ "timeout", "SECONDS", "end with status 6 after this time", rd_config_set_timeout },
	{ NULL, NULL, NULL, NULL },
};

/* A terminal has one user: the serial port, or the virtio console of a machine without one. */
static int fill_defaults(struct rd_config *c)
{
	bool hvc = c->has_console && !c->has_serial && !c->serial;

	if (!c->console)
		c->console = hvc ? "stdio" : "none";
	if (!c->serial)
		c->serial = c->has_serial && strcmp(c->console, "stdio") != 0 ? "stdio" : "none";
	if (!strcmp(c->serial, "stdio") && !strcmp(c->console, "stdio"))
		return rd_fail(RD_USAGE, "--serial and --console cannot both be stdio");
	if (!c->has_console && strcmp(c->console, "none") != 0)
		return rd_fail(RD_USAGE, "--console: the machine has none");
	return RD_OK;
}

static int restore(struct rd_config *config, const char *file)
{
	const char *name = config->name;
	int status = rd_restore_open(config->restore, file, config);

	if (name)
		config->name = name;
	if (!status)
		status = fill_defaults(config);
	if (!status)
		status = rd_session_run(config);
	rd_restore_close(config->restore);
	return status;
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct rd_restore r = { 0 };
	struct rd_config config = {
		.device = RD_DEFAULT_DEVICE, .restore = &r, .mem_merge = true,
	};
	int operands;
	int status = rd_opts_parse(self, &config, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands != 1)
		return rd_fail(RD_USAGE, "restore: one file is needed");
	return restore(&config, argv[0]);
}

const struct rd_command rd_cmd_restore = {
	.name = "restore",
	.args = "FILE [OPTION]...",
	.summary = "Run a virtual machine from a snapshot",
	.opts = restore_opts,
	.run = run,
};
