// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmctl trace NAME guard-kernel: have the driver in the guest guard its kernel, and wait until it
 * does.
 */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/cmd_trace.h"
#include "tools/src/vmctl/guard.h"
#include "tools/src/vmctl/progress.h"
#include "tools/src/vmctl/trace_text.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_MS 200
#define WAIT_MAX_S 86400u

struct options {
	bool json;		/* first: rd_ask_set_json() */
	bool status;		/* only tell, */
	bool change;		/* which does not go with an option that changes something */
	uint32_t wait_s, allow;
	uint8_t actions[RD_TRACE_MAX_ACTIONS];
};

static int set_action(void *ctx, const char *v)
{
	struct options *o = ctx;

	o->change = true;
	if (rd_trace_actions_parse(v, o->actions) &&
	    !memchr(o->actions, RD_TRACE_ASK, sizeof(o->actions)))
		return RD_OK;
	return rd_fail(RD_USAGE, "--action: up to %u of log, allow, refuse, skip, suspend, "
		       "snapshot, isolate, notify, kill, with commas between them, not \"%s\"",
		       RD_TRACE_MAX_ACTIONS, v);
}

static int set_allow(void *ctx, const char *v)
{
	struct options *o = ctx;

	o->change = true;
	if (rd_guard_allow_parse(v, &o->allow))
		return RD_OK;
	return rd_fail(RD_USAGE, "--allow: static-keys, ftrace, kprobes, with commas between them, "
		       "or all or none, not \"%s\"", v);
}

static int set_wait(void *ctx, const char *v)
{
	struct options *o = ctx;

	o->change = true;
	if (rd_parse_u32(v, 0, WAIT_MAX_S, &o->wait_s))
		return RD_OK;
	return rd_fail(RD_USAGE, "--wait: seconds from 0 to %u, not \"%s\"", WAIT_MAX_S, v);
}

static int set_status(void *ctx, const char *v)
{
	(void)v;
	((struct options *)ctx)->status = true;
	return RD_OK;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* *ANSWER is a new reference, with a member "guest". A status. */
static int look(struct rd_client *c, json_t **answer)
{
	return rd_client_call(c, json_pack("{s:s}", "command", "trace_driver"), NULL, NULL,
			      answer);
}

static void show(const struct options *o, const json_t *answer)
{
	char text[RD_GUARD_LINE_MAX];

	if (o->json) {
		rd_ask_print(answer);
		return;
	}
	rd_guard_line(json_object_get(answer, "guest"), text, sizeof(text));
	printf("the guest's kernel is %s\n", text);
}

static int want(struct rd_client *c, const struct options *o)
{
	json_t *answer = NULL;
	int status = rd_client_call(c, json_pack("{s:s, s:o, s:o}", "command", "trace_guard",
						 "actions", rd_trace_actions_json(o->actions),
						 "allow", rd_guard_allow_json(o->allow)),
				    NULL, NULL, &answer);

	json_decref(answer);
	return status;
}

static int gave_up(const char *who, const struct options *o, const struct rd_guard_wait *w)
{
	if (!w->calls)
		return rd_fail(RD_HOST_ERROR, "%s: no driver in the guest has called for %u s: "
			       "load redoubt_guest.ko in the guest", who, o->wait_s);
	return rd_fail(RD_HOST_ERROR, "%s: the guest's driver has not guarded the kernel for %u s",
		       who, o->wait_s);
}

static int failed(const char *who, const json_t *answer)
{
	const json_t *error = json_object_get(json_object_get(answer, "guest"), "error");

	return rd_fail(RD_HOST_ERROR, "%s: the guest's driver cannot guard the kernel: %s", who,
		       json_is_string(error) ? json_string_value(error) : "it does not say why");
}

/* *ANSWER: the last one, in any case but a lost connection. */
static int wait_for_driver(struct rd_client *c, const struct options *o, struct rd_guard_wait *w,
			   json_t **answer)
{
	struct rd_progress progress;
	enum rd_guard_verdict v;
	int status;

	rd_progress_start(&progress, "waiting for the driver in the guest");
	while (true) {
		json_decref(*answer);
		*answer = NULL;
		status = look(c, answer);
		if (status)
			break;
		v = rd_guard_judge(w, json_object_get(*answer, "guest"), now_ms());
		if (v == RD_GUARD_FAILED)
			status = failed(c->who, *answer);
		else if (v == RD_GUARD_WAIT && now_ms() - w->since_ms >= o->wait_s * 1000ll)
			status = gave_up(c->who, o, w);
		if (v != RD_GUARD_WAIT || status)
			break;
		rd_progress_say(&progress, w->calls ? "it has called" : "it has not called yet");
		usleep(LOOK_MS * 1000);
	}
	rd_progress_end(&progress);
	return status;
}

static int guard(struct rd_client *c, const struct options *o)
{
	struct rd_guard_wait w;
	json_t *answer = NULL;
	int status = look(c, &answer);

	if (!status && !o->status) {
		rd_guard_wait_start(&w, json_object_get(answer, "guest"), now_ms());
		status = want(c, o);
		if (!status && o->wait_s)
			status = wait_for_driver(c, o, &w, &answer);
	}
	if (!status && (o->status || o->wait_s))
		show(o, answer);
	json_decref(answer);
	return status;
}

static int run(const struct rd_trace_part *self, const char *who, int argc, char **argv)
{
	struct options o = { .wait_s = 10, .allow = RD_ALLOW_ALL,
			     .actions = { RD_TRACE_LOG, RD_TRACE_REFUSE } };
	struct rd_client c;
	int operands, status = rd_opts_parse(&self->command, &o, argc, argv, &operands);

	if (status)
		return status;
	if (operands)
		return rd_fail(RD_USAGE, "trace: unexpected \"%s\"", argv[0]);
	if (o.status && o.change)
		return rd_fail(RD_USAGE, "trace guard-kernel: --status changes nothing: only "
			       "--json goes with it");
	status = rd_client_open(&c, who);
	if (!status)
		status = guard(&c, &o);
	rd_client_close(&c);
	return status;
}

static const struct rd_opt guard_opts[] = {
	{ "action", "LIST", "what a write that is not allowed leads to (default: log,refuse)",
	  set_action },
	{ "allow", "LIST", "static-keys,ftrace,kprobes: what the kernel may patch of itself, or "
	  "none (default: all)", set_allow },
	{ "wait", "SECONDS", "how long to wait for the driver; 0: not at all (default: 10)",
	  set_wait },
	{ "status", NULL, "only show whether the kernel is guarded", set_status },
	{ "json", NULL, "print the answer as one JSON object", rd_ask_set_json },
	{ NULL, NULL, NULL, NULL },
};

const struct rd_trace_part rd_trace_guard = {
	"guard-kernel", { "trace NAME guard-kernel", "[OPTION]...",
			  "Have the driver in the guest guard its kernel", guard_opts, NULL },
	run,
};
