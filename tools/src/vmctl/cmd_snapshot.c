// SPDX-License-Identifier: GPL-2.0-only
/* vmctl snapshot: save a running VM to a file. The VM's process writes it. */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/progress.h"
#include "tools/src/vmctl/util.h"

#include <limits.h>
#include <stdio.h>

struct snapshot_options {
	bool json;	/* first: rd_ask_set_json() */
	bool stop;
};

static int set_stop(void *ctx, const char *v)
{
	(void)v;
	((struct snapshot_options *)ctx)->stop = true;
	return RD_OK;
}

static const struct rd_opt snapshot_opts[] = {
	{ "stop", NULL, "end the machine afterwards; otherwise it goes on", set_stop },
	{ "json", NULL, "print the answer as one JSON object", rd_ask_set_json },
	{ NULL, NULL, NULL, NULL },
};

static void on_event(void *ctx, const json_t *event)
{
	json_int_t done = json_integer_value(json_object_get(event, "done"));
	json_int_t total = json_integer_value(json_object_get(event, "total"));

	if (done >= 0 && total > 0)
		rd_progress_show(ctx, (uint64_t)done, (uint64_t)total);
}

static int take(const char *who, const char *path, bool stop, json_t **answer)
{
	struct rd_progress progress;
	struct rd_client c;
	int status = rd_client_open(&c, who);

	if (!status) {
		rd_progress_start(&progress, "saving");
		status = rd_client_call(&c, json_pack("{s:s, s:s, s:b}", "command", "snapshot",
						      "file", path, "stop", stop),
					on_event, &progress, answer);
		rd_progress_end(&progress);
	}
	rd_client_close(&c);
	return status;
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct snapshot_options o = { 0 };
	char path[PATH_MAX];
	json_t *answer = NULL;
	int operands;
	int status = rd_opts_parse(self, &o, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands != 2)
		return rd_fail(RD_USAGE, "snapshot: a name or process id and a file are needed");
	/* The VM's process has another working directory. */
	status = rd_absolute("snapshot", path, sizeof(path), argv[1]);
	if (!status)
		status = take(argv[0], path, o.stop, &answer);
	if (!status && o.json)
		rd_ask_print(answer);
	json_decref(answer);
	return status;
}

const struct rd_command rd_cmd_snapshot = {
	.name = "snapshot",
	.args = "NAME|PID FILE [--stop] [--json]",
	.summary = "Save a virtual machine to a file",
	.opts = snapshot_opts,
	.run = run,
};
