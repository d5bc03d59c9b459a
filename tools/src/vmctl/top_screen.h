/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal of `vmctl top`. */
#ifndef RD_TOOLS_TOP_SCREEN_H
#define RD_TOOLS_TOP_SCREEN_H

#include <jansson.h>
#include <stdbool.h>

struct rd_top_screen {
	size_t selected;	/* the VM whose vCPUs and reasons are shown */
	bool quit;
};

/* rd_top_screen_open - take the terminal over. False: it is none that curses knows. */
bool rd_top_screen_open(struct rd_top_screen *s);
void rd_top_screen_close(void);

/* rd_top_screen_draw - show VMS, an array of rd_top_rates(). */
void rd_top_screen_draw(struct rd_top_screen *s, const json_t *vms);

/* rd_top_screen_wait - take keys for so many milliseconds, drawing again as they demand. */
void rd_top_screen_wait(struct rd_top_screen *s, const json_t *vms, int ms);

#endif
