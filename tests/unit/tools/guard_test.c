// SPDX-License-Identifier: GPL-2.0-only
/* A guest that guards its kernel: words, sentences, waiting, and what is wanted in a snapshot. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/guard.h"
#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* --- words --- */

static const struct {
	const char *text;
	bool ok;
	uint32_t allow;
} allow_texts[] = {
	{ "all", true, RD_ALLOW_ALL },
	{ "none", true, 0 },
	{ "ftrace", true, RD_ALLOW_FTRACE },
	{ "kprobes,static-keys", true, RD_ALLOW_KPROBES | RD_ALLOW_STATIC_KEYS },
	{ "ftrace,ftrace", true, RD_ALLOW_FTRACE },
	{ "static-keys,ftrace,kprobes", true, RD_ALLOW_ALL },
	{ "", false, 0 }, { ",", false, 0 }, { "ftrace,", false, 0 }, { "all,ftrace", false, 0 },
	{ "ftrace,none", false, 0 }, { "Ftrace", false, 0 }, { "ftraces", false, 0 },
	{ "static keys", false, 0 },
};

START_TEST(what_is_allowed)
{
	uint32_t allow = 77, again = 77;
	bool ok = rd_guard_allow_parse(allow_texts[_i].text, &allow);
	json_t *list;

	ck_assert_int_eq(ok, allow_texts[_i].ok);
	if (!ok)
		return;
	ck_assert_uint_eq(allow, allow_texts[_i].allow);
	list = rd_guard_allow_json(allow);
	ck_assert(rd_guard_allow_take(list, &again));
	ck_assert_uint_eq(again, allow);
	json_array_append_new(list, json_string("all"));
	ck_assert(!rd_guard_allow_take(list, &again));
	json_decref(list);
	list = json_pack("[s, i]", "ftrace", 1);
	ck_assert(!rd_guard_allow_take(list, &again));
	json_decref(list);
}
END_TEST

/* --- the state --- */

static json_t *guard_of(uint32_t state, int64_t age_ms, uint32_t want)
{
	struct rd_guest_driver_status s = {
		.age_ns = age_ms < 0 ? ~0ull : (uint64_t)age_ms * 1000000,
		.driver = { .version = 2, .state = state, .error = -ENOMEM, .text_pages = 3000,
			    .rodata_pages = 900, .table_pages = 5, .module_pages = 70,
			    .own_pages = 8, .want = want, .allow = RD_ALLOW_ALL,
			    .action = { RD_TRACE_LOG, RD_TRACE_REFUSE } },
	};

	return rd_guard_json(&s);
}

static const struct {
	uint32_t state;
	int64_t age_ms;
	uint32_t want;
	const char *name, *line;
	bool told;
} states[] = {
	{ RD_GUEST_IDLE, -1, 0, "none", "not guarded: no driver in the guest has called", false },
	{ RD_GUEST_IDLE, -1, 1, "none",
	  "not guarded: no driver in the guest has called, but this is wanted", true },
	{ RD_GUEST_IDLE, 5, 0, "idle", "not guarded: the driver is there", true },
	{ RD_GUEST_GUARDS, 5, 1, "guards",
	  "guarded: 3000 pages of text, 900 of read-only data, 5 of tables, 70 of modules, 8 of "
	  "the driver's own", true },
	{ RD_GUEST_GUARDS, 65999, 0, "guards",
	  "guarded: 3000 pages of text, 900 of read-only data, 5 of tables, 70 of modules, 8 of "
	  "the driver's own; the driver called last 65 s ago", true },
	{ RD_GUEST_FAILED, 5, 1, "failed",
	  "not guarded: the driver failed: Cannot allocate memory, but this is wanted", true },
	{ 77, 5, 0, "?", "the driver's state is unknown", true },
};

START_TEST(states_in_words)
{
	json_t *g = guard_of(states[_i].state, states[_i].age_ms, states[_i].want);
	char text[RD_GUARD_LINE_MAX], small[8];

	ck_assert_str_eq(json_string_value(json_object_get(g, "state")), states[_i].name);
	ck_assert_int_eq(json_is_null(json_object_get(g, "age_ms")), states[_i].age_ms < 0);
	ck_assert_int_eq(json_is_null(json_object_get(g, "error")),
			 states[_i].state != RD_GUEST_FAILED);
	ck_assert_int_eq(rd_guard_worth_telling(g), states[_i].told);
	rd_guard_line(g, text, sizeof(text));
	ck_assert_str_eq(text, states[_i].line);
	rd_guard_line(g, small, sizeof(small));
	ck_assert_uint_eq(strlen(small), sizeof(small) - 1);
	json_decref(g);
}
END_TEST

/* Whatever a guest says, and whatever a socket sends. */
START_TEST(odd_states)
{
	struct rd_guest_driver_status s;
	char text[RD_GUARD_LINE_MAX];
	json_t *g;

	memset(&s, 0xff, sizeof(s));
	s.age_ns = 1;
	g = rd_guard_json(&s);
	ck_assert_ptr_nonnull(g);
	ck_assert_str_eq(json_string_value(json_object_get(g, "state")), "?");
	json_decref(g);
	s.driver.state = RD_GUEST_FAILED;
	for (int i = 0; i < 3; i++) {
		s.driver.error = (const int[]){ INT32_MIN, 0, 5 }[i];
		g = rd_guard_json(&s);
		ck_assert_str_eq(json_string_value(json_object_get(g, "error")), "unknown error");
		json_decref(g);
	}
	g = json_pack("{s:i, s:[]}", "state", 5, "pages");
	rd_guard_line(g, text, sizeof(text));
	ck_assert_str_eq(text, "the driver's state is unknown");
	json_decref(g);
}
END_TEST

/* --- waiting --- */

static struct rd_guard_wait waiting;

static enum rd_guard_verdict judge(uint32_t state, int64_t age_ms, int64_t now_ms)
{
	json_t *g = guard_of(state, age_ms, 1);
	enum rd_guard_verdict v = rd_guard_judge(&waiting, g, now_ms);

	json_decref(g);
	return v;
}

static void wait_from(uint32_t state, int64_t age_ms)
{
	json_t *g = guard_of(state, age_ms, 0);

	rd_guard_wait_start(&waiting, g, 10000);
	json_decref(g);
}

START_TEST(wait_until_it_guards)
{
	wait_from(RD_GUEST_IDLE, 500);
	ck_assert_int_eq(judge(RD_GUEST_IDLE, 700, 10200), RD_GUARD_WAIT);
	ck_assert_uint_eq(waiting.calls, 0);
	ck_assert_int_eq(judge(RD_GUEST_IDLE, 10, 10500), RD_GUARD_WAIT);
	ck_assert_int_eq(judge(RD_GUEST_IDLE, 210, 10700), RD_GUARD_WAIT);
	ck_assert_uint_eq(waiting.calls, 1);
	ck_assert_int_eq(judge(RD_GUEST_GUARDS, 10, 11500), RD_GUARD_GUARDS);
	/* One that guards already says so again, with what it now has heard. */
	wait_from(RD_GUEST_GUARDS, 500);
	ck_assert_int_eq(judge(RD_GUEST_GUARDS, 700, 10200), RD_GUARD_WAIT);
	ck_assert_int_eq(judge(RD_GUEST_GUARDS, 5, 10600), RD_GUARD_GUARDS);
}
END_TEST

START_TEST(wait_for_nobody)
{
	wait_from(RD_GUEST_IDLE, -1);
	ck_assert_int_eq(judge(RD_GUEST_IDLE, -1, 90000), RD_GUARD_WAIT);
	ck_assert_uint_eq(waiting.calls, 0);
}
END_TEST

START_TEST(wait_for_one_that_fails)
{
	wait_from(RD_GUEST_IDLE, 500);
	ck_assert_int_eq(judge(RD_GUEST_FAILED, 1, 10500), RD_GUARD_FAILED);
	/* It has failed before: its next call is the first that can be about this time. */
	wait_from(RD_GUEST_FAILED, 500);
	ck_assert_int_eq(judge(RD_GUEST_FAILED, 1, 10500), RD_GUARD_WAIT);
	ck_assert_int_eq(judge(RD_GUEST_FAILED, 201, 10700), RD_GUARD_WAIT);
	ck_assert_int_eq(judge(RD_GUEST_FAILED, 1, 11500), RD_GUARD_FAILED);
	wait_from(RD_GUEST_FAILED, 500);
	ck_assert_int_eq(judge(RD_GUEST_FAILED, 1, 10500), RD_GUARD_WAIT);
	ck_assert_int_eq(judge(RD_GUEST_GUARDS, 1, 11500), RD_GUARD_GUARDS);
}
END_TEST

/* --- in a snapshot --- */

static struct rd_guest_driver_status wanted;
static int want_error;

bool rd_traces_driver(const struct rd_machine *m, struct rd_guest_driver_status *out)
{
	*out = wanted;
	return m->traces.supported;
}

int rd_traces_want(struct rd_machine *m, bool want, uint32_t allow,
		   const uint8_t action[RD_TRACE_MAX_ACTIONS])
{
	(void)m;
	if (want_error)
		return want_error;
	wanted.driver.want = want;
	wanted.driver.allow = allow;
	memcpy(wanted.driver.action, action, sizeof(wanted.driver.action));
	return 0;
}

static char message[256];

/*
 * Save what is wanted and load what was saved, shortened by CUT, with its first byte SPOILED if
 * that is not 0, into a machine with traces or without. A status; -1: there was no such section.
 */
static int through_a_file(size_t cut, uint8_t spoiled, bool supported_there)
{
	static const struct rd_kvm kvm = { .node = "/dev/null" };
	static struct rd_machine machine;
	struct rd_section section;
	struct rd_stream s;
	char *image = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&image, &len);
	uint8_t data[64];
	int status = -1;

	machine.kvm = &kvm;
	machine.traces.supported = true;
	ck_assert_int_eq(rd_stream_create(&s, f, "file"), 0);
	ck_assert_int_eq(rd_guard_save(&machine, &s), 0);
	ck_assert_int_eq(rd_stream_finish(&s), 0);
	fclose(f);
	memset(&wanted, 0, sizeof(wanted));
	f = fmemopen(image, len, "r");
	ck_assert_int_eq(rd_stream_open(&s, f, "file"), 0);
	ck_assert_int_eq(rd_stream_next(&s, &section), 0);
	if (section.type == RD_SECTION_GUARD) {
		ck_assert_uint_le(section.len, sizeof(data));
		memcpy(data, section.data, section.len);
		if (spoiled)
			data[0] = spoiled;
		section.data = data;
		section.len -= cut;
		machine.traces.supported = supported_there;
		rd_messages_capture(message, sizeof(message));
		status = rd_guard_load(&machine, &s, &section);
		rd_messages_capture(NULL, 0);
	}
	rd_stream_close(&s);
	fclose(f);
	free(image);
	return status;
}

static void want_some(void)
{
	wanted = (struct rd_guest_driver_status){
		.driver = { .state = RD_GUEST_GUARDS, .text_pages = 7, .want = 1,
			    .allow = RD_ALLOW_FTRACE, .action = { RD_TRACE_LOG, RD_TRACE_KILL } },
	};
}

START_TEST(snapshot_carries_what_is_wanted)
{
	want_some();
	ck_assert_int_eq(through_a_file(0, 0, true), 0);
	ck_assert_uint_eq(wanted.driver.want, 1);
	ck_assert_uint_eq(wanted.driver.allow, RD_ALLOW_FTRACE);
	ck_assert_uint_eq(wanted.driver.action[1], RD_TRACE_KILL);
	/* What the driver said is for the driver to say again. */
	ck_assert_uint_eq(wanted.driver.text_pages, 0);
	want_some();
	wanted.driver.want = 0;
	ck_assert_int_eq(through_a_file(0, 0, true), -1);
}
END_TEST

START_TEST(snapshot_with_a_bad_want)
{
	want_some();
	ck_assert_int_eq(through_a_file(1, 0, true), RD_USAGE);
	want_some();
	ck_assert_int_eq(through_a_file(0, RD_ALLOW_ALL + 1, true), RD_USAGE);
	ck_assert_uint_eq(wanted.driver.want, 0);
	want_some();
	ck_assert_int_eq(through_a_file(0, 0, false), RD_USAGE);
	ck_assert_ptr_nonnull(strstr(message, "cannot"));
	want_some();
	want_error = EINVAL;
	ck_assert_int_eq(through_a_file(0, 0, true), RD_USAGE);
	ck_assert_ptr_nonnull(strstr(message, strerror(EINVAL)));
	want_error = 0;
}
END_TEST

TCase *guard_case(void)
{
	TCase *tc = tcase_create("guard");

	tcase_add_loop_test(tc, what_is_allowed, 0, RD_ARRAY_SIZE(allow_texts));
	tcase_add_loop_test(tc, states_in_words, 0, RD_ARRAY_SIZE(states));
	tcase_add_test(tc, odd_states);
	tcase_add_test(tc, wait_until_it_guards);
	tcase_add_test(tc, wait_for_nobody);
	tcase_add_test(tc, wait_for_one_that_fails);
	tcase_add_test(tc, snapshot_carries_what_is_wanted);
	tcase_add_test(tc, snapshot_with_a_bad_want);
	return tc;
}
