// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write traces in the main thread: what is left to do when a vCPU that hit one waits for the
 * machine to be paused or saved, or for somebody to be told; and what outlives a machine.
 */
#include "tools/src/vmctl/session_trace.h"

#include "tools/src/vmctl/trace_text.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NOTES_PER_S 20u		/* lines on standard error: a guest can hit without end */

/* --- what vCPUs wait for --- */

void rd_session_trace_collect(struct rd_session *s)
{
	struct rd_machine *m = &s->machine;

	for (uint32_t i = 0; m->paused && i < m->n_cpus; i++) {
		struct rd_cpu *cpu = &m->cpus[i];

		if (cpu->held == RD_TRACE_SNAPSHOT)
			s->trace.save = true;
		if (cpu->held != RD_TRACE_SUSPEND)
			continue;
		/* The event itself comes when its list of actions is through. */
		rd_watch_tell(&s->watch, rd_trace_event_json("suspend", rd_traces_event(cpu)));
		if (!s->trace.suspended)
			rd_trace_say(rd_traces_event(cpu), s->trace.why, sizeof(s->trace.why));
		s->trace.suspended = true;
		rd_traces_release(cpu, RD_TRACE_DONE);
	}
}

/* The vCPUs that wait for the snapshot go on, when the machine does. */
static void release_savers(struct rd_session *s, enum rd_trace_outcome outcome)
{
	struct rd_machine *m = &s->machine;

	for (uint32_t i = 0; i < m->n_cpus; i++)
		if (m->cpus[i].held == RD_TRACE_SNAPSHOT)
			rd_traces_release(&m->cpus[i], outcome);
}

/* False: it did not begin, and TEXT says why. */
static bool begin_snapshot(struct rd_session *s, char *text, size_t len)
{
	if (!rd_snapshot_possible(&s->machine, text, len))
		return false;
	if (rd_snapshot_start(&s->snapshot, &s->machine, s->control.name, s->life.trace_snapshot))
		return true;
	snprintf(text, len, "%s", s->snapshot.error);
	return false;
}

bool rd_session_trace_save(struct rd_session *s, bool resume)
{
	char text[256] = "";

	if (!s->trace.save || s->snapshot.running || !s->machine.paused)
		return false;
	s->trace.save = false;
	s->snapshot_client = NULL;
	s->snapshot_resume = resume;
	s->snapshot_stop = false;
	s->trace.saving = begin_snapshot(s, text, sizeof(text));
	if (s->trace.saving)
		return true;
	rd_warn("write trace: no snapshot: %s", text);
	release_savers(s, RD_TRACE_FAILED);
	return false;
}

void rd_session_trace_saved(struct rd_session *s)
{
	bool good = !s->snapshot.status;

	if (!s->trace.saving)
		return;
	s->trace.saving = false;
	if (!good)
		rd_warn("write trace: no snapshot: %s", s->snapshot.error);
	release_savers(s, good ? RD_TRACE_DONE : RD_TRACE_FAILED);
}

/* Whether one more line may be said now; what was left out is told with the next that may. */
static bool may_say(struct rd_session_trace *t)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec != t->second) {
		if (t->said > NOTES_PER_S)
			rd_warn("write traces: %u more were not shown", t->said - NOTES_PER_S);
		t->second = now.tv_sec;
		t->said = 0;
	}
	return t->said++ < NOTES_PER_S;
}

static void tell_notes(struct rd_session *s)
{
	struct rd_trace_event e[RD_TRACE_NOTES];
	unsigned int n = rd_traces_notes(&s->machine.traces, e);
	char text[RD_TRACE_LINE_MAX];

	/* Those that come meanwhile have their turn after everybody else. */
	for (unsigned int i = 0; i < n; i++) {
		rd_watch_tell(&s->watch, rd_trace_event_json("notify", &e[i]));
		if (!may_say(&s->trace))
			continue;
		rd_trace_say(&e[i], text, sizeof(text));
		rd_warn("write trace: %s", text);
	}
}

void rd_session_trace(struct rd_session *s)
{
	bool ran = !s->machine.paused;
	uint64_t count;

	if (read(s->machine.traces.wake_fd, &count, sizeof(count)) < 0)
		return;
	tell_notes(s);
	if (!rd_traces_held(&s->machine) || s->snapshot.running || rd_session_pause(s))
		return;
	if (!rd_session_trace_save(s, ran) && ran && s->machine.paused && !s->trace.suspended)
		rd_session_resume(s);
}

/* --- the machine comes and goes --- */

void rd_session_trace_began(struct rd_session *s)
{
	struct rd_machine *m = &s->machine;

	/* A guest does not get its network back by a reset. */
	s->trace.isolated = s->trace.isolated || m->isolated;
	if (s->trace.isolated && !rd_traces_isolate(m, true))
		rd_warn("write trace: a network card is not isolated");
	if (s->ran)
		rd_watch_tell(&s->watch, json_pack("{s:s}", "event", "reset"));
	/* A guest that begins anew is to be guarded again, as soon as it has loaded its driver. */
	if (s->trace.want.want &&
	    rd_traces_want(m, true, s->trace.want.allow, s->trace.want.action))
		rd_warn("write trace: the guest's kernel will not be guarded");
	if (m->traces.supported)
		rd_watch_began(&s->watch, m->vm_fd);
}

void rd_session_trace_ended(struct rd_session *s)
{
	struct rd_guest_driver_status driver;

	tell_notes(s);
	rd_watch_ended(&s->watch);
	if (rd_traces_driver(&s->machine, &driver))
		s->trace.want = driver.driver;
	s->trace.isolated = s->trace.isolated || s->machine.isolated;
	s->trace.save = s->trace.saving = s->trace.suspended = false;
}
