// SPDX-License-Identifier: GPL-2.0-only
/* vmctl list: the running VMs, one line each. */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>

static const struct rd_opt list_opts[] = {
	{ "json", NULL, "one JSON object per line", rd_ask_set_json },
	{ NULL, NULL, NULL, NULL },
};

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "?";
}

static void show(void *ctx, json_t *status)
{
	if (*(bool *)ctx) {
		rd_ask_print(status);
		return;
	}
	printf("%-20s %8lld %-8s %5lld %9lldM %9llds  %s\n", text(status, "name"),
	       number(status, "pid"), text(status, "state"), number(status, "cpus"),
	       number(status, "memory") / (long long)RD_MIB, number(status, "uptime_s"),
	       text(status, "device"));
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	bool json = false;
	int operands;
	int status = rd_opts_parse(self, &json, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands)
		return rd_fail(RD_USAGE, "list: unexpected \"%s\"", argv[0]);
	if (!json)
		printf("%-20s %8s %-8s %5s %10s %10s  %s\n", "NAME", "PID", "STATE", "CPUS",
		       "MEMORY", "UPTIME", "DEVICE");
	return rd_client_each(json_pack("{s:s}", "command", "status"), show, &json);
}

const struct rd_command rd_cmd_list = {
	.name = "list",
	.args = "[--json]",
	.summary = "List the running virtual machines",
	.opts = list_opts,
	.run = run,
};
