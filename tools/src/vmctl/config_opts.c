// SPDX-License-Identifier: GPL-2.0-only
/* Checks of the options that `run` and `restore` share. */
#include "tools/src/vmctl/config_opts.h"

#include "tools/src/vmctl/config.h"
#include "tools/src/vmctl/rundir.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

#define TIMEOUT_MAX (366u * 24 * 3600)

int rd_config_set_name(void *ctx, const char *v)
{
	if (!rd_valid_name(v))
		return rd_fail(RD_USAGE, "--name: up to 47 of the characters a-z A-Z 0-9 - _ . and "
			       "not a number");
	((struct rd_config *)ctx)->name = v;
	return RD_OK;
}

int rd_config_set_device(void *ctx, const char *v)
{
	((struct rd_config *)ctx)->device = v;
	return RD_OK;
}

int rd_config_set_serial(void *ctx, const char *v)
{
	if (!*v)
		return rd_fail(RD_USAGE, "--serial: stdio, pty, none or a file name");
	((struct rd_config *)ctx)->serial = v;
	return RD_OK;
}

int rd_config_set_console(void *ctx, const char *v)
{
	if (!*v)
		return rd_fail(RD_USAGE, "--console: stdio, pty, none or a file name");
	((struct rd_config *)ctx)->console = v;
	return RD_OK;
}

int rd_config_set_mem_merge(void *ctx, const char *v)
{
	struct rd_config *c = ctx;

	c->mem_merge = !strcmp(v, "on");
	if (c->mem_merge || !strcmp(v, "off"))
		return RD_OK;
	return rd_fail(RD_USAGE, "--mem-merge: on or off, not \"%s\"", v);
}

int rd_config_set_stats(void *ctx, const char *v)
{
	(void)v;
	((struct rd_config *)ctx)->stats = true;
	return RD_OK;
}

int rd_config_set_trace_snapshot(void *ctx, const char *v)
{
	struct rd_config *c = ctx;

	return rd_absolute("--trace-snapshot", c->trace_snapshot, sizeof(c->trace_snapshot), v);
}

int rd_config_set_timeout(void *ctx, const char *v)
{
	if (rd_parse_u32(v, 1, TIMEOUT_MAX, &((struct rd_config *)ctx)->timeout_s))
		return RD_OK;
	return rd_fail(RD_USAGE, "--timeout: seconds from 1 to %u, not \"%s\"", TIMEOUT_MAX, v);
}
