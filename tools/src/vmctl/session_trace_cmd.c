// SPDX-License-Identifier: GPL-2.0-only
/* The commands of the control socket that are about write traces. */
#include "tools/src/vmctl/session_trace.h"
#include "tools/src/vmctl/guard.h"
#include "tools/src/vmctl/trace_text.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LIST_MAX 4096u		/* traces in one answer */

static json_t *ok(void)
{
	return json_pack("{s:b}", "ok", 1);
}

static json_t *unsupported(const struct rd_session *s)
{
	return rd_proto_fail(RD_CODE_STATE, "%s has no write traces", s->machine.kvm->node);
}

static const char *why(int err)
{
	switch (err) {
	case EEXIST:
		return "some of it is traced already, or other bytes of a page with other actions";
	case ENOENT:
		return "nothing of it is traced";
	case ENOSPC:
		return "too many pages, lists of actions or parts of pages";
	case EINVAL:
		return "no such range, or one of which only a part is there";
	default:
		return strerror(err);
	}
}

/* The ranges of a request as the hypervisor wants them; free() it. NULL: *ANSWER says why. */
static struct rd_trace_range *take_ranges(const struct rd_request *q, json_t **answer)
{
	size_t n = json_array_size(q->ranges), i;
	struct rd_trace_range *r = n ? calloc(n, sizeof(*r)) : NULL;
	json_int_t gpa, size;
	json_t *o;

	*answer = NULL;
	json_array_foreach(q->ranges, i, o) {
		if (!r || json_unpack(o, "{s:I, s:I, !}", "gpa", &gpa, "size", &size) || gpa < 0 ||
		    size <= 0)
			break;
		r[i] = (struct rd_trace_range){ .gpa = (uint64_t)gpa, .size = (uint64_t)size,
						.tag = (uint16_t)q->tag };
	}
	if (r && i == n)
		return r;
	free(r);
	*answer = rd_proto_fail(RD_CODE_ARGUMENT, "\"ranges\" is an array of objects with a "
				"\"gpa\" and a \"size\" of at least 1");
	return NULL;
}

static json_t *result(int err, const struct rd_trace_range *r)
{
	if (!err)
		return ok();
	return rd_proto_fail(err == ENOMEM ? RD_CODE_FAILED : RD_CODE_ARGUMENT,
			     "0x%llx+0x%llx: %s", (unsigned long long)r->gpa,
			     (unsigned long long)r->size, why(err));
}

static json_t *do_add(struct rd_session *s, const struct rd_request *q)
{
	uint8_t actions[RD_TRACE_MAX_ACTIONS] = { RD_TRACE_LOG, RD_TRACE_REFUSE };
	struct rd_trace_range *r;
	size_t failed = 0;
	json_t *answer;

	if (q->tag < 0 || q->tag > UINT16_MAX)
		return rd_proto_fail(RD_CODE_ARGUMENT, "\"tag\" is from 0 to %u", UINT16_MAX);
	if (q->actions && !rd_trace_actions_take(q->actions, actions))
		return rd_proto_fail(RD_CODE_ARGUMENT, "\"actions\" is an array of 1 to %u known "
				     "words", RD_TRACE_MAX_ACTIONS);
	r = take_ranges(q, &answer);
	if (!r)
		return answer;
	for (size_t i = 0; i < json_array_size(q->ranges); i++)
		memcpy(r[i].action, actions, sizeof(actions));
	answer = result(rd_traces_add(&s->machine, r, json_array_size(q->ranges), &failed),
			&r[failed]);
	free(r);
	return answer;
}

static json_t *do_remove(struct rd_session *s, const struct rd_request *q)
{
	struct rd_trace_range *r;
	size_t failed = 0;
	json_t *answer;
	int err;

	if (q->all == !!q->ranges)
		return rd_proto_fail(RD_CODE_ARGUMENT, "trace_remove: \"ranges\" or \"all\"");
	if (q->all) {
		err = rd_traces_clear(&s->machine);
		return err ? rd_proto_fail(RD_CODE_FAILED, "%s", why(err)) : ok();
	}
	r = take_ranges(q, &answer);
	if (!r)
		return answer;
	err = rd_traces_remove(&s->machine, r, json_array_size(q->ranges), &failed);
	answer = result(err, &r[failed]);
	free(r);
	return answer;
}

/* A new reference; NULL: the hypervisor does not know of such things. */
static json_t *guest_of(const struct rd_session *s)
{
	struct rd_guest_driver_status driver;

	return rd_traces_driver(&s->machine, &driver) ? rd_guard_json(&driver) : NULL;
}

static json_t *with_guest(const struct rd_session *s, json_t *answer)
{
	json_t *guest = guest_of(s);

	if (guest)
		json_object_set_new(answer, "guest", guest);
	return answer;
}

static json_t *do_list(const struct rd_session *s, const struct rd_request *q)
{
	json_t *list = json_array(), *answer;
	uint64_t from = (uint64_t)q->from;
	struct rd_trace_range r;
	unsigned int n = 0;

	while (n < LIST_MAX && rd_traces_next(&s->machine, &from, &r)) {
		json_array_append_new(list, json_pack("{s:I, s:I, s:o, s:i}", "gpa",
						      (json_int_t)r.gpa, "size",
						      (json_int_t)r.size, "actions",
						      rd_trace_actions_json(r.action), "tag",
						      r.tag));
		n++;
	}
	answer = json_pack("{s:b, s:o}", "ok", 1, "traces", list);
	if (n == LIST_MAX)
		json_object_set_new(answer, "next", json_integer((json_int_t)from));
	return with_guest(s, answer);
}

static json_t *do_stats(const struct rd_session *s)
{
	const struct rd_machine *m = &s->machine;
	struct rd_trace_stats st = { 0 };

	if (ioctl(m->vm_fd, RD_VM_TRACE_STATS, &st) < 0)
		return rd_proto_fail(RD_CODE_FAILED, "%s", strerror(errno));
	return with_guest(s, rd_trace_stats_json(
		&st, __atomic_load_n(&m->traces.dma_refused, __ATOMIC_RELAXED),
		__atomic_load_n(&m->isolated, __ATOMIC_RELAXED)));
}

void rd_session_trace_show(const struct rd_session *s, json_t *reply)
{
	json_t *guest = guest_of(s);
	char text[RD_GUARD_LINE_MAX];

	if (guest && rd_guard_worth_telling(guest)) {
		rd_guard_line(guest, text, sizeof(text));
		json_object_set_new(reply, "kernel", json_string(text));
	}
	json_decref(guest);
}

static json_t *do_guard(struct rd_session *s, const struct rd_request *q)
{
	uint8_t actions[RD_TRACE_MAX_ACTIONS] = { RD_TRACE_LOG, RD_TRACE_REFUSE };
	uint32_t allow = RD_ALLOW_ALL;
	int err;

	if (q->actions && (!rd_trace_actions_take(q->actions, actions) ||
			   memchr(actions, RD_TRACE_ASK, sizeof(actions))))
		return rd_proto_fail(RD_CODE_ARGUMENT, "\"actions\" is an array of 1 to %u known "
				     "words, without \"ask\"", RD_TRACE_MAX_ACTIONS);
	if (q->allow && !rd_guard_allow_take(q->allow, &allow))
		return rd_proto_fail(RD_CODE_ARGUMENT, "\"allow\" is an array of static-keys, "
				     "ftrace, kprobes");
	err = rd_traces_want(&s->machine, true, allow, actions);
	return err ? rd_proto_fail(RD_CODE_FAILED, "%s", strerror(err)) : with_guest(s, ok());
}

static json_t *do_driver(const struct rd_session *s)
{
	json_t *guest = guest_of(s);

	if (!guest)
		return rd_proto_fail(RD_CODE_FAILED, "%s", strerror(errno));
	return json_pack("{s:b, s:o}", "ok", 1, "guest", guest);
}

static json_t *do_watch(struct rd_session *s, struct rd_control_client *client,
			const struct rd_request *q)
{
	int fd, events;

	if (!rd_watch_room(&s->watch))
		return rd_proto_fail(RD_CODE_BUSY, "the write traces have too many watchers");
	events = rd_watch_events(s->machine.vm_fd);
	if (events < 0)
		return rd_proto_fail(RD_CODE_FAILED, "%s", strerror(errno));
	fd = rd_control_take(&s->control, client, q, ok());
	if (fd >= 0)
		rd_watch_add(&s->watch, fd, events);
	else
		close(events);
	return NULL;
}

static json_t *do_unisolate(struct rd_session *s)
{
	s->trace.isolated = false;
	if (rd_traces_isolate(&s->machine, false))
		return ok();
	return rd_proto_fail(RD_CODE_FAILED, "vhost does not take a card again");
}

json_t *rd_session_trace_request(struct rd_session *s, struct rd_control_client *client,
				 const struct rd_request *q)
{
	if (!s->machine.traces.supported)
		return unsupported(s);
	if (q->command == RD_REQ_TRACE_LIST)
		return do_list(s, q);
	if (q->command == RD_REQ_TRACE_STATS)
		return do_stats(s);
	if (q->command == RD_REQ_TRACE_DRIVER)
		return do_driver(s);
	if (q->command == RD_REQ_TRACE_WATCH)
		return do_watch(s, client, q);
	if (s->snapshot.running)
		return rd_proto_fail(RD_CODE_BUSY, "a snapshot is being written");
	if (q->command == RD_REQ_TRACE_ADD)
		return do_add(s, q);
	if (q->command == RD_REQ_TRACE_GUARD)
		return do_guard(s, q);
	return q->command == RD_REQ_TRACE_REMOVE ? do_remove(s, q) : do_unisolate(s);
}
