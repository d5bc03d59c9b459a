// SPDX-License-Identifier: GPL-2.0-only
/* On a terminal one line that is rewritten, elsewhere a line every few seconds. */
#include "tools/src/vmctl/progress.h"

#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_MS 2000
#define TERMINAL_MS 200
#define LOG_MS 5000
#define SAY_MS 1500	/* asked twice a second, this is a line every two seconds */

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void rd_progress_start(struct rd_progress *p, const char *what)
{
	memset(p, 0, sizeof(*p));
	p->what = what;
	p->started_ms = now_ms();
}

static bool due(const struct rd_progress *p, int64_t now, bool terminal, int64_t log_ms)
{
	return now - p->started_ms >= PATIENCE_MS &&
	       (!p->shown || now - p->shown_ms >= (terminal ? TERMINAL_MS : log_ms));
}

void rd_progress_show(struct rd_progress *p, uint64_t done, uint64_t total)
{
	bool terminal = isatty(STDERR_FILENO);
	int64_t now = now_ms();
	unsigned int percent = total ? (unsigned int)((double)done * 100 / (double)total) : 100;

	if (!due(p, now, terminal, LOG_MS))
		return;
	fprintf(stderr, "%svmctl: %s: %u %% of %llu MiB%s", terminal ? "\r" : "", p->what, percent,
		(unsigned long long)(total / RD_MIB), terminal ? "\033[K" : "\n");
	fflush(stderr);
	p->shown = true;
	p->shown_ms = now;
}

void rd_progress_say(struct rd_progress *p, const char *text)
{
	bool terminal = isatty(STDERR_FILENO);
	int64_t now = now_ms();

	if (!due(p, now, terminal, SAY_MS))
		return;
	fprintf(stderr, "%svmctl: %s: %.70s, %lld s%s", terminal ? "\r" : "", p->what, text,
		(long long)(now - p->started_ms) / 1000, terminal ? "\033[K" : "\n");
	fflush(stderr);
	p->shown = true;
	p->shown_ms = now;
}

void rd_progress_end(struct rd_progress *p)
{
	if (p->shown && isatty(STDERR_FILENO))
		fputc('\n', stderr);
	p->shown = false;
}
