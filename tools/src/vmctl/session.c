// SPDX-License-Identifier: GPL-2.0-only
/*
 * The main thread's loop. Everything that is not a vCPU exit happens here, one event after the
 * other, so nothing in this file needs a lock.
 */
#include "tools/src/vmctl/session.h"

#include "tools/src/vmctl/console.h"
#include "tools/src/vmctl/control.h"
#include "tools/src/vmctl/stats_report.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

struct session {
	const struct rd_config *config;
	struct rd_kvm kvm;
	struct rd_machine machine;
	struct rd_console console;
	struct rd_console hvc;		/* the virtio console's; its I/O thread's while that runs */
	struct rd_control control;
	struct rd_stats earlier;	/* counters of the machines before the last reset */
	sigset_t old_mask;
	int signal_fd;
	int timeout_fd;
	int flush_ms;			/* poll timeout until the console is flushed, -1: none */
	bool ran;			/* a guest ran: there is something to count */
	bool over;			/* `status` is final */
	int status;
};

static const struct {
	int status;
	const char *message;	/* NULL: nothing to say */
} ends[] = {
	[RD_END_POWER_OFF] = { RD_OK, NULL },
	[RD_END_RESET] = { RD_GUEST_RESET, "the guest asked for a reset" },
	[RD_END_PANIC] = { RD_GUEST_PANIC, "the guest panicked" },
	[RD_END_TRIPLE_FAULT] = { RD_TRIPLE_FAULT, "the guest stopped on a triple fault" },
	[RD_END_QUIT] = { RD_STOPPED, NULL },
	[RD_END_VM_ERROR] = { RD_VM_ERROR, NULL },	/* was reported where it happened */
};

static void finish(struct session *s, int status)
{
	if (s->over)
		return;
	s->over = true;
	s->status = status;
}

/* SIGPIPE is ignored: a reader that went away must not end the guest. */
static int open_signals(struct session *s)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, &s->old_mask);
	signal(SIGPIPE, SIG_IGN);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->signal_fd < 0)
		return rd_fail(RD_HOST_ERROR, "signalfd: %s", strerror(errno));
	return rd_cpu_init_signals();
}

static int open_timeout(struct session *s)
{
	struct itimerspec its = { .it_value.tv_sec = s->config->timeout_s };

	if (!s->config->timeout_s)
		return RD_OK;
	s->timeout_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->timeout_fd < 0 || timerfd_settime(s->timeout_fd, 0, &its, NULL))
		return rd_fail(RD_HOST_ERROR, "timer: %s", strerror(errno));
	return RD_OK;
}

static void on_signal(struct session *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		finish(s, RD_SIGNALLED + (int)info.ssi_signo);
}

static void on_input(struct session *s)
{
	if (rd_console_input(&s->console, &s->machine.serial) == RD_CONSOLE_QUIT)
		finish(s, RD_STOPPED);
}

static void on_wake(struct session *s)
{
	int ms = rd_console_wake(&s->console, &s->machine.serial);

	if (s->flush_ms < 0)
		s->flush_ms = ms;
}

static void on_timeout(struct session *s)
{
	finish(s, rd_fail(RD_TIMEOUT, "still running after %u s", s->config->timeout_s));
}

static void on_rtc(struct session *s)
{
	rd_rtc_tick(&s->machine.rtc);
}

/* The fixed descriptors of the loop; those of the control socket follow them. */
enum { POLL_SIGNAL, POLL_END, POLL_INPUT, POLL_WAKE, POLL_TIMEOUT, POLL_RTC, POLL_FIXED };

static void (*const handlers[POLL_FIXED])(struct session *s) = {
	[POLL_SIGNAL] = on_signal,
	[POLL_INPUT] = on_input,
	[POLL_WAKE] = on_wake,
	[POLL_TIMEOUT] = on_timeout,
	[POLL_RTC] = on_rtc,
};

static void fill_poll(struct session *s, struct pollfd *p)
{
	p[POLL_SIGNAL].fd = s->signal_fd;
	p[POLL_END].fd = s->machine.end_fd;
	p[POLL_INPUT].fd = rd_console_poll_fd(&s->console);
	p[POLL_WAKE].fd = s->console.wake_fd;
	p[POLL_TIMEOUT].fd = s->timeout_fd;
	p[POLL_RTC].fd = s->machine.rtc.timer_fd;
	for (int i = 0; i < POLL_FIXED; i++) {
		p[i].events = POLLIN;
		p[i].revents = 0;
	}
}

static void handle_poll(struct session *s, struct pollfd *p, unsigned int n_control)
{
	enum rd_control_event event;

	for (int i = 0; i < POLL_FIXED; i++)
		if (p[i].revents && handlers[i])
			handlers[i](s);
	event = rd_control_handle(&s->control, p + POLL_FIXED, n_control, &s->machine,
				  &s->earlier);
	if (event == RD_CONTROL_QUIT)
		finish(s, RD_STOPPED);
	else if (event == RD_CONTROL_POWER_BUTTON)
		rd_pm_power_button(&s->machine.pm);
}

/* Until the machine ends or the session is over. */
static void loop(struct session *s)
{
	struct pollfd p[POLL_FIXED + RD_CONTROL_POLL_MAX];

	do {
		unsigned int n;
		int ready;

		fill_poll(s, p);
		n = rd_control_poll(&s->control, p + POLL_FIXED);
		ready = poll(p, POLL_FIXED + n, s->flush_ms);
		if (ready == 0)
			s->flush_ms = rd_console_flush(&s->console);
		else if (ready > 0)
			handle_poll(s, p, n);
		else if (errno != EINTR)
			finish(s, rd_fail(RD_HOST_ERROR, "poll: %s", strerror(errno)));
	} while (!s->over && !__atomic_load_n(&s->machine.end, __ATOMIC_RELAXED));
}

static struct rd_serial_host serial_host(struct session *s)
{
	if (!strcmp(s->config->serial, "none"))
		return (struct rd_serial_host){ 0 };
	return rd_console_serial_host(&s->console);
}

/* What the end of the machine means for the session. */
static void machine_ended(struct session *s)
{
	enum rd_end end = __atomic_load_n(&s->machine.end, __ATOMIC_RELAXED);

	if (s->over || end == RD_END_NONE)
		return;
	if (end == RD_END_RESET && !s->config->no_reboot)
		return;
	rd_console_flush(&s->console);
	finish(s, ends[end].message ? rd_fail(ends[end].status, "%s", ends[end].message) :
				      ends[end].status);
}

/* One life of the guest, from power-on to power-off or reset. */
static void run_machine(struct session *s)
{
	int status = rd_machine_create(&s->machine, s->config, &s->kvm, serial_host(s), &s->hvc);

	if (!status) {
		rd_console_attach(&s->console);
		status = rd_machine_start(&s->machine);
	}
	if (status) {
		finish(s, status);
	} else {
		s->ran = true;
		loop(s);
	}
	rd_console_abandon(&s->console, true);
	rd_machine_stop(&s->machine);
	rd_console_abandon(&s->console, false);
	machine_ended(s);
	rd_stats_add_machine(&s->earlier, &s->machine);
	rd_machine_destroy(&s->machine);
}

static int open_session(struct session *s)
{
	int status = open_signals(s);

	if (!status)
		status = rd_kvm_open(&s->kvm, s->config->device);
	if (!status)
		status = rd_control_open(&s->control, s->config);
	if (!status)
		status = open_timeout(s);
	/* Last, so that an error message before it goes to a terminal in its normal mode. */
	if (!status)
		status = rd_console_open(&s->console, "serial", s->config->serial);
	if (!status)
		status = rd_console_open(&s->hvc, "console", s->config->console);
	return status;
}

static void close_session(struct session *s)
{
	rd_console_close(&s->hvc);
	rd_console_close(&s->console);
	rd_control_close(&s->control);
	rd_kvm_close(&s->kvm);
	if (s->timeout_fd >= 0)
		close(s->timeout_fd);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
}

int rd_session_run(const struct rd_config *config)
{
	struct session s = { .config = config, .flush_ms = -1, .signal_fd = -1, .timeout_fd = -1 };
	int status;

	s.kvm.fd = -1;
	rd_console_init(&s.console);
	rd_console_init(&s.hvc);
	rd_control_init(&s.control);
	rd_stats_init(&s.earlier);
	status = open_session(&s);
	if (status)
		finish(&s, status);
	while (!s.over)
		run_machine(&s);
	close_session(&s);
	if (config->stats && s.ran)
		rd_stats_print(&s.earlier);
	rd_stats_free(&s.earlier);
	return s.status;
}
