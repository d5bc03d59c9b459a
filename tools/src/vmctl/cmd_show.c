// SPDX-License-Identifier: GPL-2.0-only
/* vmctl show: all there is to say about one running VM. */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>

static void print_member(const char *name, const json_t *value)
{
	printf("%-20s ", name);
	if (json_is_string(value))
		puts(json_string_value(value));
	else if (json_is_integer(value))
		printf("%lld\n", (long long)json_integer_value(value));
	else if (json_is_boolean(value))
		puts(json_is_true(value) ? "yes" : "no");
	else if (json_is_null(value))
		puts("-");
	else
		json_dumpf(value, stdout, JSON_ENCODE_ANY), putchar('\n');
}

static void print_card(const json_t *card)
{
	const char *device = "", *backend = "", *mac = "", *link = "";
	int driver = 0, vhost = 0;

	json_unpack((json_t *)card, "{s:s, s:s, s:s, s:s, s:b, s:b}", "device", &device, "backend",
		    &backend, "mac", &mac, "link", &link, "driver", &driver, "vhost", &vhost);
	printf("%-20s %s, %s, link %s, %s%s\n", device, backend, mac, link,
	       driver ? "in use" : "no driver", vhost ? ", vhost" : "");
}

static void print_text(json_t *answer)
{
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach(answer, name, value) {
		if (strcmp(name, "ok") != 0 && strcmp(name, "nets") != 0 && !json_is_object(value))
			print_member(name, value);
	}
	json_array_foreach(json_object_get(answer, "nets"), i, value)
		print_card(value);
	json_object_foreach(json_object_get(answer, "machine"), name, value) {
		if (!json_object_get(answer, name))
			print_member(name, value);
	}
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	bool json = false;
	json_t *answer;
	int status = rd_ask_parse(self, &json, argc, argv);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	status = rd_client_ask(argv[0], "show", &answer);
	if (status)
		return status;
	if (json)
		rd_ask_print(answer);
	else
		print_text(answer);
	json_decref(answer);
	return RD_OK;
}

const struct rd_command rd_cmd_show = {
	.name = "show",
	.args = "NAME|PID [--json]",
	.summary = "Show what a running virtual machine is and does",
	.opts = rd_json_opts,
	.run = run,
};
