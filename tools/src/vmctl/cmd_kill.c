// SPDX-License-Identifier: GPL-2.0-only
/* vmctl kill: end the VM without asking the guest. */
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/util.h"

#include <stddef.h>

static int run(const struct rd_command *self, int argc, char **argv)
{
	json_t *reply;
	int operands;
	int status = rd_opts_parse(self, NULL, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands != 1)
		return rd_fail(RD_USAGE, "kill: one name or process id is needed");
	status = rd_client_ask(argv[0], "quit", &reply);
	if (!status)
		json_decref(reply);
	return status;
}

const struct rd_command rd_cmd_kill = {
	.name = "kill",
	.args = "NAME|PID",
	.summary = "End a virtual machine at once",
	.run = run,
};
