// SPDX-License-Identifier: GPL-2.0-only
/* vmctl stats: counters of a running VM. */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/util.h"

#include <stdbool.h>
#include <stdio.h>

struct stats_options {
	bool json;	/* first: rd_ask_set_json() */
	bool vcpus;
};

static int set_vcpus(void *ctx, const char *v)
{
	(void)v;
	((struct stats_options *)ctx)->vcpus = true;
	return RD_OK;
}

static const struct rd_opt stats_opts[] = {
	{ "json", NULL, "print the whole answer as one JSON object", rd_ask_set_json },
	{ "vcpus", NULL, "each virtual CPU by itself, too", set_vcpus },
	{ NULL, NULL, NULL, NULL },
};

static long long number(const json_t *o, const char *key)
{
	return (long long)json_integer_value(json_object_get(o, key));
}

static void print_group(const json_t *reply, const char *group)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(reply, group), name, value) {
		if (json_integer_value(value))
			printf("  %-32s %14lld\n", name, (long long)json_integer_value(value));
	}
}

static void print_text(const json_t *reply)
{
	printf("exits: %lld\n", number(reply, "exits"));
	print_group(reply, "counters");
	printf("user-space exits: %lld\n", number(reply, "user_exits_total"));
	print_group(reply, "user_exits");
}

static void print_card(const json_t *card)
{
	printf("%s\n", json_string_value(json_object_get(card, "device")));
	printf("  received %lld frames, %lld bytes, %lld dropped\n", number(card, "rx_frames"),
	       number(card, "rx_bytes"), number(card, "rx_dropped"));
	printf("  sent     %lld frames, %lld bytes, %lld dropped\n", number(card, "tx_frames"),
	       number(card, "tx_bytes"), number(card, "tx_dropped"));
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct stats_options o = { 0 };
	struct rd_client c;
	json_t *reply = NULL, *vcpu, *card;
	size_t i;
	int status = rd_ask_parse(self, &o, argc, argv);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	status = rd_client_open(&c, argv[0]);
	if (!status)
		status = rd_client_call(&c, json_pack("{s:s, s:b}", "command", "stats", "vcpus",
						      o.vcpus), NULL, NULL, &reply);
	rd_client_close(&c);
	if (status)
		return status;
	if (o.json) {
		rd_ask_print(reply);
	} else {
		print_text(reply);
		json_array_foreach(json_object_get(reply, "nets"), i, card)
			print_card(card);
		json_array_foreach(json_object_get(reply, "vcpus"), i, vcpu) {
			printf("vCPU %lld\n", number(vcpu, "index"));
			print_text(vcpu);
		}
	}
	json_decref(reply);
	return RD_OK;
}

const struct rd_command rd_cmd_stats = {
	.name = "stats",
	.args = "NAME|PID [--vcpus] [--json]",
	.summary = "Show the counters of a running virtual machine",
	.opts = stats_opts,
	.run = run,
};
