// SPDX-License-Identifier: GPL-2.0-only
/* Command lines of the form: vmctl COMMAND NAME|PID [--json]. */
#include "tools/src/vmctl/ask.h"

#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>

int rd_ask_set_json(void *ctx, const char *value)
{
	(void)value;
	*(bool *)ctx = true;
	return RD_OK;
}

const struct rd_opt rd_json_opts[] = {
	{ "json", NULL, "print the answer as one JSON object", rd_ask_set_json },
	{ NULL, NULL, NULL, NULL },
};

int rd_ask_parse(const struct rd_command *self, void *ctx, int argc, char **argv)
{
	int operands;
	int status = rd_opts_parse(self, ctx, argc, argv, &operands);

	if (!status && operands != 1)
		return rd_fail(RD_USAGE, "%s: one name or process id is needed", self->name);
	return status;
}

void rd_ask_print(const json_t *answer)
{
	json_dumpf(answer, stdout, JSON_COMPACT);
	putchar('\n');
}

int rd_ask_simple(const struct rd_command *self, int argc, char **argv, const char *command)
{
	bool json = false;
	json_t *answer;
	int status = rd_ask_parse(self, &json, argc, argv);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	status = rd_client_ask(argv[0], command, &answer);
	if (status)
		return status;
	if (json)
		rd_ask_print(answer);
	json_decref(answer);
	return RD_OK;
}
