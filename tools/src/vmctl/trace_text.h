/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Write traces as people and programs write them: words for the numbers of redoubt_trace.h, ranges
 * of the command line, events as JSON and as a line. Both ends of the control socket use this.
 *
 * Invariant: whatever comes from a socket is looked at before it is used; nothing here fails for
 * a number without a word.
 */
#ifndef RD_TOOLS_TRACE_TEXT_H
#define RD_TOOLS_TRACE_TEXT_H

#include "kmod/uapi/redoubt_trace.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of one event, as rd_trace_say() and rd_trace_line() write it. */
#define RD_TRACE_LINE_MAX 512u

/* rd_trace_action_name, rd_trace_hit_name - a word; "?" for a number that has none. */
const char *rd_trace_action_name(unsigned int action);
const char *rd_trace_hit_name(unsigned int hit);

/* rd_trace_hit_known - whether WORD is that of a kind of hit. */
bool rd_trace_hit_known(const char *word);

/* rd_trace_actions_parse - "log,refuse" and so on. False: an unknown word, none, or too many. */
bool rd_trace_actions_parse(const char *text, uint8_t actions[RD_TRACE_MAX_ACTIONS]);

/* rd_trace_actions_json, rd_trace_actions_take - the same as an array of words. */
json_t *rd_trace_actions_json(const uint8_t actions[RD_TRACE_MAX_ACTIONS]);
bool rd_trace_actions_take(const json_t *list, uint8_t actions[RD_TRACE_MAX_ACTIONS]);

/*
 * rd_trace_range_parse - ADDR, the whole page that it lies in, or ADDR+SIZE. Numbers are decimal,
 * or hexadecimal after 0x; a size may have a suffix K, M, G or T.
 */
bool rd_trace_range_parse(const char *text, uint64_t *gpa, uint64_t *size);

/* rd_trace_stats_json - the answer to trace_stats. */
json_t *rd_trace_stats_json(const struct rd_trace_stats *s, uint64_t dma_refused, bool isolated);

/* rd_trace_event_json - an event of the kind KIND ("trace", "notify") for the control socket. */
json_t *rd_trace_event_json(const char *kind, const struct rd_trace_event *e);

/* rd_trace_say - in one sentence who wanted to write what, to TEXT of LEN bytes. */
void rd_trace_say(const struct rd_trace_event *e, char *text, size_t len);

/* rd_trace_line - what `vmctl trace watch` shows of an event that came as JSON. */
void rd_trace_line(const json_t *event, char *text, size_t len);

#endif
