// SPDX-License-Identifier: GPL-2.0-only
/* vmctl balloon: how much memory a running VM has, and how much it should have. */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>

static void print_text(json_t *answer)
{
	const char *name;
	json_t *value;

	json_object_foreach(answer, name, value) {
		if (json_is_integer(value))
			printf("%-20s %lld\n", name, (long long)json_integer_value(value));
		else if (json_is_boolean(value) && strcmp(name, "ok") != 0)
			printf("%-20s %s\n", name, json_is_true(value) ? "yes" : "no");
	}
	json_object_foreach(json_object_get(answer, "guest"), name, value)
		printf("guest %-14s %lld\n", name, (long long)json_integer_value(value));
}

static int ask(const char *who, json_t *request, json_t **answer)
{
	struct rd_client client;
	int status = rd_client_open(&client, who);

	if (status) {
		json_decref(request);
		return status;
	}
	status = rd_client_call(&client, request, NULL, NULL, answer);
	rd_client_close(&client);
	return status;
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	bool json = false;
	uint64_t size = 0;
	json_t *request, *answer;
	int operands;
	int status = rd_opts_parse(self, &json, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands != 1 && operands != 2)
		return rd_fail(RD_USAGE, "balloon: a name or process id, and maybe a size");
	if (operands == 2 && (!rd_parse_size(argv[1], &size) || !size || size > INT64_MAX))
		return rd_fail(RD_USAGE, "balloon: a size such as 512M or 2G, not \"%s\"", argv[1]);
	request = json_pack("{s:s}", "command", "balloon");
	if (size)
		json_object_set_new(request, "memory", json_integer((json_int_t)size));
	status = ask(argv[0], request, &answer);
	if (status)
		return status;
	if (json)
		rd_ask_print(answer);
	else if (!size)
		print_text(answer);
	json_decref(answer);
	return RD_OK;
}

const struct rd_command rd_cmd_balloon = {
	.name = "balloon",
	.args = "NAME|PID [SIZE] [--json]",
	.summary = "Show or set how much memory a virtual machine with a balloon has",
	.opts = rd_json_opts,
	.run = run,
};
