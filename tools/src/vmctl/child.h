/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs that are run to their end, with their output line by line. A signal that is to end
 * vmctl ends the program first: it has a process group of its own, so that all it started hears of
 * the signal once, and it gets SIGTERM when vmctl is killed.
 */
#ifndef RD_TOOLS_CHILD_H
#define RD_TOOLS_CHILD_H

#include <signal.h>
#include <stdbool.h>

/* SIGINT, SIGTERM and SIGHUP, while they are taken by rd_child_run() and rd_interrupt_status(). */
struct rd_interrupt {
	int fd;
	int got;	/* the first that came; 0: none */
	sigset_t old_mask;
};

struct rd_child {
	const char *const *argv;	/* ended by NULL; argv[0] is looked for in PATH */
	const char *dir;		/* to run it in; NULL: here */
	bool own_errors;		/* its standard error is vmctl's, not part of the lines */
	void (*line)(void *ctx, const char *line);
	void (*tick)(void *ctx);	/* about twice a second; optional */
	void *ctx;
};

/* rd_interrupt_open - a status; close in either case, at the end of everything. */
int rd_interrupt_open(struct rd_interrupt *in);
void rd_interrupt_close(struct rd_interrupt *in);

/* rd_interrupt_status - RD_SIGNALLED + N if signal N came, else RD_OK. */
int rd_interrupt_status(struct rd_interrupt *in);

/*
 * rd_child_run - run it; *RESULT is its exit status, or 128 + N when signal N ended it, 127 when
 * there is no such program. A status, rd_interrupt_status()'s when vmctl was interrupted.
 */
int rd_child_run(const struct rd_child *c, struct rd_interrupt *in, int *result);

#endif
