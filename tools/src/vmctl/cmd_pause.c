// SPDX-License-Identifier: GPL-2.0-only
/* vmctl pause: hold a VM still. */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/commands.h"

static int run(const struct rd_command *self, int argc, char **argv)
{
	return rd_ask_simple(self, argc, argv, "pause");
}

const struct rd_command rd_cmd_pause = {
	.name = "pause",
	.args = "NAME|PID [--json]",
	.summary = "Stop the virtual CPUs and the time of a virtual machine",
	.opts = rd_json_opts,
	.run = run,
};
