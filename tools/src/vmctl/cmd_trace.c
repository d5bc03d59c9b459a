// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmctl trace: write traces of a running VM. The live view is cmd_trace_watch.c; cmd_trace_guard.c
 * is for a guest that guards itself.
 */
#include "tools/src/vmctl/cmd_trace.h"

#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/guard.h"
#include "tools/src/vmctl/trace_text.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>

#define RANGES_PER_REQUEST 100u		/* a request has at most 8192 bytes */

struct options {
	bool json;		/* first: rd_ask_set_json() */
	bool all;
	uint32_t tag;
	uint8_t actions[RD_TRACE_MAX_ACTIONS];
};

static int set_action(void *ctx, const char *v)
{
	if (rd_trace_actions_parse(v, ((struct options *)ctx)->actions))
		return RD_OK;
	return rd_fail(RD_USAGE, "--action: up to %u of log, allow, refuse, skip, suspend, "
		       "snapshot, isolate, notify, kill, ask, with commas between them, not \"%s\"",
		       RD_TRACE_MAX_ACTIONS, v);
}

static int set_tag(void *ctx, const char *v)
{
	if (rd_parse_u32(v, 0, UINT16_MAX, &((struct options *)ctx)->tag))
		return RD_OK;
	return rd_fail(RD_USAGE, "--tag: a number from 0 to %u, not \"%s\"", UINT16_MAX, v);
}

static int set_all(void *ctx, const char *v)
{
	(void)v;
	((struct options *)ctx)->all = true;
	return RD_OK;
}

/* Options and no operand. */
static int parse_plain(const struct rd_trace_part *self, struct options *o, int argc, char **argv)
{
	int operands, status = rd_opts_parse(&self->command, o, argc, argv, &operands);

	if (!status && operands)
		return rd_fail(RD_USAGE, "trace: unexpected \"%s\"", argv[0]);
	return status;
}

/* One request (the reference is taken) on a connection of its own. */
static int call(const char *who, json_t *request, json_t **answer)
{
	struct rd_client c;
	int status = rd_client_open(&c, who);

	if (status)
		json_decref(request);
	else
		status = rd_client_call(&c, request, NULL, NULL, answer);
	rd_client_close(&c);
	return status;
}

/* --- add and remove --- */

static int check_ranges(int n, char **words)
{
	uint64_t gpa, size;

	for (int i = 0; i < n; i++)
		if (!rd_trace_range_parse(words[i], &gpa, &size))
			return rd_fail(RD_USAGE, "trace: ADDRESS or ADDRESS+SIZE, such as "
				       "0x1000+4K, not \"%s\"", words[i]);
	return RD_OK;
}

static json_t *ranges(int n, char **words)
{
	json_t *list = json_array();
	uint64_t gpa = 0, size = 0;

	for (int i = 0; i < n; i++)
		if (rd_trace_range_parse(words[i], &gpa, &size))
			json_array_append_new(list, json_pack("{s:I, s:I}", "gpa",
							      (json_int_t)gpa, "size",
							      (json_int_t)size));
	return list;
}

static int send_ranges(const char *who, const char *command, const struct options *o, int n,
		       char **words)
{
	json_t *answer = NULL;
	json_t *request = json_pack("{s:s, s:o}", "command", command, "ranges",
				    ranges(n, words));
	int status;

	if (o->actions[0])
		json_object_set_new(request, "actions", rd_trace_actions_json(o->actions));
	if (o->tag)
		json_object_set_new(request, "tag", json_integer(o->tag));
	status = call(who, request, &answer);
	json_decref(answer);
	return status;
}

static int run_add(const struct rd_trace_part *self, const char *who, int argc, char **argv)
{
	struct options o = { 0 };
	int n, status = rd_opts_parse(&self->command, &o, argc, argv, &n);

	if (status)
		return status;
	if (!n || n > (int)RANGES_PER_REQUEST)
		return rd_fail(RD_USAGE, "trace add: 1 to %u ranges are needed",
			       RANGES_PER_REQUEST);
	status = check_ranges(n, argv);
	return status ? status : send_ranges(who, "trace_add", &o, n, argv);
}

static int run_remove(const struct rd_trace_part *self, const char *who, int argc, char **argv)
{
	struct options o = { 0 };
	json_t *answer = NULL;
	int n, status = rd_opts_parse(&self->command, &o, argc, argv, &n);

	if (status)
		return status;
	if (o.all == !!n || n > (int)RANGES_PER_REQUEST)
		return rd_fail(RD_USAGE, "trace remove: 1 to %u ranges, or --all",
			       RANGES_PER_REQUEST);
	status = check_ranges(n, argv);
	if (status)
		return status;
	if (n)
		return send_ranges(who, "trace_remove", &o, n, argv);
	status = call(who, json_pack("{s:s, s:b}", "command", "trace_remove", "all", 1), &answer);
	json_decref(answer);
	return status;
}

/* The guest's own guard, where there is something to say of it. */
static void print_guard(const json_t *guard)
{
	char text[RD_GUARD_LINE_MAX];

	if (!guard || !rd_guard_worth_telling(guard))
		return;
	rd_guard_line(guard, text, sizeof(text));
	printf("guest's kernel %s\n", text);
}

/* --- list --- */

static void print_trace(const json_t *t)
{
	json_t *a;
	size_t i;

	printf("0x%llx+0x%llx ",
	       (unsigned long long)json_integer_value(json_object_get(t, "gpa")),
	       (unsigned long long)json_integer_value(json_object_get(t, "size")));
	json_array_foreach(json_object_get(t, "actions"), i, a)
		printf("%s%s", i ? "," : "", json_string_value(a));
	printf(" tag %lld\n", (long long)json_integer_value(json_object_get(t, "tag")));
}

/* Long lists come in several answers, which become one; *GUARD is of the last, a new reference. */
static int fetch_list(struct rd_client *c, json_t *all, json_t **guard)
{
	json_int_t from = 0;
	json_t *answer, *next;
	int status;

	do {
		status = rd_client_call(c, json_pack("{s:s, s:I}", "command", "trace_list", "from",
						     from), NULL, NULL, &answer);
		if (status)
			return status;
		json_array_extend(all, json_object_get(answer, "traces"));
		json_decref(*guard);
		*guard = json_incref(json_object_get(answer, "guest"));
		next = json_object_get(answer, "next");
		from = json_integer_value(next);
		json_decref(answer);
	} while (from > 0);
	return RD_OK;
}

static int run_list(const struct rd_trace_part *self, const char *who, int argc, char **argv)
{
	struct options o = { 0 };
	json_t *all, *answer, *t, *guard = NULL;
	struct rd_client c;
	size_t i;
	int status = parse_plain(self, &o, argc, argv);

	if (status)
		return status;
	all = json_array();
	status = rd_client_open(&c, who);
	if (!status)
		status = fetch_list(&c, all, &guard);
	rd_client_close(&c);
	if (!status && o.json) {
		answer = json_pack("{s:b, s:O, s:O*}", "ok", 1, "traces", all, "guest", guard);
		rd_ask_print(answer);
		json_decref(answer);
	} else if (!status) {
		json_array_foreach(all, i, t)
			print_trace(t);
		print_guard(guard);
	}
	json_decref(guard);
	json_decref(all);
	return status;
}

/* --- the rest --- */

static int run_stats(const struct rd_trace_part *self, const char *who, int argc, char **argv)
{
	struct options o = { 0 };
	json_t *answer = NULL, *value;
	const char *name;
	int status = parse_plain(self, &o, argc, argv);

	if (!status)
		status = call(who, json_pack("{s:s}", "command", "trace_stats"), &answer);
	if (status)
		return status;
	if (o.json) {
		rd_ask_print(answer);
	} else {
		json_object_foreach(answer, name, value) {
			if (json_is_integer(value))
				printf("%-12s %14lld\n", name,
				       (long long)json_integer_value(value));
		}
		print_guard(json_object_get(answer, "guest"));
	}
	json_decref(answer);
	return RD_OK;
}

static int run_unisolate(const struct rd_trace_part *self, const char *who, int argc, char **argv)
{
	struct options o = { 0 };
	json_t *answer = NULL;
	int status = parse_plain(self, &o, argc, argv);

	if (!status)
		status = call(who, json_pack("{s:s}", "command", "trace_unisolate"), &answer);
	json_decref(answer);
	return status;
}

static const struct rd_opt add_opts[] = {
	{ "action", "LIST", "what a write leads to, in order (default: log,refuse)", set_action },
	{ "tag", "N", "a number that is told with every hit (default: 0)", set_tag },
	{ NULL, NULL, NULL, NULL },
};

static const struct rd_opt remove_opts[] = {
	{ "all", NULL, "remove all traces", set_all },
	{ NULL, NULL, NULL, NULL },
};

static const struct rd_trace_part add_part = {
	"add", { "trace NAME add", "ADDRESS[+SIZE]... [--action LIST] [--tag N]",
		 "Trace writes to guest memory; without a size, to a page", add_opts, NULL },
	run_add,
};

static const struct rd_trace_part remove_part = {
	"remove", { "trace NAME remove", "ADDRESS[+SIZE]... | --all", "Remove traces",
		    remove_opts, NULL },
	run_remove,
};

static const struct rd_trace_part list_part = {
	"list", { "trace NAME list", "[--json]", "Show the traces there are", rd_json_opts, NULL },
	run_list,
};

static const struct rd_trace_part stats_part = {
	"stats", { "trace NAME stats", "[--json]", "Show how many writes were stopped",
		   rd_json_opts, NULL },
	run_stats,
};

static const struct rd_trace_part unisolate_part = {
	"unisolate", { "trace NAME unisolate", "", "Connect the network cards again", NULL, NULL },
	run_unisolate,
};

static const struct rd_trace_part *const parts[] = {
	&add_part, &remove_part, &list_part, &stats_part, &rd_trace_watch, &unisolate_part,
	&rd_trace_guard,
};

static const struct rd_trace_part *find(const char *word)
{
	for (size_t i = 0; i < RD_ARRAY_SIZE(parts); i++)
		if (!strcmp(parts[i]->word, word))
			return parts[i];
	return NULL;
}

static void help(const struct rd_command *self)
{
	printf("usage: vmctl %s %s\n%s.\n", self->name, self->args, self->summary);
	for (size_t i = 0; i < RD_ARRAY_SIZE(parts); i++)
		printf("  %-12s %s\n", parts[i]->word, parts[i]->command.summary);
	printf("vmctl trace NAME WORD --help says more about one.\n");
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	const struct rd_trace_part *part;
	int status;

	for (int i = 1; i < argc && i < 3; i++) {
		if (strcmp(argv[i], "--help") && strcmp(argv[i], "-h"))
			continue;
		help(self);
		return RD_OK;
	}
	if (argc < 3)
		return rd_fail(RD_USAGE, "trace: the name or process id of a VM and what to do are "
			       "needed (see vmctl trace --help)");
	part = find(argv[2]);
	if (!part)
		return rd_fail(RD_USAGE, "trace: no \"%s\" (see vmctl trace --help)", argv[2]);
	status = part->run(part, argv[1], argc - 2, argv + 2);
	return status == RD_OPTS_HELP ? RD_OK : status;
}

const struct rd_command rd_cmd_trace = {
	.name = "trace",
	.args = "NAME|PID add|remove|list|stats|watch|unisolate|guard-kernel [ARGUMENT]...",
	.summary = "Stop writes to chosen parts of a virtual machine's memory",
	.run = run,
};
