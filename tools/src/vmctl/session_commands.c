// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the requests on the control socket do. A machine is running, paused, or paused while a
 * snapshot of it is written; in the last state whatever would touch it is refused.
 */
#include "tools/src/vmctl/balloon.h"
#include "tools/src/vmctl/describe.h"
#include "tools/src/vmctl/net_report.h"
#include "tools/src/vmctl/session_trace.h"
#include "tools/src/vmctl/stats_report.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define TICK_MS 250

static json_t *ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static const char *state_name(const struct rd_session *s)
{
	if (s->snapshot.running)
		return "saving";
	return s->machine.paused ? "paused" : "running";
}

int rd_session_pause(struct rd_session *s)
{
	int status;

	/* What the guest has said is shown before it stands still, unless nobody takes it. */
	rd_console_abandon(&s->console, true);
	status = rd_machine_pause(&s->machine);
	rd_console_abandon(&s->console, false);
	if (status)
		rd_session_finish(s, RD_VM_ERROR);
	rd_session_trace_collect(s);
	s->flush_ms = rd_console_flush(&s->console);
	return status;
}

int rd_session_resume(struct rd_session *s)
{
	int status = rd_machine_resume(&s->machine);

	s->trace.suspended = false;
	if (status)
		rd_session_finish(s, RD_VM_ERROR);
	rd_console_attach(&s->console);		/* input may have waited */
	return status;
}

/* --- answers --- */

static json_t *status_reply(const struct rd_session *s)
{
	const struct rd_machine *m = &s->machine;
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return json_pack("{s:b, s:s, s:i, s:s, s:s, s:I, s:I, s:I}", "ok", 1, "name",
			 s->control.name, "pid", (int)getpid(), "state", state_name(s), "device",
			 m->kvm->node, "cpus", (json_int_t)m->n_cpus, "memory",
			 (json_int_t)m->ram.size, "uptime_s",
			 (json_int_t)(now.tv_sec - s->control.started.tv_sec));
}

static json_t *devices(const struct rd_machine *m)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < m->states.n; i++)
		json_array_append_new(list, json_string(m->states.list[i].name));
	return list;
}

static json_t *show_reply(const struct rd_session *s)
{
	json_t *reply = status_reply(s);
	char text[160] = "";
	bool possible = rd_snapshot_possible(&s->machine, text, sizeof(text));

	if (!reply)
		return NULL;
	json_object_set_new(reply, "machine", rd_describe(&s->life, s->control.name));
	json_object_set_new(reply, "devices", devices(&s->machine));
	if (s->machine.config->n_nets)
		json_object_set_new(reply, "nets", rd_net_report(&s->machine, false));
	json_object_set_new(reply, "console", json_string(s->console.where));
	json_object_set_new(reply, "can_snapshot", json_boolean(possible));
	if (!possible)
		json_object_set_new(reply, "no_snapshot_because", json_string(text));
	if (s->snapshot.running)
		json_object_set_new(reply, "snapshot", json_string(s->snapshot.path));
	if (s->trace.suspended)
		json_object_set_new(reply, "paused_because", json_string(s->trace.why));
	if (__atomic_load_n(&s->machine.isolated, __ATOMIC_RELAXED))
		json_object_set_new(reply, "isolated", json_true());
	rd_session_trace_show(s, reply);
	return reply;
}

static json_t *stats_reply(const struct rd_session *s, bool vcpus)
{
	struct rd_stats sum;
	json_t *reply;

	rd_stats_init(&sum);
	rd_stats_copy(&sum, &s->earlier);
	rd_stats_add_machine(&sum, &s->machine);
	reply = rd_stats_json(&sum);
	rd_stats_free(&sum);
	if (!reply)
		return NULL;
	json_object_set_new(reply, "ok", json_true());
	json_object_set_new(reply, "name", json_string(s->control.name));
	json_object_set_new(reply, "pid", json_integer(getpid()));
	json_object_set_new(reply, "state", json_string(state_name(s)));
	if (s->machine.config->n_nets)
		json_object_set_new(reply, "nets", rd_net_report(&s->machine, true));
	if (vcpus)
		json_object_set_new(reply, "vcpus", rd_stats_vcpus(&s->machine));
	return reply;
}

/* --- commands that change something --- */

static json_t *busy(void)
{
	return rd_proto_fail(RD_CODE_BUSY, "a snapshot is being written");
}

static json_t *ended(void)
{
	return rd_proto_fail(RD_CODE_STATE, "the machine has just ended");
}

/* RESUME: it is to go on after a snapshot that a write trace may be found to want. */
static json_t *pause_or_save(struct rd_session *s, bool resume)
{
	char text[256] = "";
	int status;

	if (s->snapshot.running)
		return busy();
	rd_messages_capture(text, sizeof(text));
	status = rd_session_pause(s);
	rd_messages_capture(NULL, 0);
	if (status)
		return rd_proto_fail(RD_CODE_FAILED, "%s", text);
	rd_session_trace_save(s, resume);
	return s->machine.paused ? ok() : ended();
}

static json_t *do_pause(struct rd_session *s)
{
	return pause_or_save(s, false);
}

static json_t *do_resume(struct rd_session *s)
{
	char text[256] = "";
	int status;

	if (s->snapshot.running)
		return busy();
	rd_messages_capture(text, sizeof(text));
	status = rd_session_resume(s);
	rd_messages_capture(NULL, 0);
	return status ? rd_proto_fail(RD_CODE_FAILED, "%s", text) : ok();
}

static json_t *do_stop(struct rd_session *s)
{
	if (s->snapshot.running)
		return busy();
	if (s->machine.paused)
		return rd_proto_fail(RD_CODE_STATE, "the machine is paused and hears no button");
	rd_pm_power_button(&s->machine.pm);
	return ok();
}

static json_t *do_console(struct rd_session *s, struct rd_control_client *client,
			  const struct rd_request *request)
{
	int fd;

	if (!s->life.has_serial)
		return rd_proto_fail(RD_CODE_STATE, "the machine has no serial port");
	if (!rd_console_tap_room(&s->console))
		return rd_proto_fail(RD_CODE_BUSY, "the console has too many viewers");
	fd = rd_control_take(&s->control, client, request, ok());
	if (fd >= 0)
		rd_console_tap(&s->console, fd);
	return NULL;
}

static json_t *do_balloon(struct rd_session *s, const struct rd_request *request)
{
	struct rd_machine *m = &s->machine;

	if (!m->balloon)
		return rd_proto_fail(RD_CODE_STATE, "the machine has no balloon");
	if (request->memory < 0 || (uint64_t)request->memory > m->ram.size)
		return rd_proto_fail(RD_CODE_ARGUMENT, "\"memory\" is from 1 to %llu bytes",
				     (unsigned long long)m->ram.size);
	if (s->snapshot.running)
		return busy();
	if (request->memory)
		rd_balloon_set(m->balloon, (uint64_t)request->memory);
	return rd_balloon_answer(m->balloon);
}

/* --- snapshot --- */

static void set_tick(struct rd_session *s, bool on)
{
	struct itimerspec its = { 0 };

	its.it_value.tv_nsec = its.it_interval.tv_nsec = on ? TICK_MS * 1000000l : 0;
	timerfd_settime(s->tick_fd, 0, &its, NULL);
}

static json_t *do_snapshot(struct rd_session *s, struct rd_control_client *client,
			   const struct rd_request *request)
{
	bool ran = !s->machine.paused;
	char text[160];
	json_t *answer;

	if (s->snapshot.running)
		return busy();
	if (!rd_snapshot_possible(&s->machine, text, sizeof(text)))
		return rd_proto_fail(RD_CODE_STATE, "no snapshot: %s", text);
	answer = pause_or_save(s, ran);
	if (!s->machine.paused)
		return answer;
	json_decref(answer);
	if (s->snapshot.running)
		return busy();
	if (!rd_snapshot_start(&s->snapshot, &s->machine, s->control.name, request->file)) {
		if (ran && !s->trace.suspended)
			rd_session_resume(s);
		return rd_proto_fail(RD_CODE_FAILED, "%s", s->snapshot.error);
	}
	s->snapshot_client = client;
	s->snapshot_resume = ran;
	s->snapshot_stop = request->stop;
	set_tick(s, true);
	return NULL;
}

void rd_session_tick(struct rd_session *s)
{
	uint64_t expirations, done;

	if (read(s->tick_fd, &expirations, sizeof(expirations)) < 0 || !s->snapshot_client)
		return;
	done = __atomic_load_n(&s->snapshot.done, __ATOMIC_RELAXED);
	rd_control_event(&s->control, s->snapshot_client,
			 json_pack("{s:s, s:I, s:I}", "event", "progress", "done",
				   (json_int_t)done, "total", (json_int_t)s->machine.ram.size));
}

void rd_session_saved(struct rd_session *s)
{
	struct rd_control_client *client = s->snapshot_client;
	bool good;

	rd_snapshot_join(&s->snapshot);
	rd_session_trace_saved(s);
	set_tick(s, false);
	s->snapshot_client = NULL;
	good = !s->snapshot.status;
	if (good && s->snapshot_stop)
		rd_session_finish(s, RD_STOPPED);
	else if (s->snapshot_resume && !s->trace.suspended)
		rd_session_resume(s);
	if (!client)
		return;
	if (good)
		rd_control_answer(&s->control, client,
				  json_pack("{s:b, s:s, s:I, s:s}", "ok", 1, "file",
					    s->snapshot.path, "bytes",
					    (json_int_t)s->snapshot.size, "state",
					    s->over ? "ended" : state_name(s)));
	else
		rd_control_answer(&s->control, client,
				  rd_proto_fail(RD_CODE_FAILED, "%s", s->snapshot.error));
}

void rd_session_abandon_snapshot(struct rd_session *s)
{
	if (!s->snapshot.running)
		return;
	rd_snapshot_cancel(&s->snapshot);
	rd_snapshot_join(&s->snapshot);
	set_tick(s, false);
	if (s->snapshot_client)
		rd_control_answer(&s->control, s->snapshot_client,
				  rd_proto_fail(RD_CODE_STATE, "the machine has ended"));
	s->snapshot_client = NULL;
}

/* --- dispatch --- */

static json_t *on_request(void *ctx, struct rd_control_client *client,
			  const struct rd_request *request)
{
	struct rd_session *s = ctx;

	switch (request->command) {
	case RD_REQ_HELLO:
		return rd_proto_hello();
	case RD_REQ_STATUS:
		return status_reply(s);
	case RD_REQ_SHOW:
		return show_reply(s);
	case RD_REQ_STATS:
		return stats_reply(s, request->vcpus);
	case RD_REQ_PAUSE:
		return do_pause(s);
	case RD_REQ_RESUME:
		return do_resume(s);
	case RD_REQ_STOP:
		return do_stop(s);
	case RD_REQ_KILL:
		rd_session_finish(s, RD_STOPPED);
		return ok();
	case RD_REQ_CONSOLE:
		return do_console(s, client, request);
	case RD_REQ_BALLOON:
		return do_balloon(s, request);
	case RD_REQ_SNAPSHOT:
		return do_snapshot(s, client, request);
	case RD_REQ_TRACE_ADD ... RD_REQ_TRACE_DRIVER:
		return rd_session_trace_request(s, client, request);
	default:
		return rd_proto_fail(RD_CODE_COMMAND, "no such command");
	}
}

/* Nobody waits for the snapshot any more: then nobody wants it. */
static void on_gone(void *ctx, struct rd_control_client *client)
{
	struct rd_session *s = ctx;

	if (client != s->snapshot_client)
		return;
	s->snapshot_client = NULL;
	rd_snapshot_cancel(&s->snapshot);
}

const struct rd_control_ops rd_session_control = { .request = on_request, .gone = on_gone };
