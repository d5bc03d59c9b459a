// SPDX-License-Identifier: GPL-2.0-only
/* Running programs. The first signal is passed on to the program's group, the second kills it. */
#include "tools/src/vmctl/child.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK_MS 500
#define LINE_MAX_LEN 2048u

struct running {
	const struct rd_child *c;
	pid_t pid;
	int out;		/* -1: at its end */
	char line[LINE_MAX_LEN];
	size_t len;
};

int rd_interrupt_open(struct rd_interrupt *in)
{
	sigset_t set;

	*in = (struct rd_interrupt){ .fd = -1 };
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &in->old_mask);
	in->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return in->fd < 0 ? rd_fail(RD_HOST_ERROR, "signalfd: %s", strerror(errno)) : RD_OK;
}

void rd_interrupt_close(struct rd_interrupt *in)
{
	if (in->fd >= 0)
		close(in->fd);
	in->fd = -1;
	sigprocmask(SIG_SETMASK, &in->old_mask, NULL);
}

/* The number of the next signal, or 0. */
static int take_signal(struct rd_interrupt *in)
{
	struct signalfd_siginfo info;

	if (read(in->fd, &info, sizeof(info)) != sizeof(info))
		return 0;
	if (!in->got)
		in->got = (int)info.ssi_signo;
	return (int)info.ssi_signo;
}

int rd_interrupt_status(struct rd_interrupt *in)
{
	take_signal(in);
	return in->got ? RD_SIGNALLED + in->got : RD_OK;
}

/* Between fork and exec. */
static void become(const struct rd_child *c, const struct rd_interrupt *in, int out, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 ||
	    (!c->own_errors && dup2(out, 2) < 0) || (c->dir && chdir(c->dir)))
		_exit(126);
	sigprocmask(SIG_SETMASK, &in->old_mask, NULL);
	execvp(c->argv[0], (char *const *)c->argv);
	_exit(errno == ENOENT ? 127 : 126);
}

static int start(struct running *r, const struct rd_interrupt *in)
{
	pid_t parent = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC))
		return rd_fail(RD_HOST_ERROR, "pipe: %s", strerror(errno));
	r->pid = fork();
	if (!r->pid)
		become(r->c, in, fds[1], parent);
	close(fds[1]);
	r->out = fds[0];
	fcntl(r->out, F_SETFL, O_NONBLOCK);
	if (r->pid > 0) {
		setpgid(r->pid, r->pid);
		return RD_OK;
	}
	close(r->out);
	return rd_fail(RD_HOST_ERROR, "fork: %s", strerror(errno));
}

static void end_line(struct running *r)
{
	r->line[r->len] = '\0';
	if (r->len)
		r->c->line(r->c->ctx, r->line);
	r->len = 0;
}

/* All that is there now; what is too long for a line is cut off. */
static void read_lines(struct running *r)
{
	char buf[4096];
	ssize_t n;

	while (r->out >= 0 && (n = read(r->out, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		for (ssize_t i = 0; i < n; i++) {
			if (buf[i] == '\n' || buf[i] == '\r')
				end_line(r);
			else if (r->len < LINE_MAX_LEN - 1)
				r->line[r->len++] = buf[i];
		}
	}
	if (r->out >= 0)
		close(r->out);
	r->out = -1;
}

static void pass_signals(struct running *r, struct rd_interrupt *in)
{
	bool first = !in->got;
	int signo = take_signal(in);

	if (signo)
		kill(-r->pid, first ? signo : SIGKILL);
}

int rd_child_run(const struct rd_child *c, struct rd_interrupt *in, int *result)
{
	struct running r = { .c = c };
	int status = rd_interrupt_status(in);
	int ended;

	if (!status)
		status = start(&r, in);
	if (status)
		return status;
	do {
		/* Of the end of a program that closed its output before nothing tells at once. */
		struct pollfd p[] = { { .fd = in->fd, .events = POLLIN },
				      { .fd = r.out, .events = POLLIN } };

		poll(p, 2, r.out < 0 ? TICK_MS / 10 : TICK_MS);
		pass_signals(&r, in);
		read_lines(&r);
		if (c->tick)
			c->tick(c->ctx);
	} while (waitpid(r.pid, &ended, WNOHANG) == 0);
	read_lines(&r);
	end_line(&r);
	if (r.out >= 0)
		close(r.out);
	/* What it started and left behind. */
	if (in->got)
		kill(-r.pid, SIGKILL);
	*result = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
	return rd_interrupt_status(in);
}
