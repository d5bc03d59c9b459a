// SPDX-License-Identifier: GPL-2.0-only
/* Option parsing. The caller's argv is reordered, nothing is copied. */
#include "tools/src/vmctl/opts.h"

#include "tools/src/vmctl/util.h"

#include <stdbool.h>
#include <string.h>

static const struct rd_opt *find(const struct rd_command *cmd, const char *name, size_t len)
{
	for (const struct rd_opt *o = cmd->opts; o && o->name; o++)
		if (strlen(o->name) == len && !memcmp(o->name, name, len))
			return o;
	return NULL;
}

void rd_opts_help(const struct rd_command *cmd, FILE *to)
{
	fprintf(to, "usage: vmctl %s%s%s\n%s.\n", cmd->name, *cmd->args ? " " : "", cmd->args,
		cmd->summary);
	for (const struct rd_opt *o = cmd->opts; o && o->name; o++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", o->name, o->arg ? " " : "",
			 o->arg ? o->arg : "");
		fprintf(to, "  %-26s %s\n", left, o->help);
	}
	fprintf(to, "  %-26s %s\n", "--help", "show this");
}

/* Parse the option at argv[*i]. Moves *i to its last word. */
static int parse_one(const struct rd_command *cmd, void *ctx, int argc, char **argv, int *i)
{
	const char *word = argv[*i] + 2;
	const char *equals = strchr(word, '=');
	size_t len = equals ? (size_t)(equals - word) : strlen(word);
	const struct rd_opt *o = find(cmd, word, len);
	const char *value = equals ? equals + 1 : NULL;

	if (!o)
		return rd_fail(RD_USAGE, "%s: unknown option --%.*s (see vmctl %s --help)",
			       cmd->name, (int)len, word, cmd->name);
	if (!o->arg && value)
		return rd_fail(RD_USAGE, "--%s takes no value", o->name);
	if (o->arg && !value) {
		if (*i + 1 >= argc)
			return rd_fail(RD_USAGE, "--%s needs a value: %s", o->name, o->arg);
		value = argv[++*i];
	}
	return o->set(ctx, value);
}

int rd_opts_parse(const struct rd_command *cmd, void *ctx, int argc, char **argv,
		  int *n_operands)
{
	bool options_over = false;

	*n_operands = 0;
	for (int i = 1; i < argc; i++) {
		int status;

		if (options_over || argv[i][0] != '-' || !argv[i][1]) {
			argv[(*n_operands)++] = argv[i];
			continue;
		}
		if (!strcmp(argv[i], "--")) {
			options_over = true;
			continue;
		}
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			rd_opts_help(cmd, stdout);
			return RD_OPTS_HELP;
		}
		if (argv[i][1] != '-')
			return rd_fail(RD_USAGE, "%s: unknown option %s (see vmctl %s --help)",
				       cmd->name, argv[i], cmd->name);
		status = parse_one(cmd, ctx, argc, argv, &i);
		if (status)
			return status;
	}
	return RD_OK;
}
