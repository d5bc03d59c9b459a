// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines of text. Invariant: as in line.h.
 */
#include "tools/src/vmctl/line.h"

#include <stdarg.h>
#include <stdio.h>

void rd_line_add(struct rd_line *l, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(l->text + l->len, l->room - l->len, fmt, ap);
	va_end(ap);
	l->len += n < 0 ? 0 : (size_t)n;
	if (l->len >= l->room)
		l->len = l->room - 1;
}
