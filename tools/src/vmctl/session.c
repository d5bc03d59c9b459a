// SPDX-License-Identifier: GPL-2.0-only
/*
 * The main thread's loop. Everything that is not a vCPU exit happens here, one event after the
 * other, so nothing in this file needs a lock.
 */
#include "tools/src/vmctl/session.h"

#include "tools/src/vmctl/session_trace.h"
#include "tools/src/vmctl/stats_report.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

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

void rd_session_finish(struct rd_session *s, int status)
{
	if (s->over)
		return;
	s->over = true;
	s->status = status;
}

/* SIGPIPE is ignored: a reader that went away must not end the guest. */
static int open_signals(struct rd_session *s)
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

static int open_timers(struct rd_session *s)
{
	struct itimerspec its = { .it_value.tv_sec = s->config->timeout_s };

	s->tick_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->tick_fd < 0)
		return rd_fail(RD_HOST_ERROR, "timer: %s", strerror(errno));
	if (!s->config->timeout_s)
		return RD_OK;
	s->timeout_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->timeout_fd < 0 || timerfd_settime(s->timeout_fd, 0, &its, NULL))
		return rd_fail(RD_HOST_ERROR, "timer: %s", strerror(errno));
	return RD_OK;
}

static void on_signal(struct rd_session *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) == sizeof(info))
		rd_session_finish(s, RD_SIGNALLED + (int)info.ssi_signo);
}

static void on_input(struct rd_session *s)
{
	if (rd_console_input(&s->console, &s->machine.serial) == RD_CONSOLE_QUIT)
		rd_session_finish(s, RD_STOPPED);
}

static void on_wake(struct rd_session *s)
{
	int ms = rd_console_wake(&s->console, s->machine.paused ? NULL : &s->machine.serial);

	if (s->flush_ms < 0)
		s->flush_ms = ms;
}

static void on_timeout(struct rd_session *s)
{
	rd_session_finish(s, rd_fail(RD_TIMEOUT, "still running after %u s", s->config->timeout_s));
}

static void on_rtc(struct rd_session *s)
{
	rd_rtc_tick(&s->machine.rtc);
}

/* The fixed descriptors of the loop; those of taps, watchers and the control socket follow. */
enum {
	POLL_SIGNAL, POLL_END, POLL_INPUT, POLL_WAKE, POLL_TIMEOUT, POLL_RTC, POLL_TICK, POLL_SAVED,
	POLL_TRACE, POLL_FIXED,
	POLL_TAPS = POLL_FIXED,
	POLL_WATCH = POLL_TAPS + RD_CONSOLE_TAPS,
	POLL_CONTROL = POLL_WATCH + RD_WATCH_POLL,
};

static void (*const handlers[POLL_FIXED])(struct rd_session *s) = {
	[POLL_SIGNAL] = on_signal,
	[POLL_INPUT] = on_input,
	[POLL_WAKE] = on_wake,
	[POLL_TIMEOUT] = on_timeout,
	[POLL_RTC] = on_rtc,
	[POLL_TICK] = rd_session_tick,
	[POLL_SAVED] = rd_session_saved,
	[POLL_TRACE] = rd_session_trace,
};

static void fill_poll(struct rd_session *s, struct pollfd *p)
{
	p[POLL_SIGNAL].fd = s->signal_fd;
	p[POLL_END].fd = s->machine.end_fd;
	p[POLL_INPUT].fd = s->machine.paused ? -1 : rd_console_poll_fd(&s->console);
	p[POLL_WAKE].fd = s->console.wake_fd;
	p[POLL_TIMEOUT].fd = s->timeout_fd;
	p[POLL_RTC].fd = s->machine.rtc.timer_fd;
	p[POLL_TICK].fd = s->tick_fd;
	p[POLL_SAVED].fd = s->snapshot.done_fd;
	p[POLL_TRACE].fd = s->machine.traces.wake_fd;
	for (int i = 0; i < POLL_FIXED; i++) {
		p[i].events = POLLIN;
		p[i].revents = 0;
	}
}

static void handle_poll(struct rd_session *s, struct pollfd *p, unsigned int n_control)
{
	for (int i = 0; i < POLL_FIXED; i++)
		if (p[i].revents && handlers[i])
			handlers[i](s);
	rd_console_tap_handle(&s->console, p + POLL_TAPS,
			      s->machine.paused ? NULL : &s->machine.serial);
	rd_watch_handle(&s->watch, p + POLL_WATCH);
	rd_control_handle(&s->control, p + POLL_CONTROL, n_control);
}

/* Until the machine ends or the session is over. */
static void loop(struct rd_session *s)
{
	struct pollfd p[POLL_CONTROL + RD_CONTROL_POLL_MAX];

	do {
		unsigned int n;
		int ready;

		fill_poll(s, p);
		rd_console_tap_poll(&s->console, p + POLL_TAPS, !s->machine.paused);
		rd_watch_poll(&s->watch, p + POLL_WATCH);
		n = rd_control_poll(&s->control, p + POLL_CONTROL);
		ready = poll(p, POLL_CONTROL + n, s->flush_ms);
		if (ready == 0)
			s->flush_ms = rd_console_flush(&s->console);
		else if (ready > 0)
			handle_poll(s, p, n);
		else if (errno != EINTR)
			rd_session_finish(s, rd_fail(RD_HOST_ERROR, "poll: %s", strerror(errno)));
	} while (!s->over && !__atomic_load_n(&s->machine.end, __ATOMIC_RELAXED));
}

static struct rd_serial_host serial_host(struct rd_session *s)
{
	if (!s->config->has_serial)
		return (struct rd_serial_host){ 0 };
	return rd_console_serial_host(&s->console);
}

/* What the end of the machine means for the session. */
static void machine_ended(struct rd_session *s)
{
	enum rd_end end = __atomic_load_n(&s->machine.end, __ATOMIC_RELAXED);

	if (s->over || end == RD_END_NONE)
		return;
	if (end == RD_END_RESET && !s->config->no_reboot)
		return;
	rd_console_flush(&s->console);
	if (ends[end].message)
		rd_fail(ends[end].status, "%s", ends[end].message);
	rd_session_finish(s, ends[end].status);
}

static void announce(const struct rd_session *s)
{
	printf("{\"ok\":true,\"name\":\"%s\",\"pid\":%d,\"state\":\"%s\"}\n",
	       s->control.name, (int)getpid(), s->machine.paused ? "paused" : "running");
	fflush(stdout);
}

/* A new machine runs; a restored one goes on, now or when it is told to. */
static int let_run(struct rd_session *s)
{
	if (!s->machine.paused)
		return rd_machine_start(&s->machine);
	return s->life.start_paused ? RD_OK : rd_machine_resume(&s->machine);
}

/* One life of the guest, from power-on to power-off or reset. */
static void run_machine(struct rd_session *s)
{
	int status = rd_machine_create(&s->machine, &s->life, &s->kvm, serial_host(s), &s->hvc);

	if (!status) {
		rd_session_trace_began(s);
		rd_console_attach(&s->console);
		status = let_run(s);
	}
	if (status) {
		rd_session_finish(s, status);
	} else {
		s->ran = true;
		if (s->life.announce)
			announce(s);
		s->life.announce = false;
		loop(s);
	}
	rd_session_abandon_snapshot(s);
	rd_console_abandon(&s->console, true);
	rd_machine_stop(&s->machine);
	rd_console_abandon(&s->console, false);
	rd_session_trace_ended(s);
	machine_ended(s);
	rd_stats_add_machine(&s->earlier, &s->machine);
	rd_machine_destroy(&s->machine);
	/* Only the first life begins where the snapshot was taken. */
	s->life.restore = NULL;
}

static int open_session(struct rd_session *s)
{
	int status = open_signals(s);

	if (!status)
		status = rd_kvm_open(&s->kvm, s->config->device);
	if (!status)
		status = rd_control_open(&s->control, s->config->name);
	if (!status)
		status = open_timers(s);
	/* Last, so that an error message before it goes to a terminal in its normal mode. */
	if (!status)
		status = rd_console_open(&s->console, "serial", s->config->serial);
	if (!status)
		status = rd_console_open(&s->hvc, "console", s->config->console);
	return status;
}

static void close_session(struct rd_session *s)
{
	rd_console_close(&s->hvc);
	rd_console_close(&s->console);
	rd_watch_close(&s->watch);
	rd_control_close(&s->control);
	rd_kvm_close(&s->kvm);
	if (s->timeout_fd >= 0)
		close(s->timeout_fd);
	if (s->tick_fd >= 0)
		close(s->tick_fd);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
}

int rd_session_run(const struct rd_config *config)
{
	struct rd_session s = {
		.config = config, .life = *config, .flush_ms = -1, .signal_fd = -1,
		.timeout_fd = -1, .tick_fd = -1,
	};
	int status;

	s.kvm.fd = -1;
	rd_console_init(&s.console);
	rd_console_init(&s.hvc);
	rd_control_init(&s.control, &rd_session_control, &s);
	rd_watch_init(&s.watch);
	rd_snapshot_init(&s.snapshot);
	rd_stats_init(&s.earlier);
	status = open_session(&s);
	if (status)
		rd_session_finish(&s, status);
	while (!s.over)
		run_machine(&s);
	close_session(&s);
	if (config->stats && s.ran)
		rd_stats_print(&s.earlier);
	rd_stats_free(&s.earlier);
	return s.status;
}
