// SPDX-License-Identifier: GPL-2.0-only
/* Drawing with ncurses: all VMs on top, the vCPUs and exit reasons of the selected one below. */
#include "tools/src/vmctl/top_screen.h"

#include "tools/src/vmctl/top.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REASONS_MAX 24u

bool rd_top_screen_open(struct rd_top_screen *s)
{
	memset(s, 0, sizeof(*s));
	/* newterm() reports a terminal that it does not know; initscr() would end the program. */
	if (!isatty(STDOUT_FILENO) || !newterm(NULL, stdout, stdin))
		return false;
	cbreak();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	return true;
}

void rd_top_screen_close(void)
{
	endwin();
}

/* One row of text, cut at the right edge; rows below the screen are not there. */
static void row(int y, attr_t attr, const char *text)
{
	if (y >= LINES)
		return;
	attron(attr);
	mvaddnstr(y, 0, text, COLS);
	attroff(attr);
}

static int draw_vms(const struct rd_top_screen *s, const json_t *vms)
{
	char text[160];
	json_t *vm;
	size_t i;
	int y = 1;

	row(0, A_REVERSE, "NAME" RD_TOP_HEAD + 4);
	json_array_foreach(vms, i, vm) {
		rd_top_line(vm, text, sizeof(text));
		row(y++, i == s->selected ? A_BOLD : 0, text);
	}
	return y + 1;
}

static int draw_vcpus(const json_t *vm, int y)
{
	char text[160];
	json_t *vcpu;
	size_t i;

	json_array_foreach(json_object_get(vm, "vcpus"), i, vcpu) {
		if (y >= LINES / 2 + 4)
			break;	/* leave room for the reasons */
		rd_top_line(vcpu, text, sizeof(text));
		row(y++, 0, text);
	}
	return y + 1;
}

static void draw_reasons(const json_t *vm, int y)
{
	struct rd_top_reason list[REASONS_MAX];
	size_t n = rd_top_reasons(vm, list, REASONS_MAX);
	double total = rd_top_number(vm, "exits");
	char text[96];

	row(y++, A_REVERSE, "EXITS BY REASON                   per s      %");
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%-28.28s %10.0f %6.1f", list[i].name, list[i].rate,
			 total > 0 ? list[i].rate * 100 / total : 0);
		row(y++, 0, text);
	}
}

void rd_top_screen_draw(struct rd_top_screen *s, const json_t *vms)
{
	size_t n = json_array_size(vms);
	const json_t *vm;
	int y;

	if (s->selected >= n)
		s->selected = n ? n - 1 : 0;
	vm = json_array_get(vms, s->selected);
	erase();
	y = draw_vms(s, vms);
	if (vm) {
		y = draw_vcpus(vm, y);
		draw_reasons(vm, y);
	} else {
		row(2, 0, "no virtual machine is running");
	}
	row(LINES - 1, A_DIM, "up/down: choose a machine   q: quit");
	refresh();
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void rd_top_screen_wait(struct rd_top_screen *s, const json_t *vms, int ms)
{
	int64_t left, until = now_ms() + ms;

	while (!s->quit && (left = until - now_ms()) > 0) {
		timeout((int)left);
		switch (getch()) {
		case 'q':
		case 'Q':
		case 3:
			s->quit = true;
			break;
		case KEY_UP:
		case 'k':
			s->selected -= s->selected > 0;
			rd_top_screen_draw(s, vms);
			break;
		case KEY_DOWN:
		case 'j':
			s->selected++;
			rd_top_screen_draw(s, vms);
			break;
		case KEY_RESIZE:
			rd_top_screen_draw(s, vms);
			break;
		default:
			break;
		}
	}
}
