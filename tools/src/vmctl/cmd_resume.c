// SPDX-License-Identifier: GPL-2.0-only
/* vmctl resume: let it go on from where it was held. */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/commands.h"

static int run(const struct rd_command *self, int argc, char **argv)
{
	return rd_ask_simple(self, argc, argv, "resume");
}

const struct rd_command rd_cmd_resume = {
	.name = "resume",
	.args = "NAME|PID [--json]",
	.summary = "Let a paused virtual machine go on",
	.opts = rd_json_opts,
	.run = run,
};
