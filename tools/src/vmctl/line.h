/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A line of text that is put together piece by piece.
 * Invariant: text is a string of less than room bytes; what does not fit is left out.
 */
#ifndef RD_LINE_H
#define RD_LINE_H

#include <stddef.h>

struct rd_line {
	char *text;
	size_t len, room; /* room: at least 1 */
};

void rd_line_add(struct rd_line *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
