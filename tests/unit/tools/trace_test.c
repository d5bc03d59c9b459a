// SPDX-License-Identifier: GPL-2.0-only
/* Write traces as words, ranges and lines, and on their way to a watcher. */
#include "kmod/uapi/redoubt_guest.h"
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/trace_text.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/watch.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- words --- */

START_TEST(lists_of_actions)
{
	uint8_t a[RD_TRACE_MAX_ACTIONS];
	json_t *list;

	ck_assert(rd_trace_actions_parse("log,refuse", a));
	ck_assert_uint_eq(a[0], RD_TRACE_LOG);
	ck_assert_uint_eq(a[1], RD_TRACE_REFUSE);
	ck_assert_uint_eq(a[2], 0);
	ck_assert(rd_trace_actions_parse("log,allow,refuse,skip,suspend,snapshot,isolate,notify",
					 a));
	ck_assert_uint_eq(a[7], RD_TRACE_NOTIFY);
	ck_assert_str_eq(rd_trace_action_name(RD_TRACE_ASK), "ask");
	list = rd_trace_actions_json(a);
	ck_assert_uint_eq(json_array_size(list), 8);
	memset(a, 0xff, sizeof(a));
	ck_assert(rd_trace_actions_take(list, a));
	ck_assert_uint_eq(a[4], RD_TRACE_SUSPEND);
	json_array_append_new(list, json_string("kill"));
	ck_assert(!rd_trace_actions_take(list, a));
	json_decref(list);
}
END_TEST

static const char *const bad_lists[] = {
	"", ",", "log,", ",log", "log,,skip", "Log", "logs", "log, refuse", "none",
	"log,log,log,log,log,log,log,log,log",
};

START_TEST(bad_list_of_actions)
{
	uint8_t a[RD_TRACE_MAX_ACTIONS];
	json_t *list = json_pack("[s, i]", "log", 3);

	ck_assert(!rd_trace_actions_parse(bad_lists[_i], a));
	ck_assert(!rd_trace_actions_take(list, a));
	json_array_clear(list);
	ck_assert(!rd_trace_actions_take(list, a));
	json_decref(list);
}
END_TEST

static const struct {
	const char *text;
	uint64_t gpa, size;	/* size 0: refused */
} range_texts[] = {
	{ "0x400123", 0x400000, 4096 }, { "0x400123+8", 0x400123, 8 },
	{ "0x400000+4K", 0x400000, 4096 }, { "4M+0x10", 4 << 20, 16 },
	{ "0+1", 0, 1 }, { "4096", 4096, 4096 }, { "0xFfF+1G", 0xfff, 1 << 30 },
	{ "0x7ffffffffffff000+4K", 0, 0 }, { "0x7ffffffffffffff0", 0x7fffffffffffe000, 0 },
	{ "0x10+0", 0, 0 }, { "", 0, 0 }, { "+4K", 0, 0 }, { "0x+1", 0, 0 }, { "0x-1+1", 0, 0 },
	{ "1+", 0, 0 }, { "1+2+3", 0, 0 }, { "0x1g", 0, 0 }, { "-1", 0, 0 }, { " 1", 0, 0 },
	{ "0x10000000000000000", 0, 0 }, { "0xffffffffffffffff+2", 0, 0 },
	{ "1111111111111111111111111111111111", 0, 0 },
};

START_TEST(ranges)
{
	uint64_t gpa, size;
	bool ok = rd_trace_range_parse(range_texts[_i].text, &gpa, &size);

	ck_assert_int_eq(ok, range_texts[_i].size != 0);
	if (!ok)
		return;
	ck_assert_uint_eq(gpa, range_texts[_i].gpa);
	ck_assert_uint_eq(size, range_texts[_i].size);
}
END_TEST

/* --- events --- */

static struct rd_trace_event event(uint64_t seq)
{
	return (struct rd_trace_event){
		.seq = seq, .time_ns = 1700000000123456789, .vcpu = 1, .tag = 7,
		.rip = 0xffffffff81000000, .cr3 = 0x1000, .gpa = 0x400008,
		.linear = 0xffff888000400008, .len = 4, .hit = RD_HIT_MAPPING,
		.decision = RD_TRACE_REFUSE, .action = { RD_TRACE_LOG, RD_TRACE_REFUSE },
		.outcome = { RD_TRACE_DONE, RD_TRACE_NOT_RUN },
		.old_bytes = { 1, 2, 3, 4 }, .new_bytes = { 0xde, 0xad, 0xbe, 0xef },
	};
}

static const char *text_of(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

START_TEST(event_as_json)
{
	struct rd_trace_event e = event(3);
	json_t *o = rd_trace_event_json("trace", &e);

	ck_assert_str_eq(text_of(o, "event"), "trace");
	ck_assert_str_eq(text_of(o, "rip"), "0xffffffff81000000");
	ck_assert_str_eq(text_of(o, "linear"), "0xffff888000400008");
	ck_assert_int_eq(json_integer_value(json_object_get(o, "gpa")), 0x400008);
	ck_assert_int_eq(json_integer_value(json_object_get(o, "length")), 4);
	ck_assert_str_eq(text_of(o, "old"), "01020304");
	ck_assert_str_eq(text_of(o, "new"), "deadbeef");
	ck_assert_str_eq(text_of(o, "hit"), "mapping");
	ck_assert_str_eq(text_of(o, "decision"), "refuse");
	ck_assert_uint_eq(json_array_size(json_object_get(o, "actions")), 2);
	ck_assert_str_eq(text_of(json_array_get(json_object_get(o, "actions"), 1), "outcome"),
			 "not run");
	json_decref(o);
}
END_TEST

/* Nothing that a number may be is too much. */
START_TEST(event_with_odd_numbers)
{
	char text[RD_TRACE_LINE_MAX];
	struct rd_trace_event e;
	json_t *o;

	memset(&e, 0xff, sizeof(e));
	e.flags = (uint16_t)~RD_EVENT_VMM;
	o = rd_trace_event_json("notify", &e);
	ck_assert(json_is_null(json_object_get(o, "vcpu")));
	ck_assert_str_eq(text_of(o, "hit"), "?");
	ck_assert_uint_eq(strlen(text_of(o, "new")), 2 * RD_EVENT_BYTES);
	rd_trace_line(o, text, sizeof(text));
	json_decref(o);
	e.flags = RD_EVENT_BLIND;
	o = rd_trace_event_json("trace", &e);
	ck_assert(json_is_string(json_object_get(o, "new")));
	json_decref(o);
	e.len = 0;
	o = rd_trace_event_json("trace", &e);
	ck_assert(json_is_null(json_object_get(o, "new")));
	json_decref(o);
	rd_trace_say(&e, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "a device"));
}
END_TEST

/* Events that are no write say in a word what they are about. */
START_TEST(event_with_a_reason)
{
	static const struct {
		uint8_t hit, code;
		const char *hit_name, *reason;
	} known[] = {
		{ RD_HIT_MODE, RD_MODE_FETCH, "mode", "fetch" },
		{ RD_HIT_MODE, RD_MODE_EXCEPTION, "mode", "exception" },
		{ RD_HIT_MODE, RD_MODE_HOST, "mode", "host" },
		{ RD_HIT_MODE, 0, "mode", "?" },
		{ RD_HIT_MODE, 200, "mode", "?" },
		{ RD_HIT_DENIED, RD_HC_TRACE_UNPROTECT - RD_HC_BASE, "denied", "unprotect" },
		{ RD_HIT_DENIED, RD_HC_TRACE_DROP_NODE - RD_HC_BASE, "denied", "drop-node" },
		{ RD_HIT_DENIED, 200, "denied", "?" },
		{ RD_HIT_MAPPING, 1, "mapping", NULL },
		{ RD_HIT_CORRUPT, 1, "corrupt", NULL },
	};
	char text[RD_TRACE_LINE_MAX], want[64];

	for (size_t i = 0; i < RD_ARRAY_SIZE(known); i++) {
		struct rd_trace_event e = event(3);
		json_t *o;

		e.hit = known[i].hit;
		e.code = known[i].code;
		o = rd_trace_event_json("trace", &e);
		ck_assert_str_eq(text_of(o, "hit"), known[i].hit_name);
		ck_assert_pstr_eq(text_of(o, "reason"), known[i].reason);
		rd_trace_line(o, text, sizeof(text));
		snprintf(want, sizeof(want), " %s%s%s refuse rip ", known[i].hit_name,
			 known[i].reason ? " " : "", known[i].reason ? known[i].reason : "");
		ck_assert_ptr_nonnull(strstr(text, want));
		json_decref(o);
	}
	ck_assert(rd_trace_hit_known("mode"));
}
END_TEST

START_TEST(event_as_line)
{
	struct rd_trace_event e = event(3);
	char text[RD_TRACE_LINE_MAX], small[16];
	json_t *o;

	e.flags = RD_EVENT_MODULE;
	o = rd_trace_event_json("trace", &e);
	rd_trace_line(o, text, sizeof(text));
	ck_assert_str_eq(text + strcspn(text, " "),
			 " vcpu 1 mapping refuse rip 0xffffffff81000000 linear 0xffff888000400008"
			 " gpa 0x400008 len 4 01020304 -> deadbeef log:done refuse:not run tag 7"
			 " module");
	rd_trace_line(o, small, sizeof(small));
	ck_assert_uint_eq(strlen(small), sizeof(small) - 1);
	json_decref(o);
	o = json_pack("{s:s, s:[i, n]}", "event", "trace", "actions", 1);
	rd_trace_line(o, text, sizeof(text));
	ck_assert_ptr_nonnull(strstr(text, "?"));
	json_decref(o);
}
END_TEST

/* --- watchers --- */

static struct rd_watch watch;
static int events_in, reader;

static void open_watch(void)
{
	int fds[2], events[2], small = 4096;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	ck_assert_int_eq(pipe2(events, O_NONBLOCK), 0);
	setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
	rd_watch_init(&watch);
	ck_assert(rd_watch_room(&watch));
	rd_watch_add(&watch, fds[0], events[0]);
	events_in = events[1];
	reader = fds[1];
}

static void close_watch(void)
{
	rd_watch_close(&watch);
	if (events_in >= 0)
		close(events_in);
	close(reader);
}

static void serve(void)
{
	struct pollfd p[RD_WATCH_POLL];

	for (int i = 0; i < 4; i++) {
		rd_watch_poll(&watch, p);
		if (poll(p, RD_WATCH_POLL, 0) > 0)
			rd_watch_handle(&watch, p);
	}
}

static void report(uint64_t seq, uint16_t flags)
{
	struct rd_trace_event e = event(seq);

	e.flags = flags;
	ck_assert_int_eq(write(events_in, &e, sizeof(e)), sizeof(e));
}

/* All that was sent; how many lines have WORD. */
static unsigned int heard(const char *word)
{
	static char text[1 << 20];
	size_t len = 0;
	unsigned int n = 0;
	ssize_t got;

	do {
		serve();
		got = read(reader, text + len, sizeof(text) - 1 - len);
		len += got > 0 ? (size_t)got : 0;
	} while (got > 0);
	text[len] = 0;
	for (const char *p = text; (p = strstr(p, word)); p++)
		n++;
	return n;
}

START_TEST(watcher_gets_lines)
{
	open_watch();
	report(5, 0);
	report(6, 0);
	rd_watch_tell(&watch, json_pack("{s:s}", "event", "reset"));
	ck_assert_uint_eq(heard("\"event\""), 3);
	report(7, 0);
	report(10, RD_EVENT_LOST);
	ck_assert_uint_eq(heard("{\"event\":\"lost\",\"count\":2}\n"
				"{\"event\":\"trace\",\"seq\":10"), 1);
	report(11, RD_EVENT_LOST);
	ck_assert_uint_eq(heard("{\"event\":\"lost\",\"count\":1}"), 1);
	close_watch();
}
END_TEST

START_TEST(watcher_that_does_not_read)
{
	unsigned int told = 0;

	open_watch();
	/* What does not fit is lost, and counted when there is room again. */
	for (; told < 400; told++) {
		struct rd_trace_event e = event(1);

		rd_watch_tell(&watch, rd_trace_event_json("notify", &e));
	}
	ck_assert_uint_le(watch.list[0].len, RD_WATCH_QUEUE);
	ck_assert_uint_gt(watch.list[0].lost, 0);
	/* And its events stay where they are. */
	report(1, 0);
	serve();
	ck_assert_uint_eq(watch.list[0].seq, 0);
	told -= (unsigned int)watch.list[0].lost;
	ck_assert_uint_eq(heard("\"notify\""), told);
	report(2, 0);
	ck_assert_uint_eq(watch.list[0].seq, 1);
	ck_assert_uint_eq(heard("\"seq\":2"), 1);
	close_watch();
}
END_TEST

START_TEST(watcher_that_hangs_up)
{
	open_watch();
	close(reader);
	serve();
	ck_assert_int_eq(watch.list[0].fd, -1);
	reader = dup(0);
	close_watch();
}
END_TEST

START_TEST(watcher_outlives_the_machine)
{
	open_watch();
	report(1, 0);
	report(2, 0);
	close(events_in);
	events_in = -1;
	rd_watch_ended(&watch);
	ck_assert_int_eq(watch.list[0].events_fd, -1);
	ck_assert_int_ge(watch.list[0].fd, 0);
	ck_assert_uint_eq(heard("\"trace\""), 2);
	rd_watch_tell(&watch, json_pack("{s:s}", "event", "reset"));
	ck_assert_uint_eq(heard("\"reset\""), 1);
	close_watch();
}
END_TEST

TCase *trace_case(void)
{
	TCase *tc = tcase_create("trace");

	tcase_add_test(tc, lists_of_actions);
	tcase_add_loop_test(tc, bad_list_of_actions, 0, RD_ARRAY_SIZE(bad_lists));
	tcase_add_loop_test(tc, ranges, 0, RD_ARRAY_SIZE(range_texts));
	tcase_add_test(tc, event_as_json);
	tcase_add_test(tc, event_with_odd_numbers);
	tcase_add_test(tc, event_with_a_reason);
	tcase_add_test(tc, event_as_line);
	tcase_add_test(tc, watcher_gets_lines);
	tcase_add_test(tc, watcher_that_does_not_read);
	tcase_add_test(tc, watcher_that_hangs_up);
	tcase_add_test(tc, watcher_outlives_the_machine);
	return tc;
}
