// SPDX-License-Identifier: GPL-2.0-only
/*
 * Console input and output. Descriptors that others share (stdin, stdout) are never made
 * non-blocking: a write that has to wait is interrupted by the vCPU's kick signal instead.
 */
#include "tools/src/vmctl/console.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_ESCAPE 0x01		/* Ctrl-A */

static void wake_main(struct rd_console *c)
{
	uint64_t one = 1;

	/* It can only fail when the counter is about to overflow: then it is readable anyway. */
	if (write(c->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* Caller holds the lock. */
static void show_taps(struct rd_console *c)
{
	pthread_mutex_lock(&c->tap_lock);
	for (unsigned int i = 0; c->tapped < c->len && i < RD_CONSOLE_TAPS; i++)
		if (c->taps[i] >= 0 && send(c->taps[i], c->buf + c->tapped, c->len - c->tapped,
					    MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			continue;	/* it lost some; its end is seen by poll() */
	pthread_mutex_unlock(&c->tap_lock);
	c->tapped = c->len;
}

/* Write out the buffer. Caller holds the lock. */
static void drain(struct rd_console *c)
{
	size_t done = 0;

	show_taps(c);
	while (done < c->len && c->out_fd >= 0) {
		ssize_t n = write(c->out_fd, c->buf + done, c->len - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EINTR &&
			 !__atomic_load_n(&c->abandon, __ATOMIC_RELAXED))
			continue;
		else
			break;	/* nobody reads, or nobody may wait */
	}
	if (c->lossy || c->out_fd < 0 || !__atomic_load_n(&c->abandon, __ATOMIC_RELAXED))
		done = c->len;
	c->len -= done;
	memmove(c->buf, c->buf + done, c->len);
	c->tapped = c->len;
}

static void transmit(void *ctx, uint8_t byte)
{
	struct rd_console *c = ctx;
	bool wake;

	pthread_mutex_lock(&c->lock);
	if (c->len == sizeof(c->buf))
		c->len = c->tapped = 0;	/* kept for a reader who still does not come */
	c->buf[c->len++] = byte;
	wake = false;
	if (byte == '\n' || c->len == sizeof(c->buf))
		drain(c);
	if (c->len)
		wake = !__atomic_exchange_n(&c->flush_armed, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&c->lock);
	if (wake)
		wake_main(c);
}

static void rx_room(void *ctx)
{
	wake_main(ctx);
}

struct rd_serial_host rd_console_serial_host(struct rd_console *c)
{
	return (struct rd_serial_host){ .transmit = transmit, .rx_room = rx_room, .ctx = c };
}

void rd_console_attach(struct rd_console *c)
{
	wake_main(c);
}

static bool can_write(int fd, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	return poll(&p, 1, timeout_ms) > 0 && (p.revents & POLLOUT);
}

int rd_console_flush(struct rd_console *c)
{
	/* A vCPU thread that holds the lock is writing already. */
	if (pthread_mutex_trylock(&c->lock))
		return RD_CONSOLE_FLUSH_MS;
	show_taps(c);
	if (c->len && c->out_fd >= 0 && !c->lossy && !can_write(c->out_fd, 0)) {
		pthread_mutex_unlock(&c->lock);
		return RD_CONSOLE_FLUSH_MS;
	}
	drain(c);
	__atomic_store_n(&c->flush_armed, 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&c->lock);
	return -1;
}

static void deliver(struct rd_console *c, struct rd_serial *serial)
{
	size_t taken;

	if (!c->pending_len)
		return;
	taken = rd_serial_receive(serial, c->pending, c->pending_len);
	c->pending_len -= taken;
	memmove(c->pending, c->pending + taken, c->pending_len);
}

int rd_console_wake(struct rd_console *c, struct rd_serial *serial)
{
	uint64_t count;

	if (read(c->wake_fd, &count, sizeof(count)) < 0)
		return -1;
	if (serial)
		deliver(c, serial);
	return __atomic_load_n(&c->flush_armed, __ATOMIC_RELAXED) ? RD_CONSOLE_FLUSH_MS : -1;
}

int rd_console_poll_fd(const struct rd_console *c)
{
	return c->pending_len ? -1 : c->in_fd;
}

/* Take escape sequences out of the input. Ctrl-A Ctrl-A stands for one Ctrl-A. */
static enum rd_console_event filter(struct rd_console *c, const uint8_t *in, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (c->escaped) {
			c->escaped = false;
			if (in[i] == 'x' || in[i] == 'X')
				return RD_CONSOLE_QUIT;
			if (in[i] != KEY_ESCAPE)
				continue;
		} else if (c->escape_keys && in[i] == KEY_ESCAPE) {
			c->escaped = true;
			continue;
		}
		c->pending[c->pending_len++] = in[i];
	}
	return RD_CONSOLE_NOTHING;
}

enum rd_console_event rd_console_fill(struct rd_console *c)
{
	uint8_t in[sizeof(c->pending)];
	ssize_t n;

	if (c->pending_len)
		return RD_CONSOLE_NOTHING;
	n = read(c->in_fd, in, sizeof(in));
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return RD_CONSOLE_NOTHING;
	if (n <= 0) {
		c->in_fd = -1;	/* end of input is not the end of the guest */
		return RD_CONSOLE_NOTHING;
	}
	return filter(c, in, (size_t)n);
}

enum rd_console_event rd_console_input(struct rd_console *c, struct rd_serial *serial)
{
	enum rd_console_event event = rd_console_fill(c);

	deliver(c, serial);
	return event;
}

bool rd_console_tap_room(const struct rd_console *c)
{
	for (unsigned int i = 0; i < RD_CONSOLE_TAPS; i++)
		if (c->taps[i] < 0)
			return true;
	return false;
}

void rd_console_tap(struct rd_console *c, int fd)
{
	unsigned int i = 0;

	pthread_mutex_lock(&c->tap_lock);
	while (i < RD_CONSOLE_TAPS && c->taps[i] >= 0)
		i++;
	if (i < RD_CONSOLE_TAPS)
		c->taps[i] = fd;
	else
		close(fd);
	pthread_mutex_unlock(&c->tap_lock);
}

void rd_console_tap_poll(struct rd_console *c, struct pollfd *p, bool input)
{
	bool wanted = input && !c->pending_len;

	for (unsigned int i = 0; i < RD_CONSOLE_TAPS; i++)
		p[i] = (struct pollfd){ .fd = c->taps[i], .events = wanted ? POLLIN : 0 };
}

static void untap(struct rd_console *c, unsigned int i)
{
	pthread_mutex_lock(&c->tap_lock);
	close(c->taps[i]);
	c->taps[i] = -1;
	pthread_mutex_unlock(&c->tap_lock);
}

void rd_console_tap_handle(struct rd_console *c, const struct pollfd *p,
			   struct rd_serial *serial)
{
	for (unsigned int i = 0; i < RD_CONSOLE_TAPS; i++) {
		ssize_t n = 0;

		if (!p[i].revents || c->taps[i] != p[i].fd)
			continue;
		if (p[i].revents & POLLIN) {
			n = recv(c->taps[i], c->pending + c->pending_len,
				 sizeof(c->pending) - c->pending_len, MSG_DONTWAIT);
			if (n > 0)
				c->pending_len += (size_t)n;
			if (n > 0 || (n < 0 && errno == EAGAIN) ||
			    c->pending_len == sizeof(c->pending))
				continue;
		}
		untap(c, i);
	}
	if (serial)
		deliver(c, serial);
}

void rd_console_abandon(struct rd_console *c, bool abandon)
{
	__atomic_store_n(&c->abandon, abandon, __ATOMIC_RELAXED);
}

static int make_raw(struct rd_console *c)
{
	struct termios t;

	if (tcgetattr(STDIN_FILENO, &c->saved))
		return rd_fail(RD_HOST_ERROR, "terminal: %s", strerror(errno));
	t = c->saved;
	cfmakeraw(&t);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &t))
		return rd_fail(RD_HOST_ERROR, "terminal: %s", strerror(errno));
	rd_messages_raw(true);
	c->raw = true;
	return RD_OK;
}

/* Only a terminal that this process group controls is made raw: others would stop the process. */
static int open_stdio(struct rd_console *c)
{
	c->out_fd = STDOUT_FILENO;
	c->in_fd = STDIN_FILENO;
	if (!isatty(STDIN_FILENO))
		return RD_OK;
	if (tcgetpgrp(STDIN_FILENO) != getpgrp()) {
		c->in_fd = -1;
		return RD_OK;
	}
	c->escape_keys = true;
	return make_raw(c);
}

static int open_file(struct rd_console *c, const char *path)
{
	/* A FIFO without a reader is an error, not something to wait for. */
	c->out_fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NONBLOCK,
			 0644);
	if (c->out_fd < 0)
		return rd_fail(RD_HOST_ERROR, "%s: %s", path, strerror(errno));
	c->owns_out = true;
	fcntl(c->out_fd, F_SETFL, fcntl(c->out_fd, F_GETFL) & ~O_NONBLOCK);
	return RD_OK;
}

static int open_pty(struct rd_console *c, const char *label)
{
	struct termios t;
	char path[64];
	int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	if (fd < 0 || grantpt(fd) || unlockpt(fd) || ptsname_r(fd, path, sizeof(path)))
		return rd_fail(RD_HOST_ERROR, "pseudo-terminal: %s", strerror(errno));
	c->in_fd = c->out_fd = fd;
	c->owns_out = true;
	c->lossy = true;
	c->slave_fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (c->slave_fd < 0 || tcgetattr(c->slave_fd, &t))
		return rd_fail(RD_HOST_ERROR, "%s: %s", path, strerror(errno));
	cfmakeraw(&t);
	tcsetattr(c->slave_fd, TCSANOW, &t);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	snprintf(c->where, sizeof(c->where), "%s", path);
	printf("%s: %s\n", label, path);
	fflush(stdout);
	return RD_OK;
}

void rd_console_init(struct rd_console *c)
{
	memset(c, 0, sizeof(*c));
	c->in_fd = c->out_fd = c->slave_fd = c->wake_fd = -1;
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_init(&c->tap_lock, NULL);
	for (unsigned int i = 0; i < RD_CONSOLE_TAPS; i++)
		c->taps[i] = -1;
}

int rd_console_open(struct rd_console *c, const char *label, const char *spec)
{
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd < 0)
		return rd_fail(RD_HOST_ERROR, "eventfd: %s", strerror(errno));
	snprintf(c->where, sizeof(c->where), "%s", spec);
	if (!strcmp(spec, "none"))
		return RD_OK;
	if (!strcmp(spec, "stdio"))
		return open_stdio(c);
	if (!strcmp(spec, "pty"))
		return open_pty(c, label);
	return open_file(c, spec);
}

void rd_console_close(struct rd_console *c)
{
	pthread_mutex_lock(&c->lock);
	if (c->len && c->out_fd >= 0 && can_write(c->out_fd, 1000))
		drain(c);
	pthread_mutex_unlock(&c->lock);
	for (unsigned int i = 0; i < RD_CONSOLE_TAPS; i++)
		if (c->taps[i] >= 0)
			untap(c, i);
	if (c->raw) {
		tcsetattr(STDIN_FILENO, TCSANOW, &c->saved);
		rd_messages_raw(false);
	}
	if (c->owns_out && c->out_fd >= 0)
		close(c->out_fd);
	if (c->slave_fd >= 0)
		close(c->slave_fd);
	if (c->wake_fd >= 0)
		close(c->wake_fd);
	c->in_fd = c->out_fd = c->slave_fd = c->wake_fd = -1;
	c->raw = false;
}
