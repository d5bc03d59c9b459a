/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's end of the serial line: the terminal, a file, a pseudo-terminal, or nothing; and the
 * clients of the control socket that asked for the console (taps), who see the same output and may
 * all type.
 *
 * Output is collected and written per line: at a newline, when the buffer is full, or by the main
 * thread a few milliseconds after the first byte. `lock` guards the output buffer; it is held
 * while a vCPU thread writes, so the main thread only ever tries it. `tap_lock` is taken inside it
 * and never held while anything waits: a tap that does not read loses output.
 */
#ifndef RD_TOOLS_CONSOLE_H
#define RD_TOOLS_CONSOLE_H

#include "tools/src/vmctl/dev_serial.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <termios.h>

/* Milliseconds after which an unfinished line is shown. */
#define RD_CONSOLE_FLUSH_MS 10

#define RD_CONSOLE_TAPS 8u

struct rd_console {
	int in_fd;			/* -1: no input, or its end was reached */
	int out_fd;			/* -1: output is dropped */
	int wake_fd;			/* eventfd: room to receive, or output waits */
	int slave_fd;			/* keeps a pseudo-terminal alive without a reader */
	bool owns_out;
	bool lossy;			/* drop output rather than wait for a reader */
	bool escape_keys;		/* Ctrl-A x ends the run */
	bool escaped;			/* Ctrl-A was the last key */
	bool raw;
	char where[64];			/* for `show`: stdio, none, a device or a file */
	struct termios saved;
	uint8_t pending[256];		/* input that the guest had no room for */
	size_t pending_len;
	uint32_t abandon;		/* atomic: stop waiting for a slow reader */
	uint32_t flush_armed;		/* atomic: the main thread will flush */
	pthread_mutex_t lock;		/* guards buf and len */
	uint8_t buf[1024];
	size_t len;
	size_t tapped;			/* of buf, what the taps have seen */
	pthread_mutex_t tap_lock;	/* guards taps */
	int taps[RD_CONSOLE_TAPS];	/* connected sockets, -1: free */
};

/* What the main loop must do after input. */
enum rd_console_event { RD_CONSOLE_NOTHING, RD_CONSOLE_QUIT };

/* rd_console_init - nothing open. */
void rd_console_init(struct rd_console *c);

/*
 * rd_console_open - open SPEC: "stdio", "pty", "none" or the name of a file to write. LABEL says
 * whose pseudo-terminal it is. A status; close in either case.
 */
int rd_console_open(struct rd_console *c, const char *label, const char *spec);

/* rd_console_close - write out what is left and restore the terminal. */
void rd_console_close(struct rd_console *c);

/* rd_console_serial_host - the functions to give to the serial port. */
struct rd_serial_host rd_console_serial_host(struct rd_console *c);

/* rd_console_attach - a new serial port is there: offer it input that waits. Main thread. */
void rd_console_attach(struct rd_console *c);

/* rd_console_poll_fd - the descriptor to poll for input now, -1 for none. */
int rd_console_poll_fd(const struct rd_console *c);

/* rd_console_input - in_fd is readable. Main thread. */
enum rd_console_event rd_console_input(struct rd_console *c, struct rd_serial *serial);

/*
 * rd_console_fill - read keys into `pending`, from which their taker removes them. The thread that
 * polls in_fd.
 */
enum rd_console_event rd_console_fill(struct rd_console *c);

/*
 * rd_console_wake - wake_fd is readable. SERIAL NULL: the machine is paused, input has to wait.
 * Returns milliseconds to the next flush, -1 for none.
 */
int rd_console_wake(struct rd_console *c, struct rd_serial *serial);

/* rd_console_flush - write out an unfinished line. Returns as rd_console_wake(). Main thread. */
int rd_console_flush(struct rd_console *c);

/*
 * rd_console_abandon - vCPU threads must not wait for a slow reader any more. What does not fit is
 * kept for later as far as there is room.
 */
void rd_console_abandon(struct rd_console *c, bool abandon);

/* rd_console_tap_room - one more tap can be added. */
bool rd_console_tap_room(const struct rd_console *c);

/* rd_console_tap - show the console on FD, which is its own now, and take keys from it. */
void rd_console_tap(struct rd_console *c, int fd);

/* rd_console_tap_poll - fill in RD_CONSOLE_TAPS entries; without INPUT only to see them close. */
void rd_console_tap_poll(struct rd_console *c, struct pollfd *p, bool input);

/* rd_console_tap_handle - serve what poll() found. SERIAL NULL: input has to wait. Main thread. */
void rd_console_tap_handle(struct rd_console *c, const struct pollfd *p,
			   struct rd_serial *serial);

#endif
