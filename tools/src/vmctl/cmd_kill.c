// SPDX-License-Identifier: GPL-2.0-only
/* vmctl kill: end the VM without asking the guest, and wait until it is gone. */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* The connection ends when the process has let go of everything else. */
static int wait_for_end(const struct rd_client *c)
{
	char byte;
	ssize_t n;

	do {
		n = recv(c->fd, &byte, 1, 0);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (!n || errno == ECONNRESET)
		return RD_OK;
	return rd_fail(RD_HOST_ERROR, "%s does not end: %s", c->who, strerror(errno));
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct rd_client c;
	bool json = false;
	json_t *answer = NULL;
	int status = rd_ask_parse(self, &json, argc, argv);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	status = rd_client_open(&c, argv[0]);
	if (!status)
		status = rd_client_call(&c, json_pack("{s:s}", "command", "kill"), NULL, NULL,
					&answer);
	if (!status)
		status = wait_for_end(&c);
	if (!status && json)
		rd_ask_print(answer);
	json_decref(answer);
	rd_client_close(&c);
	return status;
}

const struct rd_command rd_cmd_kill = {
	.name = "kill",
	.args = "NAME|PID [--json]",
	.summary = "End a virtual machine at once",
	.opts = rd_json_opts,
	.run = run,
};
