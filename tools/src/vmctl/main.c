// SPDX-License-Identifier: GPL-2.0-only
/* vmctl: choice of the command, and the help that covers all of them. */
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>

static const struct rd_command *const commands[] = {
	&rd_cmd_run, &rd_cmd_restore, &rd_cmd_check, &rd_cmd_list, &rd_cmd_show, &rd_cmd_stats,
	&rd_cmd_top, &rd_cmd_console, &rd_cmd_pause, &rd_cmd_resume, &rd_cmd_snapshot,
	&rd_cmd_balloon, &rd_cmd_trace, &rd_cmd_stop, &rd_cmd_kill, &rd_cmd_image,
	&rd_cmd_enclave,
};

static const char statuses[] =
	"exit status (run stands for run and restore):\n"
	"  0    success; run: the guest powered itself off\n"
	"  1    host error: a file, the device node, memory; check: something is missing\n"
	"  2    usage error: the command line or an input file is wrong\n"
	"  3    run: the guest panicked\n"
	"  4    run: the guest asked for a reset and --no-reboot was given\n"
	"  5    run: the guest stopped on a triple fault\n"
	"  6    run: --timeout ran out\n"
	"  7    run: ended by vmctl kill, vmctl snapshot --stop or by Ctrl-A x\n"
	"  8    run: the hypervisor could not go on with the guest\n"
	"  128+N  run, image: ended by signal N (SIGINT 130, SIGTERM 143, SIGHUP 129)\n";

static const struct rd_command *find(const char *name)
{
	for (size_t i = 0; i < RD_ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static void print_help(FILE *to)
{
	fprintf(to, "usage: vmctl COMMAND [OPTION]...\ncommands:\n");
	for (size_t i = 0; i < RD_ARRAY_SIZE(commands); i++)
		fprintf(to, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fprintf(to, "  %-9s %s\n", "help", "Show this, or the help of one command");
	fputs(statuses, to);
}

static int help(int argc, char **argv)
{
	const struct rd_command *cmd;

	if (argc < 2) {
		print_help(stdout);
		return RD_OK;
	}
	cmd = find(argv[1]);
	if (!cmd)
		return rd_fail(RD_USAGE, "no command \"%s\" (see vmctl help)", argv[1]);
	rd_opts_help(cmd, stdout);
	fputs(statuses, stdout);
	return RD_OK;
}

int main(int argc, char **argv)
{
	const struct rd_command *cmd;

	if (argc < 2)
		return rd_fail(RD_USAGE, "no command given (see vmctl help)");
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "version")) {
		printf("vmctl %s\n", RD_VERSION);
		return RD_OK;
	}
	if (!strcmp(argv[1], "help") || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(argc - 1, argv + 1);
	cmd = find(argv[1]);
	if (!cmd)
		return rd_fail(RD_USAGE, "no command \"%s\" (see vmctl help)", argv[1]);
	return cmd->run(cmd, argc - 1, argv + 1);
}
