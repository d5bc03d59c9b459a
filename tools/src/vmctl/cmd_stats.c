// SPDX-License-Identifier: GPL-2.0-only
/* vmctl stats: counters of a running VM. */
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/util.h"

#include <stdbool.h>
#include <stdio.h>

static int set_json(void *ctx, const char *v)
{
	(void)v;
	*(bool *)ctx = true;
	return RD_OK;
}

static const struct rd_opt stats_opts[] = {
	{ "json", NULL, "print the whole answer as one JSON object", set_json },
	{ NULL, NULL, NULL, NULL },
};

static void print_group(json_t *reply, const char *group)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(reply, group), name, value) {
		if (json_integer_value(value))
			printf("  %-32s %14lld\n", name, (long long)json_integer_value(value));
	}
}

static void print_text(json_t *reply)
{
	printf("exits: %lld\n", (long long)json_integer_value(json_object_get(reply, "exits")));
	print_group(reply, "counters");
	printf("user-space exits: %lld\n",
	       (long long)json_integer_value(json_object_get(reply, "user_exits_total")));
	print_group(reply, "user_exits");
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	bool json = false;
	json_t *reply;
	int operands;
	int status = rd_opts_parse(self, &json, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands != 1)
		return rd_fail(RD_USAGE, "stats: one name or process id is needed");
	status = rd_client_ask(argv[0], "stats", &reply);
	if (status)
		return status;
	if (json) {
		json_dumpf(reply, stdout, JSON_COMPACT);
		putchar('\n');
	} else {
		print_text(reply);
	}
	json_decref(reply);
	return RD_OK;
}

const struct rd_command rd_cmd_stats = {
	.name = "stats",
	.args = "NAME|PID [--json]",
	.summary = "Show the counters of a running virtual machine",
	.opts = stats_opts,
	.run = run,
};
