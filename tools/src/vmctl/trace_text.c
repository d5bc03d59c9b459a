// SPDX-License-Identifier: GPL-2.0-only
/* Words and lines of write traces. */
#include "tools/src/vmctl/trace_text.h"

#include "kmod/uapi/redoubt_guest.h"
#include "tools/src/vmctl/line.h"
#include "tools/src/vmctl/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGE 4096ull

static const char *const action_names[] = {
	[RD_TRACE_LOG] = "log",		  [RD_TRACE_ALLOW] = "allow",
	[RD_TRACE_REFUSE] = "refuse",	  [RD_TRACE_SKIP] = "skip",
	[RD_TRACE_SUSPEND] = "suspend",	  [RD_TRACE_SNAPSHOT] = "snapshot",
	[RD_TRACE_ISOLATE] = "isolate",	  [RD_TRACE_NOTIFY] = "notify",
	[RD_TRACE_KILL] = "kill",	  [RD_TRACE_ASK] = "ask",
};

static const char *const outcome_names[] = {
	[RD_TRACE_NOT_RUN] = "not run",
	[RD_TRACE_DONE] = "done",
	[RD_TRACE_FAILED] = "failed",
	[RD_TRACE_UNSUPPORTED] = "unsupported",
};

static const char *const hit_names[] = {
	[RD_HIT_MAPPING] = "mapping", [RD_HIT_NODE] = "node",
	[RD_HIT_CORRUPT] = "corrupt", [RD_HIT_DENIED] = "denied",
	[RD_HIT_MODE] = "mode",
};

/* Why integrity mode ended early. */
static const char *const mode_names[] = {
	[RD_MODE_FETCH] = "fetch",	   [RD_MODE_WRITE] = "write",
	[RD_MODE_READ] = "read",	   [RD_MODE_EXCEPTION] = "exception",
	[RD_MODE_INSN] = "instruction",	   [RD_MODE_CALL] = "call",
	[RD_MODE_TIME] = "time",	   [RD_MODE_HOST] = "host",
};

/* What was asked for and denied. */
#define CALL(nr) ((nr) - RD_HC_BASE)
static const char *const call_names[] = {
	[CALL(RD_HC_TRACE_ATTACH)] = "attach",	 [CALL(RD_HC_TRACE_UNPROTECT)] = "unprotect",
	[CALL(RD_HC_TRACE_DETACH)] = "detach",	 [CALL(RD_HC_TRACE_ENTER)] = "enter",
	[CALL(RD_HC_MODE_LEAVE)] = "leave",	 [CALL(RD_HC_TRACE_PROTECT)] = "protect",
	[CALL(RD_HC_TRACE_NODE)] = "node",	 [CALL(RD_HC_TRACE_DROP_NODE)] = "drop-node",
	[CALL(RD_HC_TRACE_ROOT)] = "root",
};

static const struct {
	uint16_t bit;
	const char *name;
} flag_names[] = {
	{ RD_EVENT_BLIND, "blind" },
	{ RD_EVENT_DELIVERY, "delivery" },
	{ RD_EVENT_MODULE, "module" },
	{ RD_EVENT_VMM, "vmm" },
};

static const char *name_of(const char *const *names, size_t n, unsigned int i)
{
	return i < n && names[i] ? names[i] : "?";
}

/* The number of a word of LEN bytes, 0 for none. */
static unsigned int number_of(const char *const *names, size_t n, const char *word, size_t len)
{
	for (unsigned int i = 1; i < n; i++)
		if (names[i] && strlen(names[i]) == len && !memcmp(names[i], word, len))
			return i;
	return 0;
}

const char *rd_trace_action_name(unsigned int action)
{
	return name_of(action_names, RD_ARRAY_SIZE(action_names), action);
}

const char *rd_trace_hit_name(unsigned int hit)
{
	return name_of(hit_names, RD_ARRAY_SIZE(hit_names), hit);
}

bool rd_trace_hit_known(const char *word)
{
	return number_of(hit_names, RD_ARRAY_SIZE(hit_names), word, strlen(word));
}

/* --- lists of actions --- */

static bool add_action(uint8_t actions[RD_TRACE_MAX_ACTIONS], unsigned int n, const char *word,
		       size_t len)
{
	unsigned int a = number_of(action_names, RD_ARRAY_SIZE(action_names), word, len);

	if (!a || n == RD_TRACE_MAX_ACTIONS)
		return false;
	actions[n] = (uint8_t)a;
	return true;
}

bool rd_trace_actions_parse(const char *text, uint8_t actions[RD_TRACE_MAX_ACTIONS])
{
	memset(actions, 0, RD_TRACE_MAX_ACTIONS);
	for (unsigned int n = 0;; n++) {
		size_t len = strcspn(text, ",");

		if (!add_action(actions, n, text, len))
			return false;
		if (!text[len])
			return true;
		text += len + 1;
	}
}

json_t *rd_trace_actions_json(const uint8_t actions[RD_TRACE_MAX_ACTIONS])
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < RD_TRACE_MAX_ACTIONS && actions[i]; i++)
		json_array_append_new(list, json_string(rd_trace_action_name(actions[i])));
	return list;
}

bool rd_trace_actions_take(const json_t *list, uint8_t actions[RD_TRACE_MAX_ACTIONS])
{
	json_t *o;
	size_t i;

	memset(actions, 0, RD_TRACE_MAX_ACTIONS);
	json_array_foreach(list, i, o) {
		const char *word = json_string_value(o);

		if (!word || !add_action(actions, (unsigned int)i, word, strlen(word)))
			return false;
	}
	return json_array_size(list) > 0;
}

/* --- ranges --- */

static bool parse_number(const char *text, uint64_t *out)
{
	char *end;

	if (text[0] != '0' || (text[1] != 'x' && text[1] != 'X'))
		return rd_parse_size(text, out);
	if (!strchr("0123456789abcdefABCDEF", text[2]) || !text[2] || strlen(text) > 18)
		return false;
	*out = strtoull(text + 2, &end, 16);
	return !*end;
}

bool rd_trace_range_parse(const char *text, uint64_t *gpa, uint64_t *size)
{
	const char *plus = strchr(text, '+');
	char address[24];
	size_t len = plus ? (size_t)(plus - text) : strlen(text);

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = 0;
	if (!parse_number(address, gpa))
		return false;
	if (plus)
		return parse_number(plus + 1, size) && *size && *size <= INT64_MAX &&
		       *gpa <= INT64_MAX - *size;
	if (*gpa > INT64_MAX - PAGE)
		return false;
	*gpa = rd_align_down(*gpa, PAGE);
	*size = PAGE;
	return true;
}

/* --- events --- */

static json_t *hex_number(uint64_t v)
{
	char text[20];

	snprintf(text, sizeof(text), "0x%" PRIx64, v);
	return json_string(text);
}

static json_t *hex_bytes(const uint8_t *bytes, const struct rd_trace_event *e)
{
	char text[2 * RD_EVENT_BYTES + 1] = "";
	size_t n = e->len < RD_EVENT_BYTES ? e->len : RD_EVENT_BYTES;

	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

static json_t *carried_out(const struct rd_trace_event *e)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < RD_TRACE_MAX_ACTIONS && e->action[i]; i++)
		json_array_append_new(list,
			json_pack("{s:s, s:s}", "action", rd_trace_action_name(e->action[i]),
				  "outcome", name_of(outcome_names, RD_ARRAY_SIZE(outcome_names),
						     e->outcome[i])));
	return list;
}

static json_t *flags(const struct rd_trace_event *e)
{
	json_t *list = json_array();

	for (size_t i = 0; i < RD_ARRAY_SIZE(flag_names); i++)
		if (e->flags & flag_names[i].bit)
			json_array_append_new(list, json_string(flag_names[i].name));
	return list;
}

/* A word for the code, where it has one. */
static const char *reason_of(const struct rd_trace_event *e)
{
	if (e->hit == RD_HIT_MODE)
		return name_of(mode_names, RD_ARRAY_SIZE(mode_names), e->code);
	if (e->hit == RD_HIT_DENIED)
		return name_of(call_names, RD_ARRAY_SIZE(call_names), e->code);
	return NULL;
}

static json_t *with_reason(json_t *event, const struct rd_trace_event *e)
{
	const char *reason = reason_of(e);

	if (reason)
		json_object_set_new(event, "reason", json_string(reason));
	return event;
}

/*
 * Addresses in guest memory and lengths are integers. What may have its topmost bit set is a
 * string, because integers of JSON do not reach that far.
 */
json_t *rd_trace_event_json(const char *kind, const struct rd_trace_event *e)
{
	bool unknown = e->flags & RD_EVENT_VMM || !e->len;

	return with_reason(json_pack(
			 "{s:s, s:I, s:I, s:o, s:s, s:i, s:s, s:i, s:o, s:o, s:I, s:o, s:i, s:o, "
			 "s:o, s:o, s:o}",
			 "event", kind, "seq", (json_int_t)e->seq, "time_ns",
			 (json_int_t)e->time_ns, "vcpu",
			 e->vcpu == ~0u ? json_null() : json_integer(e->vcpu), "hit",
			 rd_trace_hit_name(e->hit), "code", e->code, "decision",
			 rd_trace_action_name(e->decision), "tag", e->tag, "rip",
			 hex_number(e->rip), "cr3", hex_number(e->cr3), "gpa", (json_int_t)e->gpa,
			 "linear", hex_number(e->linear), "length", e->len, "old",
			 unknown ? json_null() : hex_bytes(e->old_bytes, e), "new",
			 unknown ? json_null() : hex_bytes(e->new_bytes, e), "actions",
			 carried_out(e), "flags", flags(e)), e);
}

json_t *rd_trace_stats_json(const struct rd_trace_stats *s, uint64_t dma_refused, bool isolated)
{
	const struct {
		const char *name;
		uint64_t value;
	} list[] = {
		{ "pages", s->pages },	     { "nodes", s->nodes },
		{ "traps", s->traps },	     { "mapping", s->mapping },
		{ "beside", s->beside },     { "node", s->node },
		{ "stale", s->stale },	     { "corrupt", s->corrupt },
		{ "denied", s->denied },     { "allowed", s->allowed },
		{ "refused", s->refused },   { "skipped", s->skipped },
		{ "blind", s->blind },	     { "events", s->events },
		{ "lost", s->lost },	     { "modes", s->modes },
		{ "cut", s->cut },	     { "dma_refused", dma_refused },
	};
	json_t *o = json_pack("{s:b, s:b}", "ok", 1, "isolated", isolated);

	for (size_t i = 0; i < RD_ARRAY_SIZE(list); i++)
		json_object_set_new(o, list[i].name, json_integer((json_int_t)list[i].value));
	return o;
}

void rd_trace_say(const struct rd_trace_event *e, char *text, size_t len)
{
	char who[32] = "a device", what[32] = "bytes";

	if (e->vcpu != ~0u)
		snprintf(who, sizeof(who), "vCPU %u", e->vcpu);
	if (e->len)
		snprintf(what, sizeof(what), "%u byte%s", e->len, e->len == 1 ? "" : "s");
	snprintf(text, len, "%s at rip 0x%" PRIx64 " wants to write %s at 0x%" PRIx64
		 " (%s, tag %u)", who, (uint64_t)e->rip, what, (uint64_t)e->gpa,
		 rd_trace_hit_name(e->hit), e->tag);
}

/* --- lines --- */

static const char *word(const json_t *event, const char *key)
{
	const char *s = json_string_value(json_object_get(event, key));

	return s ? s : "?";
}

static long long number(const json_t *event, const char *key)
{
	return (long long)json_integer_value(json_object_get(event, key));
}

static void add_time(struct rd_line *l, long long ns)
{
	time_t s = (time_t)(ns / 1000000000);
	struct tm tm;

	if (!localtime_r(&s, &tm))
		memset(&tm, 0, sizeof(tm));
	rd_line_add(l, "%02d:%02d:%02d.%06lld", tm.tm_hour, tm.tm_min, tm.tm_sec,
		    ns / 1000 % 1000000);
}

void rd_trace_line(const json_t *event, char *text, size_t len)
{
	struct rd_line l = { .text = text, .room = len };
	json_t *vcpu = json_object_get(event, "vcpu"), *o;
	long long tag = number(event, "tag");
	size_t i;

	add_time(&l, number(event, "time_ns"));
	if (strcmp(word(event, "event"), "trace"))
		rd_line_add(&l, " %s", word(event, "event"));
	if (json_is_integer(vcpu))
		rd_line_add(&l, " vcpu %lld", (long long)json_integer_value(vcpu));
	rd_line_add(&l, " %s", word(event, "hit"));
	if (json_is_string(json_object_get(event, "reason")))
		rd_line_add(&l, " %s", word(event, "reason"));
	rd_line_add(&l, " %s rip %s linear %s gpa 0x%llx", word(event, "decision"),
		    word(event, "rip"), word(event, "linear"),
		    (unsigned long long)number(event, "gpa"));
	if (json_is_string(json_object_get(event, "new")))
		rd_line_add(&l, " len %lld %s -> %s", number(event, "length"), word(event, "old"),
		    word(event, "new"));
	json_array_foreach(json_object_get(event, "actions"), i, o)
		rd_line_add(&l, " %s:%s", word(o, "action"), word(o, "outcome"));
	if (tag)
		rd_line_add(&l, " tag %lld", tag);
	json_array_foreach(json_object_get(event, "flags"), i, o)
		rd_line_add(&l, " %s", json_is_string(o) ? json_string_value(o) : "?");
}
