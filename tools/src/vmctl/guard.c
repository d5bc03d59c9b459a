// SPDX-License-Identifier: GPL-2.0-only
/* A guest that guards its kernel: words, sentences, and when waiting for it is over. */
#include "tools/src/vmctl/guard.h"

#include "tools/src/vmctl/line.h"
#include "tools/src/vmctl/trace_text.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>

#define SILENCE_MS 10000	/* a driver calls every second or so */
#define SAME_CALL_MS 100	/* two looks at one call differ by less */

static const struct {
	uint32_t bit;
	const char *name;
} allow_names[] = {
	{ RD_ALLOW_STATIC_KEYS, "static-keys" },
	{ RD_ALLOW_FTRACE, "ftrace" },
	{ RD_ALLOW_KPROBES, "kprobes" },
};

static const char *const state_names[] = {
	[RD_GUEST_IDLE] = "idle",
	[RD_GUEST_GUARDS] = "guards",
	[RD_GUEST_FAILED] = "failed",
};

/* --- what is allowed --- */

static uint32_t bit_of(const char *word, size_t len)
{
	for (size_t i = 0; i < RD_ARRAY_SIZE(allow_names); i++)
		if (strlen(allow_names[i].name) == len && !memcmp(allow_names[i].name, word, len))
			return allow_names[i].bit;
	return 0;
}

bool rd_guard_allow_parse(const char *text, uint32_t *allow)
{
	*allow = !strcmp(text, "all") ? RD_ALLOW_ALL : 0;
	if (*allow || !strcmp(text, "none"))
		return true;
	while (true) {
		size_t len = strcspn(text, ",");
		uint32_t bit = bit_of(text, len);

		if (!bit)
			return false;
		*allow |= bit;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

json_t *rd_guard_allow_json(uint32_t allow)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RD_ARRAY_SIZE(allow_names); i++)
		if (allow & allow_names[i].bit)
			json_array_append_new(list, json_string(allow_names[i].name));
	return list;
}

bool rd_guard_allow_take(const json_t *list, uint32_t *allow)
{
	json_t *o;
	size_t i;

	*allow = 0;
	json_array_foreach(list, i, o) {
		const char *word = json_string_value(o);
		uint32_t bit = word ? bit_of(word, strlen(word)) : 0;

		if (!bit)
			return false;
		*allow |= bit;
	}
	return true;
}

/* --- the state --- */

static const char *state_name(const struct rd_guest_driver_status *s)
{
	if (s->age_ns == ~0ull)
		return "none";
	return s->driver.state < RD_ARRAY_SIZE(state_names) ? state_names[s->driver.state] : "?";
}

static json_t *error_of(const struct rd_guest_driver *d)
{
	if (d->state != RD_GUEST_FAILED)
		return json_null();
	if (d->error >= 0 || d->error < -4095)
		return json_string("unknown error");
	return json_string(strerror(-d->error));
}

json_t *rd_guard_json(const struct rd_guest_driver_status *s)
{
	const struct rd_guest_driver *d = &s->driver;
	bool none = s->age_ns == ~0ull;

	return json_pack("{s:b, s:o, s:o, s:s, s:o, s:I, s:o, s:{s:I, s:I, s:I, s:I, s:I}}",
			 "wanted", d->want, "allow", rd_guard_allow_json(d->allow), "actions",
			 rd_trace_actions_json(d->action), "state", state_name(s), "error",
			 error_of(d), "version", (json_int_t)d->version, "age_ms",
			 none ? json_null() : json_integer((json_int_t)(s->age_ns / 1000000)),
			 "pages", "text", (json_int_t)d->text_pages, "rodata",
			 (json_int_t)d->rodata_pages, "tables", (json_int_t)d->table_pages,
			 "modules", (json_int_t)d->module_pages, "own", (json_int_t)d->own_pages);
}

static const char *state_of(const json_t *guard)
{
	const char *state = json_string_value(json_object_get(guard, "state"));

	return state ? state : "?";
}

static bool is(const json_t *guard, const char *state)
{
	return !strcmp(state_of(guard), state);
}

static long long pages(const json_t *guard, const char *of)
{
	const json_t *o = json_object_get(json_object_get(guard, "pages"), of);

	return (long long)json_integer_value(o);
}

bool rd_guard_worth_telling(const json_t *guard)
{
	return json_is_true(json_object_get(guard, "wanted")) || !is(guard, "none");
}

static void add_state(struct rd_line *l, const json_t *guard)
{
	const char *error = json_string_value(json_object_get(guard, "error"));

	if (is(guard, "guards"))
		rd_line_add(l, "guarded: %lld pages of text, %lld of read-only data, %lld of "
			    "tables, %lld of modules, %lld of the driver's own",
			    pages(guard, "text"), pages(guard, "rodata"), pages(guard, "tables"),
			    pages(guard, "modules"), pages(guard, "own"));
	else if (is(guard, "failed"))
		rd_line_add(l, "not guarded: the driver failed: %s", error ? error : "?");
	else if (is(guard, "none"))
		rd_line_add(l, "not guarded: no driver in the guest has called");
	else if (is(guard, "idle"))
		rd_line_add(l, "not guarded: the driver is there");
	else
		rd_line_add(l, "the driver's state is unknown");
}

void rd_guard_line(const json_t *guard, char *text, size_t len)
{
	json_int_t age = json_integer_value(json_object_get(guard, "age_ms"));
	struct rd_line l = { .text = text, .room = len };

	text[0] = 0;
	add_state(&l, guard);
	if (!is(guard, "guards") && json_is_true(json_object_get(guard, "wanted")))
		rd_line_add(&l, ", but this is wanted");
	if (age >= SILENCE_MS)
		rd_line_add(&l, "; the driver called last %lld s ago", (long long)(age / 1000));
}

/* --- waiting --- */

void rd_guard_wait_start(struct rd_guard_wait *w, const json_t *guard, int64_t now_ms)
{
	*w = (struct rd_guard_wait){ .since_ms = now_ms, .failed_before = is(guard, "failed") };
}

/* How many calls there were since it was wanted; one that comes between two looks is not seen. */
static void count_calls(struct rd_guard_wait *w, const json_t *guard, int64_t now_ms)
{
	const json_t *age = json_object_get(guard, "age_ms");
	int64_t called = now_ms - json_integer_value(age);

	if (!json_is_integer(age) || called < w->since_ms)
		return;
	if (w->calls && called - w->called_ms < SAME_CALL_MS)
		return;
	w->calls++;
	w->called_ms = called;
}

enum rd_guard_verdict rd_guard_judge(struct rd_guard_wait *w, const json_t *guard, int64_t now_ms)
{
	count_calls(w, guard, now_ms);
	if (!w->calls)
		return RD_GUARD_WAIT;
	if (is(guard, "guards"))
		return RD_GUARD_GUARDS;
	if (is(guard, "failed") && w->calls > w->failed_before)
		return RD_GUARD_FAILED;
	return RD_GUARD_WAIT;
}
