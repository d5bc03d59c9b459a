// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmctl top: the running VMs and what they do, live. Asks every VM once per interval and shows the
 * rates since the time before: on the terminal, as text, or as JSON.
 */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/top.h"
#include "tools/src/vmctl/top_screen.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_MAX 3600.0
#define REASONS_SHOWN 6u

struct top_options {
	bool json;		/* first: rd_ask_set_json() */
	bool batch;
	double interval;	/* seconds */
	uint32_t count;		/* 0: until it is ended */
};

struct sample {
	double at;		/* seconds on the monotonic clock */
	json_t *vms;		/* answers by name */
};

static int set_batch(void *ctx, const char *v)
{
	(void)v;
	((struct top_options *)ctx)->batch = true;
	return RD_OK;
}

static int set_interval(void *ctx, const char *v)
{
	double *interval = &((struct top_options *)ctx)->interval;
	char *end;

	*interval = strtod(v, &end);
	if (*v >= '0' && *v <= '9' && !*end && *interval >= 0.1 && *interval <= INTERVAL_MAX)
		return RD_OK;
	return rd_fail(RD_USAGE, "--interval: seconds from 0.1 to %.0f, not \"%s\"", INTERVAL_MAX,
		       v);
}

static int set_count(void *ctx, const char *v)
{
	if (rd_parse_u32(v, 1, UINT32_MAX, &((struct top_options *)ctx)->count))
		return RD_OK;
	return rd_fail(RD_USAGE, "--count: a number from 1, not \"%s\"", v);
}

static const struct rd_opt top_opts[] = {
	{ "interval", "SECONDS", "time between two looks (default: 1)", set_interval },
	{ "count", "N", "end after so many", set_count },
	{ "batch", NULL, "write text, do not take over the terminal", set_batch },
	{ "json", NULL, "write one JSON object per interval", rd_ask_set_json },
	{ NULL, NULL, NULL, NULL },
};

static void take_answer(void *ctx, json_t *answer)
{
	const char *name = json_string_value(json_object_get(answer, "name"));

	if (name)
		json_object_set(ctx, name, answer);
}

static int take(struct sample *s)
{
	struct timespec ts;

	s->vms = json_object();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	s->at = (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
	return rd_client_each(json_pack("{s:s, s:b}", "command", "stats", "vcpus", 1), take_answer,
			      s->vms);
}

static json_t *rates(const struct sample *earlier, const struct sample *now)
{
	double seconds = now->at > earlier->at ? now->at - earlier->at : 0.001;
	json_t *list = json_array(), *vm;
	const char *name;

	json_object_foreach(now->vms, name, vm)
		json_array_append_new(list, rd_top_rates(json_object_get(earlier->vms, name), vm,
							 seconds));
	return list;
}

static void print_text(const json_t *vms)
{
	struct rd_top_reason list[REASONS_SHOWN];
	char text[160];
	json_t *vm, *vcpu;
	size_t i, j, n;

	printf("NAME%s\n", RD_TOP_HEAD + 4);
	json_array_foreach(vms, i, vm) {
		rd_top_line(vm, text, sizeof(text));
		puts(text);
		json_array_foreach(json_object_get(vm, "vcpus"), j, vcpu) {
			rd_top_line(vcpu, text, sizeof(text));
			puts(text);
		}
		n = rd_top_reasons(vm, list, REASONS_SHOWN);
		for (j = 0; j < n; j++)
			printf("%s%s %.0f", j ? ", " : "  exits/s: ", list[j].name, list[j].rate);
		if (n)
			putchar('\n');
	}
	fflush(stdout);
}

static void print_json(json_t *vms, double seconds)
{
	json_t *o = json_pack("{s:f, s:O}", "interval_s", seconds, "vms", vms);

	rd_ask_print(o);
	fflush(stdout);
	json_decref(o);
}

static void output(const struct top_options *o, struct rd_top_screen *screen, json_t *vms,
		   double seconds)
{
	if (screen)
		rd_top_screen_draw(screen, vms);
	else if (o->json)
		print_json(vms, seconds);
	else
		print_text(vms);
}

static void wait_interval(const struct top_options *o, struct rd_top_screen *screen,
			  const json_t *vms)
{
	if (screen)
		rd_top_screen_wait(screen, vms, (int)(o->interval * 1000));
	else
		usleep((useconds_t)(o->interval * 1e6));
}

/* Standard output that nobody reads ends the loop, in batch mode. */
static int loop(const struct top_options *o, struct rd_top_screen *screen)
{
	struct sample earlier, now;
	json_t *vms = json_array();
	int status = take(&earlier);

	for (uint32_t i = 0; !status && (!o->count || i < o->count); i++) {
		wait_interval(o, screen, vms);
		if ((screen && screen->quit) || ferror(stdout))
			break;
		status = take(&now);
		json_decref(vms);
		vms = rates(&earlier, &now);
		output(o, screen, vms, now.at - earlier.at);
		json_decref(earlier.vms);
		earlier = now;
	}
	json_decref(vms);
	json_decref(earlier.vms);
	return status;
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct top_options o = { .interval = 1 };
	struct rd_top_screen screen;
	int operands;
	int status = rd_opts_parse(self, &o, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands)
		return rd_fail(RD_USAGE, "top: unexpected \"%s\"", argv[0]);
	if (o.json || o.batch)
		return loop(&o, NULL);
	if (!rd_top_screen_open(&screen))
		return rd_fail(RD_USAGE, "top: no terminal that can be drawn on; try --batch");
	status = loop(&o, &screen);
	rd_top_screen_close();
	return status;
}

const struct rd_command rd_cmd_top = {
	.name = "top",
	.args = "[OPTION]...",
	.summary = "Watch the running virtual machines",
	.opts = top_opts,
	.run = run,
};
