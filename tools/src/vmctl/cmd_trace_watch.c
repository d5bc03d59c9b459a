// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmctl trace NAME watch: the events of write traces as they come, one line each, until the VM ends
 * or a signal ends this.
 */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/cmd_trace.h"
#include "tools/src/vmctl/trace_text.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>

struct watch {
	bool json;		/* first: rd_ask_set_json() */
	const char *hit;	/* NULL: any */
	bool by_tag, by_range;
	uint32_t tag;
	uint64_t gpa, size;
	uint32_t count;		/* 0: no end */
};

static int set_hit(void *ctx, const char *v)
{
	if (!rd_trace_hit_known(v))
		return rd_fail(RD_USAGE, "--hit: mapping, node, corrupt, denied or mode, not "
			       "\"%s\"", v);
	((struct watch *)ctx)->hit = v;
	return RD_OK;
}

static int set_tag(void *ctx, const char *v)
{
	struct watch *w = ctx;

	w->by_tag = true;
	if (rd_parse_u32(v, 0, UINT16_MAX, &w->tag))
		return RD_OK;
	return rd_fail(RD_USAGE, "--tag: a number from 0 to %u, not \"%s\"", UINT16_MAX, v);
}

static int set_addr(void *ctx, const char *v)
{
	struct watch *w = ctx;

	w->by_range = true;
	if (rd_trace_range_parse(v, &w->gpa, &w->size))
		return RD_OK;
	return rd_fail(RD_USAGE, "--addr: ADDRESS or ADDRESS+SIZE, not \"%s\"", v);
}

static int set_count(void *ctx, const char *v)
{
	if (rd_parse_u32(v, 1, UINT32_MAX, &((struct watch *)ctx)->count))
		return RD_OK;
	return rd_fail(RD_USAGE, "--count: a number from 1 on, not \"%s\"", v);
}

/* An event of which nobody knows the length is where it begins. */
static bool in_range(const struct watch *w, const json_t *event)
{
	uint64_t gpa = (uint64_t)json_integer_value(json_object_get(event, "gpa"));
	uint64_t len = (uint64_t)json_integer_value(json_object_get(event, "length"));

	return gpa < w->gpa + w->size && gpa + (len ? len : 1) > w->gpa;
}

static bool wanted(const struct watch *w, const json_t *event)
{
	const char *hit = json_string_value(json_object_get(event, "hit"));

	return (!w->hit || !strcmp(w->hit, hit)) &&
	       (!w->by_tag || json_integer_value(json_object_get(event, "tag")) == w->tag) &&
	       (!w->by_range || in_range(w, event));
}

/* Show one line of the socket. Returns whether it was an event that was wanted. */
static bool show(const struct watch *w, const json_t *event)
{
	const char *kind = json_string_value(json_object_get(event, "event"));
	bool of_write = json_is_string(json_object_get(event, "hit"));
	char text[RD_TRACE_LINE_MAX];

	if (!kind || (of_write && !wanted(w, event)))
		return false;
	if (w->json)
		rd_ask_print(event);
	else if (of_write)
		rd_trace_line(event, text, sizeof(text)), puts(text);
	else if (!strcmp(kind, "lost"))
		printf("lost %lld events\n",
		       (long long)json_integer_value(json_object_get(event, "count")));
	else if (!strcmp(kind, "reset"))
		puts("reset: the guest begins anew, without traces");
	fflush(stdout);
	return of_write;
}

static int watch(const struct watch *w, struct rd_client *c)
{
	uint32_t seen = 0;
	json_t *event;
	int status;

	do {
		status = rd_client_next(c, &event);
		if (status || !event)
			return status;
		seen += show(w, event);
		json_decref(event);
	} while ((!w->count || seen < w->count) && !ferror(stdout));
	return RD_OK;
}

static int run(const struct rd_trace_part *self, const char *who, int argc, char **argv)
{
	struct watch w = { 0 };
	json_t *answer = NULL;
	struct rd_client c;
	int operands, status = rd_opts_parse(&self->command, &w, argc, argv, &operands);

	if (status)
		return status;
	if (operands)
		return rd_fail(RD_USAGE, "trace: unexpected \"%s\"", argv[0]);
	status = rd_client_open(&c, who);
	if (!status)
		status = rd_client_call(&c, json_pack("{s:s}", "command", "trace_watch"), NULL,
					NULL, &answer);
	json_decref(answer);
	if (!status)
		status = watch(&w, &c);
	rd_client_close(&c);
	return status;
}

static const struct rd_opt watch_opts[] = {
	{ "json", NULL, "each event as a JSON object", rd_ask_set_json },
	{ "hit", "KIND", "only mapping, node, corrupt, denied or mode", set_hit },
	{ "tag", "N", "only traces with this tag", set_tag },
	{ "addr", "ADDRESS[+SIZE]", "only writes to these bytes", set_addr },
	{ "count", "N", "end after so many events", set_count },
	{ NULL, NULL, NULL, NULL },
};

const struct rd_trace_part rd_trace_watch = {
	"watch", { "trace NAME watch", "[OPTION]...", "Show hits as they happen", watch_opts,
		   NULL },
	run,
};
