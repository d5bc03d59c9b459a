// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio console with one port, hvc0. The port is announced through control messages, because only
 * they tell when the guest has opened it: what is typed before would be lost.
 *
 * Neither direction ever waits: output that the host's end does not take stays in the ring until it
 * does, and keys stay with the host's end until the guest has room. So a slow reader delays the
 * guest's console, and never a reset or a pause. The size is always offered: 0 by 0 is no terminal,
 * and a restored machine may get one.
 */
#include "tools/src/vmctl/console.h"
#include "tools/src/vmctl/pack.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_console.h>
#include <linux/virtio_ids.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUE_SIZE 64u
#define PARTS 64u
#define CHUNK 1024u		/* what a descriptor that is ready takes without waiting */

enum { QUEUE_RX, QUEUE_TX, QUEUE_CONTROL_RX, QUEUE_CONTROL_TX, QUEUES };
enum { WATCH_IN, WATCH_OUT };

/* Control messages to send, as bits, in the order in which they go out. */
enum { SEND_ADD, SEND_CONSOLE, SEND_SIZE, SEND_OPEN, SENDS };

static const uint16_t send_events[SENDS] = {
	[SEND_ADD] = VIRTIO_CONSOLE_PORT_ADD,
	[SEND_CONSOLE] = VIRTIO_CONSOLE_CONSOLE_PORT,
	[SEND_SIZE] = VIRTIO_CONSOLE_RESIZE,
	[SEND_OPEN] = VIRTIO_CONSOLE_PORT_OPEN,
};

struct message {
	struct virtio_console_control control;
	uint16_t rows, cols;	/* of a resize, in the order in which Linux reads them */
};

struct hvc {
	struct rd_virtio_slot slot;
	struct rd_console *host;
	struct rd_ender ender;
	int out_fd;		/* the host's, or one of its own for the same, without waiting */
	uint64_t tx_done;	/* bytes of the chain at the head of the ring that are written */
	uint32_t to_send;	/* control messages */
	bool guest_open;	/* the guest takes keys */
	bool lived;		/* it was started in this process before */
	struct winsize size;	/* the terminal's, as the guest knows it; ws_col 0: no terminal */
};

static bool out_ready(const struct hvc *h)
{
	struct pollfd p = { .fd = h->out_fd, .events = POLLOUT };

	return h->out_fd < 0 || h->host->lossy || poll(&p, 1, 0) != 0;
}

/* Write as much of the chain as the host's end takes. True: all is written, or nobody wants it. */
static bool transmit(struct hvc *h, const struct rd_chain *c)
{
	uint8_t bytes[CHUNK];

	while (h->tx_done < c->out_len) {
		size_t n = rd_iov_read(c->iov, c->n_out, h->tx_done, bytes, sizeof(bytes));
		ssize_t done = (ssize_t)n;

		if (rd_virtio_interrupted(&h->slot.v) || !out_ready(h))
			return false;
		if (h->out_fd >= 0)
			done = write(h->out_fd, bytes, n);
		if (done < 0 && (errno == EINTR || (errno == EAGAIN && !h->host->lossy)))
			return false;
		h->tx_done += done > 0 ? (uint64_t)done : n;
	}
	h->tx_done = 0;
	return true;
}

static void serve_tx(struct hvc *h)
{
	struct rd_virtio *v = &h->slot.v;
	struct rd_virtq *ring = &v->queues[QUEUE_TX].ring;
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };
	bool stuck = false;

	do {
		while (!stuck && rd_virtio_pop(v, QUEUE_TX, &c)) {
			if (transmit(h, &c)) {
				rd_virtio_done(v, QUEUE_TX, c.head, 0);
				continue;
			}
			rd_virtq_unpop(ring);
			stuck = true;
		}
		rd_virtq_ask_kicks(ring, !stuck);
	} while (!stuck && rd_virtio_pending(v, QUEUE_TX));
	rd_virtio_watch(v, WATCH_OUT, h->out_fd, stuck ? POLLOUT : 0);
	rd_virtio_signal(v, QUEUE_TX);
}

/* Hand waiting keys to the guest, one buffer for all that are there now. */
static void serve_rx(struct hvc *h)
{
	struct rd_virtio *v = &h->slot.v;
	struct rd_console *host = h->host;
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };

	while (h->guest_open && host->pending_len && rd_virtio_pop(v, QUEUE_RX, &c)) {
		size_t n = rd_chain_write(&c, 0, host->pending, host->pending_len);

		host->pending_len -= n;
		memmove(host->pending, host->pending + n, host->pending_len);
		rd_virtio_done(v, QUEUE_RX, c.head, (uint32_t)n);
	}
	rd_virtq_ask_kicks(&v->queues[QUEUE_RX].ring, host->pending_len != 0);
	/* The guest may have made room before it was asked to tell. */
	if (h->guest_open && host->pending_len && rd_virtio_pending(v, QUEUE_RX))
		rd_virtio_notify(v, QUEUE_RX);
	rd_virtio_watch(v, WATCH_IN, rd_console_poll_fd(host), POLLIN);
	rd_virtio_signal(v, QUEUE_RX);
}

/* The terminal's size. False: it is as it was. */
static bool size_changed(struct hvc *h)
{
	struct winsize now = { 0 };

	if (h->host->out_fd < 0 || ioctl(h->host->out_fd, TIOCGWINSZ, &now) || !now.ws_col ||
	    (now.ws_col == h->size.ws_col && now.ws_row == h->size.ws_row))
		return false;
	h->size = now;
	return true;
}

static void send_control(struct hvc *h)
{
	struct rd_virtio *v = &h->slot.v;
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };

	while (h->to_send && rd_virtio_pop(v, QUEUE_CONTROL_RX, &c)) {
		unsigned int i = (unsigned int)__builtin_ctz(h->to_send);
		struct message m = {
			.control = { .event = send_events[i], .value = 1 },
			.rows = h->size.ws_row, .cols = h->size.ws_col,
		};
		size_t len = i == SEND_SIZE ? sizeof(m) : sizeof(m.control);

		len = rd_chain_write(&c, 0, &m, len);
		rd_virtio_done(v, QUEUE_CONTROL_RX, c.head, (uint32_t)len);
		h->to_send &= ~(1u << i);
	}
	rd_virtio_signal(v, QUEUE_CONTROL_RX);
}

static void take_message(struct hvc *h, const struct virtio_console_control *m)
{
	switch (m->event) {
	case VIRTIO_CONSOLE_DEVICE_READY:
		h->to_send = m->value ? 1u << SEND_ADD : 0;
		break;
	case VIRTIO_CONSOLE_PORT_READY:
		if (m->id || !m->value)
			break;
		h->to_send |= 1u << SEND_CONSOLE | 1u << SEND_OPEN;
		if (h->size.ws_col)
			h->to_send |= 1u << SEND_SIZE;
		break;
	case VIRTIO_CONSOLE_PORT_OPEN:
		if (!m->id)
			h->guest_open = m->value;
		break;
	default:
		break;
	}
}

static void serve_control(struct hvc *h)
{
	struct rd_virtio *v = &h->slot.v;
	struct rd_virtq *ring = &v->queues[QUEUE_CONTROL_TX].ring;
	struct virtio_console_control m;
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };

	do {
		while (rd_virtio_pop(v, QUEUE_CONTROL_TX, &c)) {
			if (rd_iov_read(iov, c.n_out, 0, &m, sizeof(m)) == sizeof(m))
				take_message(h, &m);
			rd_virtio_done(v, QUEUE_CONTROL_TX, c.head, 0);
		}
		rd_virtq_ask_kicks(ring, true);
	} while (rd_virtio_pending(v, QUEUE_CONTROL_TX));
	rd_virtio_signal(v, QUEUE_CONTROL_TX);
	send_control(h);
	serve_rx(h);
}

static void (*const serve[QUEUES])(struct hvc *h) = {
	[QUEUE_RX] = serve_rx,
	[QUEUE_TX] = serve_tx,
	[QUEUE_CONTROL_RX] = send_control,
	[QUEUE_CONTROL_TX] = serve_control,
};

static void hvc_kick(struct rd_virtio *v, unsigned int q)
{
	serve[q](v->dev);
}

static void hvc_event(struct rd_virtio *v, unsigned int slot, short revents)
{
	struct hvc *h = v->dev;

	(void)revents;
	if (slot == WATCH_OUT) {
		serve_tx(h);
		return;
	}
	if (rd_console_fill(h->host) == RD_CONSOLE_QUIT)
		h->ender.end(h->ender.ctx, RD_END_QUIT);
	/* Whoever types has finished resizing the window. */
	if (size_changed(h) && rd_virtio_negotiated(v, VIRTIO_CONSOLE_F_MULTIPORT)) {
		h->to_send |= 1u << SEND_SIZE;
		send_control(h);
	}
	serve_rx(h);
}

/* Drivers that do not listen to messages read it there. */
static void tell_size(struct hvc *h)
{
	uint16_t size[2] = { h->size.ws_col, h->size.ws_row };

	rd_virtio_set_config(&h->slot.v, 0, size, sizeof(size));
}

static void hvc_start(struct rd_virtio *v)
{
	struct hvc *h = v->dev;

	if (v->fresh) {
		h->tx_done = 0;
		h->to_send = 0;
		h->guest_open = !rd_virtio_negotiated(v, VIRTIO_CONSOLE_F_MULTIPORT);
	}
	/* A restored guest knows another terminal. */
	if (!v->fresh && !h->lived && h->size.ws_col) {
		h->to_send |= 1u << SEND_SIZE;
		tell_size(h);
	}
	h->lived = true;
	rd_virtio_watch(v, WATCH_IN, rd_console_poll_fd(h->host), POLLIN);
}

static void hvc_stop(struct rd_virtio *v)
{
	rd_virtio_watch(v, WATCH_IN, -1, 0);
	rd_virtio_watch(v, WATCH_OUT, -1, 0);
}

/* What was typed and not yet taken belongs to the host's end, and stays there. */
static void hvc_transfer(struct rd_virtio *v, struct rd_pack *p)
{
	struct hvc *h = v->dev;

	rd_pack_u64(p, &h->tx_done);
	rd_pack_u32(p, &h->to_send);
	rd_pack_bool(p, &h->guest_open);
	if (h->to_send >> SENDS)
		p->bad = true;
}

static void hvc_destroy(struct rd_virtio *v)
{
	struct hvc *h = v->dev;

	if (h->out_fd != h->host->out_fd)
		close(h->out_fd);
	free(h);
}

static const struct rd_virtio_ops hvc_ops = {
	.name = "virtio-console",
	.id = VIRTIO_ID_CONSOLE,
	.class_code = 0x078000,		/* communication, other */
	.start = hvc_start,
	.stop = hvc_stop,
	.kick = hvc_kick,
	.event = hvc_event,
	.transfer = hvc_transfer,
	.destroy = hvc_destroy,
};

static void fill_config(struct hvc *h)
{
	struct virtio_console_config c = { .max_nr_ports = 1 };

	if (size_changed(h)) {
		c.cols = h->size.ws_col;
		c.rows = h->size.ws_row;
	}
	memcpy(h->slot.v.config, &c, sizeof(c));
	h->slot.v.config_len = sizeof(c);
	h->slot.v.live.len = offsetof(struct virtio_console_config, max_nr_ports);
}

/*
 * Standard output is shared with whoever started vmctl, so it cannot be made non-blocking. A
 * terminal or a pipe can be opened once more.
 */
static int own_output(const struct rd_console *host)
{
	char path[32];
	struct stat st;
	int fd = -1;

	if (host->out_fd < 0 || host->lossy || fstat(host->out_fd, &st))
		return host->out_fd;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", host->out_fd);
	if (S_ISFIFO(st.st_mode) || isatty(host->out_fd))
		fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return fd >= 0 ? fd : host->out_fd;
}

int rd_hvc_new(const struct rd_ram *ram, struct rd_console *host, struct rd_ender ender,
	       struct rd_virtio_slot **out)
{
	struct hvc *h = calloc(1, sizeof(*h));
	int status;

	if (!h)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	h->host = host;
	h->ender = ender;
	h->out_fd = own_output(host);
	status = rd_virtio_init(&h->slot.v, &hvc_ops, h, ram,
				1ull << VIRTIO_CONSOLE_F_MULTIPORT |
					1ull << VIRTIO_CONSOLE_F_SIZE);
	fill_config(h);
	for (unsigned int q = 0; q < QUEUES && !status; q++)
		status = rd_virtio_add_queue(&h->slot.v, QUEUE_SIZE);
	if (status)
		rd_virtio_free(&h->slot.v);
	else
		*out = &h->slot;
	return status;
}
