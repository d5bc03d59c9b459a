/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Command-line options from one table per command: the table is what is parsed and what --help
 * prints, so they cannot disagree.
 */
#ifndef RD_TOOLS_OPTS_H
#define RD_TOOLS_OPTS_H

#include <stdio.h>

struct rd_opt {
	const char *name;	/* without the dashes */
	const char *arg;	/* NULL: the option takes none */
	const char *help;
	/* Called with the argument (NULL if none). Returns a status. */
	int (*set)(void *ctx, const char *value);
};

struct rd_command {
	const char *name;
	const char *args;	/* after the command's name in the usage line */
	const char *summary;
	const struct rd_opt *opts;	/* ended by a NULL name; NULL: no options */
	int (*run)(const struct rd_command *self, int argc, char **argv);
};

/* What parsing found when it is not a status. */
#define RD_OPTS_HELP (-1)

/*
 * rd_opts_parse - parse argv[1..] of a command. Options may be written --name VALUE or
 * --name=VALUE; operands are moved to the front of argv, *n_operands counts them. Returns a
 * status, or RD_OPTS_HELP after printing the help that --help asked for.
 */
int rd_opts_parse(const struct rd_command *cmd, void *ctx, int argc, char **argv,
		  int *n_operands);

/* rd_opts_help - print the help of a command. */
void rd_opts_help(const struct rd_command *cmd, FILE *to);

#endif
