// SPDX-License-Identifier: GPL-2.0-only
/* vmctl stop: ask the guest to power itself off. Whether and when it does is up to the guest. */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/commands.h"

static int run(const struct rd_command *self, int argc, char **argv)
{
	return rd_ask_simple(self, argc, argv, "stop");
}

const struct rd_command rd_cmd_stop = {
	.name = "stop",
	.args = "NAME|PID [--json]",
	.summary = "Press the power button of a virtual machine",
	.opts = rd_json_opts,
	.run = run,
};
