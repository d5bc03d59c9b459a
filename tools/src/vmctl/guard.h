/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest whose driver guards its kernel (kmod/uapi/redoubt_guest.h), as people and programs see
 * it: what the host wants of the driver, how that fares, and whether waiting for it is over. Both
 * ends of the control socket use this.
 *
 * Invariant: what the driver says of itself is shown, never relied on.
 */
#ifndef RD_TOOLS_GUARD_H
#define RD_TOOLS_GUARD_H

#include "kmod/uapi/redoubt_guest.h"
#include "tools/src/vmctl/pack.h"
#include "tools/src/vmctl/stream.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd_machine;

#define RD_GUARD_LINE_MAX 256u

/*
 * rd_guard_allow_parse - "static-keys,ftrace", "all" or "none". False: another word, or none.
 * rd_guard_allow_json, rd_guard_allow_take - the same as an array of words.
 */
bool rd_guard_allow_parse(const char *text, uint32_t *allow);
json_t *rd_guard_allow_json(uint32_t allow);
bool rd_guard_allow_take(const json_t *list, uint32_t *allow);

/* rd_guard_json - the state as the control socket tells it. */
json_t *rd_guard_json(const struct rd_guest_driver_status *s);

/* rd_guard_worth_telling - something is wanted of a driver, or there is one. */
bool rd_guard_worth_telling(const json_t *guard);

/* rd_guard_line - the same JSON as one sentence, to TEXT of LEN bytes. */
void rd_guard_line(const json_t *guard, char *text, size_t len);

/* --- waiting until the kernel is guarded --- */

enum rd_guard_verdict {
	RD_GUARD_WAIT,		/* the driver has not answered yet */
	RD_GUARD_GUARDS,
	RD_GUARD_FAILED,	/* the driver cannot; rd_guard_line() says why */
};

/*
 * Since when. A driver that failed before says so once more in the call by which it learns that it
 * is to try again: that one does not count.
 */
struct rd_guard_wait {
	int64_t since_ms;	/* the host has wanted it since then */
	bool failed_before;
	int64_t called_ms;	/* the last call that was seen, 0: none since then */
	unsigned int calls;
};

/* rd_guard_wait_start - at NOW, after GUARD was seen and before anything is wanted. */
void rd_guard_wait_start(struct rd_guard_wait *w, const json_t *guard, int64_t now_ms);
/* rd_guard_judge - GUARD is what is seen at NOW. */
enum rd_guard_verdict rd_guard_judge(struct rd_guard_wait *w, const json_t *guard, int64_t now_ms);

/* --- in a snapshot --- */

/*
 * What the host wants is a section of its own, if it wants anything, so that a driver which the
 * restored guest starts later hears of it. rd_guard_transfer - what is loaded was checked when the
 * pack is still good. A status.
 */
void rd_guard_transfer(struct rd_guest_driver *want, struct rd_pack *p);
int rd_guard_save(const struct rd_machine *m, struct rd_stream *s);
int rd_guard_load(struct rd_machine *m, const struct rd_stream *s,
		  const struct rd_section *section);

#endif
