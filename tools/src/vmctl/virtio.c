// SPDX-License-Identifier: GPL-2.0-only
/* Life of a virtio device: registers on one side, the I/O thread on the other. */
#include "tools/src/vmctl/virtio.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* What vCPU threads and the main thread want of the I/O thread. */
#define REQ_START 1u
#define REQ_RESET 2u
#define REQ_PAUSE 4u
#define REQ_RESUME 8u
#define REQ_EXIT 16u

/* Warnings about one driver: it can break its device as often as it likes. */
#define COMPLAINTS_MAX 4u
#define REKICK_NS 20000000

static void signal_fd(int fd)
{
	uint64_t one = 1;

	/* Fails only when the counter is full: then it is readable anyway. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

/* Registers after reset. Caller holds the lock, or nobody else knows the device yet. */
static void reset_registers(struct rd_virtio *v)
{
	v->driver_features = 0;
	v->feature_select = v->driver_select = 0;
	v->queue_select = 0;
	v->config_vector = RD_VIRTIO_NO_VECTOR;
	v->isr = 0;
	for (unsigned int i = 0; i < v->n_queues; i++) {
		struct rd_virtio_queue *q = &v->queues[i];

		q->size = q->size_max;
		q->vector = RD_VIRTIO_NO_VECTOR;
		q->enabled = q->external = false;
		q->desc = q->avail = q->used = 0;
		memset(&q->ring, 0, sizeof(q->ring));
		q->ring.broken = true;
	}
	__atomic_store_n(&v->status, 0, __ATOMIC_RELEASE);
}

int rd_virtio_init(struct rd_virtio *v, const struct rd_virtio_ops *ops, void *dev,
		   const struct rd_ram *ram, uint64_t features)
{
	memset(v, 0, sizeof(*v));
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->changed, NULL);
	v->ops = ops;
	v->dev = dev;
	v->ram = ram;
	v->features = features | 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_RING_F_EVENT_IDX |
		      1ull << VIRTIO_RING_F_INDIRECT_DESC;
	for (unsigned int i = 0; i < RD_VIRTIO_WATCHES; i++)
		v->watches[i].fd = -1;
	reset_registers(v);
	v->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (v->wake_fd < 0)
		return rd_fail(RD_HOST_ERROR, "eventfd: %s", strerror(errno));
	return RD_OK;
}

int rd_virtio_add_queue(struct rd_virtio *v, uint16_t size)
{
	struct rd_virtio_queue *q = &v->queues[v->n_queues];

	q->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (q->kick_fd < 0)
		return rd_fail(RD_HOST_ERROR, "eventfd: %s", strerror(errno));
	q->size_max = size;
	v->n_queues++;
	reset_registers(v);
	return RD_OK;
}

/* Set up the rings of all enabled queues. Caller holds the lock. */
static bool open_rings(struct rd_virtio *v)
{
	bool ok = true;

	for (unsigned int i = 0; i < v->n_queues; i++) {
		struct rd_virtio_queue *q = &v->queues[i];
		struct rd_virtq_layout layout = {
			.desc = q->desc, .avail = q->avail, .used = q->used, .size = q->size,
			.event_idx = rd_virtio_negotiated(v, VIRTIO_RING_F_EVENT_IDX),
			.indirect = rd_virtio_negotiated(v, VIRTIO_RING_F_INDIRECT_DESC),
		};

		if (q->enabled && !rd_virtq_setup(&q->ring, v->ram, &layout))
			ok = false;
	}
	return ok;
}

bool rd_virtio_ready(const struct rd_virtio *v, unsigned int q)
{
	return v->running && !v->queues[q].ring.broken &&
	       !(__atomic_load_n(&v->status, __ATOMIC_RELAXED) & VIRTIO_CONFIG_S_NEEDS_RESET);
}

void rd_virtio_broken(struct rd_virtio *v, const char *why)
{
	pthread_mutex_lock(&v->lock);
	if (!(v->status & VIRTIO_CONFIG_S_NEEDS_RESET) && v->status) {
		if (v->complaints++ < COMPLAINTS_MAX)
			rd_warn("%s: the guest's driver %s; the device waits for a reset",
				v->ops->name, why);
		__atomic_store_n(&v->status, v->status | VIRTIO_CONFIG_S_NEEDS_RESET,
				 __ATOMIC_RELEASE);
		v->isr |= 2;
		v->transport.interrupt(v->transport.ctx, v->config_vector);
	}
	pthread_mutex_unlock(&v->lock);
}

static void kick_all(struct rd_virtio *v)
{
	for (unsigned int i = 0; i < v->n_queues; i++)
		if (rd_virtio_ready(v, i) && !v->queues[i].external)
			v->ops->kick(v, i);
}

/* Requests, in an order that makes sense whatever came together. In the I/O thread. */
static void do_stop(struct rd_virtio *v)
{
	if (v->running && v->ops->stop)
		v->ops->stop(v);
	v->running = false;
}

static void do_start(struct rd_virtio *v)
{
	bool ok;

	pthread_mutex_lock(&v->lock);
	ok = open_rings(v);
	v->running = ok;
	pthread_mutex_unlock(&v->lock);
	if (!ok) {
		rd_virtio_broken(v, "placed a queue outside memory");
		return;
	}
	v->fresh = true;
	if (v->ops->start)
		v->ops->start(v);
	kick_all(v);
}

static void do_resume(struct rd_virtio *v)
{
	pthread_mutex_lock(&v->lock);
	v->paused = false;
	pthread_mutex_unlock(&v->lock);
	if (!v->ran)
		return;
	v->running = true;
	v->fresh = false;
	if (v->ops->start)
		v->ops->start(v);
	kick_all(v);
}

static uint32_t take_requests(struct rd_virtio *v)
{
	uint32_t r;

	pthread_mutex_lock(&v->lock);
	r = v->requests;
	/* While the device is paused, a start waits for the end of the pause. */
	if ((v->paused || r & REQ_PAUSE) && !(r & REQ_RESUME))
		r &= ~REQ_START;
	v->requests &= ~(r & ~REQ_RESET);
	pthread_mutex_unlock(&v->lock);
	return r;
}

/* Carry out what was asked for. False: the thread is to end. */
static bool do_requests(struct rd_virtio *v)
{
	uint32_t r = take_requests(v);

	if (r & REQ_PAUSE && !v->paused)
		v->ran = v->running;
	if (r & (REQ_RESET | REQ_PAUSE | REQ_EXIT))
		do_stop(v);
	if (r & REQ_EXIT)
		return false;
	pthread_mutex_lock(&v->lock);
	if (r & REQ_RESET) {
		reset_registers(v);
		v->requests &= ~(REQ_RESET | REQ_START);
		r &= ~REQ_START;
		v->ran = false;
	}
	if (r & REQ_PAUSE)
		v->paused = true;
	pthread_cond_broadcast(&v->changed);
	pthread_mutex_unlock(&v->lock);
	if (r & REQ_RESUME)
		do_resume(v);
	if (r & REQ_START && !v->paused)
		do_start(v);
	return true;
}

static void poll_queue(struct rd_virtio *v, unsigned int q)
{
	uint64_t count;

	if (read(v->queues[q].kick_fd, &count, sizeof(count)) < 0)
		return;
	if (rd_virtio_ready(v, q))
		v->ops->kick(v, q);
}

bool rd_virtio_poll(struct rd_virtio *v, int ms)
{
	struct pollfd p[1 + RD_VIRTIO_WATCHES + RD_VIRTIO_QUEUES_MAX];
	struct pollfd *watches = p + 1, *queues = p + 1 + RD_VIRTIO_WATCHES;
	unsigned int n = 1 + RD_VIRTIO_WATCHES + v->n_queues;

	p[0] = (struct pollfd){ .fd = v->wake_fd, .events = POLLIN };
	memcpy(watches, v->watches, sizeof(v->watches));
	for (unsigned int i = 0; i < v->n_queues; i++)
		queues[i] = (struct pollfd){
			.fd = v->queues[i].external || !v->running ? -1 : v->queues[i].kick_fd,
			.events = POLLIN,
		};
	if (!v->running)
		for (unsigned int i = 0; i < RD_VIRTIO_WATCHES; i++)
			watches[i].fd = -1;
	if (poll(p, n, ms) <= 0)
		return true;
	if (p[0].revents) {
		uint64_t count;

		if (read(v->wake_fd, &count, sizeof(count)) > 0)
			return do_requests(v);
	}
	for (unsigned int i = 0; i < v->n_queues; i++)
		if (queues[i].revents)
			poll_queue(v, i);
	for (unsigned int i = 0; i < RD_VIRTIO_WATCHES; i++)
		if (watches[i].revents && v->watches[i].fd == watches[i].fd)
			v->ops->event(v, i, watches[i].revents);
	return true;
}

static void *io_thread(void *arg)
{
	while (rd_virtio_poll(arg, -1))
		continue;
	return NULL;
}

int rd_virtio_start(struct rd_virtio *v)
{
	int err = v->started ? 0 : pthread_create(&v->thread, NULL, io_thread, v);

	if (err)
		return rd_fail(RD_HOST_ERROR, "thread for %s: %s", v->ops->name, strerror(err));
	v->started = true;
	pthread_setname_np(v->thread, v->ops->name);
	return RD_OK;
}

/* Caller holds the lock. */
static void request(struct rd_virtio *v, uint32_t what)
{
	__atomic_store_n(&v->requests, v->requests | what, __ATOMIC_RELAXED);
	signal_fd(v->wake_fd);
}

/* The thread may be writing to a slow reader: the kick signal interrupts that. */
static void join(struct rd_virtio *v)
{
	struct timespec until;

	do {
		pthread_kill(v->thread, SIGRTMIN);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += REKICK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
	} while (pthread_timedjoin_np(v->thread, NULL, &until) == ETIMEDOUT);
	v->started = false;
}

void rd_virtio_destroy(struct rd_virtio *v)
{
	if (v->started) {
		pthread_mutex_lock(&v->lock);
		request(v, REQ_EXIT);
		pthread_mutex_unlock(&v->lock);
		join(v);
	} else if (v->ops) {
		do_stop(v);
	}
	for (unsigned int i = 0; i < v->n_queues; i++)
		close(v->queues[i].kick_fd);
	if (v->ops && v->wake_fd >= 0)
		close(v->wake_fd);
	v->ops = NULL;
	v->n_queues = 0;
	v->wake_fd = -1;
}

void rd_virtio_free(struct rd_virtio *v)
{
	const struct rd_virtio_ops *ops = v->ops;

	rd_virtio_destroy(v);
	ops->destroy(v);
}

void rd_virtio_pause(struct rd_virtio *v)
{
	pthread_mutex_lock(&v->lock);
	/* A resume that was not carried out yet never will be. */
	v->requests &= ~REQ_RESUME;
	request(v, REQ_PAUSE);
	while (v->started && (!v->paused || v->requests & REQ_PAUSE))
		pthread_cond_wait(&v->changed, &v->lock);
	pthread_mutex_unlock(&v->lock);
}

void rd_virtio_resume(struct rd_virtio *v)
{
	pthread_mutex_lock(&v->lock);
	request(v, REQ_RESUME);
	pthread_mutex_unlock(&v->lock);
}

bool rd_virtio_restored(struct rd_virtio *v, bool ran)
{
	bool driven = v->status & VIRTIO_CONFIG_S_DRIVER_OK;

	if (ran && (!driven || !open_rings(v)))
		return false;
	v->paused = true;
	v->ran = ran;
	/* Saved between the driver's last write and the start that it asks for. */
	if (driven && !ran && !(v->status & VIRTIO_CONFIG_S_NEEDS_RESET))
		request(v, REQ_START);
	return true;
}

void rd_virtio_watch(struct rd_virtio *v, unsigned int slot, int fd, short events)
{
	v->watches[slot] = (struct pollfd){ .fd = events ? fd : -1, .events = events };
}

bool rd_virtio_interrupted(const struct rd_virtio *v)
{
	return __atomic_load_n(&v->requests, __ATOMIC_RELAXED) &
	       (REQ_RESET | REQ_PAUSE | REQ_EXIT);
}

bool rd_virtio_pending(struct rd_virtio *v, unsigned int q)
{
	return rd_virtio_ready(v, q) && !rd_virtio_interrupted(v) &&
	       rd_virtq_pending(&v->queues[q].ring);
}

bool rd_virtio_pop(struct rd_virtio *v, unsigned int q, struct rd_chain *c)
{
	struct rd_virtq *ring = &v->queues[q].ring;

	if (!rd_virtio_ready(v, q) || rd_virtio_interrupted(v))
		return false;
	if (rd_virtq_pop(ring, c))
		return true;
	if (ring->broken)
		rd_virtio_broken(v, "broke a queue");
	return false;
}

void rd_virtio_signal(struct rd_virtio *v, unsigned int q)
{
	struct rd_virtio_queue *queue = &v->queues[q];

	if (rd_virtq_wants_irq(&queue->ring))
		v->transport.interrupt(v->transport.ctx,
				       __atomic_load_n(&queue->vector, __ATOMIC_RELAXED));
}

void rd_virtio_set_config(struct rd_virtio *v, unsigned int off, const void *from,
			  unsigned int len)
{
	pthread_mutex_lock(&v->lock);
	memcpy(v->config + off, from, len);
	v->generation++;
	if (v->status & VIRTIO_CONFIG_S_DRIVER_OK) {
		v->isr |= 2;
		v->transport.interrupt(v->transport.ctx, v->config_vector);
	}
	pthread_mutex_unlock(&v->lock);
}

uint8_t rd_virtio_status(struct rd_virtio *v)
{
	return __atomic_load_n(&v->status, __ATOMIC_ACQUIRE);
}

/*
 * FEATURES_OK stays only if the driver accepted nothing that was not offered, and is a modern
 * driver. DRIVER_OK without it starts nothing.
 */
void rd_virtio_set_status(struct rd_virtio *v, uint8_t status)
{
	bool was_ok;

	pthread_mutex_lock(&v->lock);
	was_ok = v->status & VIRTIO_CONFIG_S_DRIVER_OK;
	if (!status) {
		if (v->status)
			request(v, REQ_RESET);
	} else if (!(v->requests & REQ_RESET)) {
		if (status & VIRTIO_CONFIG_S_FEATURES_OK &&
		    (v->driver_features & ~v->features ||
		     !rd_virtio_negotiated(v, VIRTIO_F_VERSION_1)))
			status &= (uint8_t)~VIRTIO_CONFIG_S_FEATURES_OK;
		if (!(status & VIRTIO_CONFIG_S_FEATURES_OK))
			status &= (uint8_t)~VIRTIO_CONFIG_S_DRIVER_OK;
		/* Bits once set stay until the reset. */
		status |= v->status;
		__atomic_store_n(&v->status, status, __ATOMIC_RELEASE);
		if (status & VIRTIO_CONFIG_S_DRIVER_OK && !was_ok)
			request(v, REQ_START);
	}
	pthread_mutex_unlock(&v->lock);
}

struct rd_virtio_queue *rd_virtio_selected(struct rd_virtio *v, bool to_change)
{
	struct rd_virtio_queue *q;

	if (v->queue_select >= v->n_queues)
		return NULL;
	q = &v->queues[v->queue_select];
	if (to_change && (q->enabled || v->status & VIRTIO_CONFIG_S_DRIVER_OK ||
			  v->requests & REQ_RESET))
		return NULL;
	return q;
}

void rd_virtio_config_read(struct rd_virtio *v, unsigned int off, void *to, unsigned int len)
{
	memset(to, 0, len);
	if (off >= v->config_len)
		return;
	pthread_mutex_lock(&v->lock);
	memcpy(to, v->config + off, len < v->config_len - off ? len : v->config_len - off);
	pthread_mutex_unlock(&v->lock);
}

void rd_virtio_config_write(struct rd_virtio *v, unsigned int off, const void *from,
			    unsigned int len)
{
	const uint8_t *byte = from;

	if (off >= v->config_len || len > v->config_len - off)
		return;
	pthread_mutex_lock(&v->lock);
	for (unsigned int i = 0; i < len; i++) {
		uint8_t mask = v->config_writable[off + i];

		v->config[off + i] = (uint8_t)((v->config[off + i] & ~mask) | (byte[i] & mask));
	}
	if (v->ops->config_written)
		v->ops->config_written(v, off, len);
	pthread_mutex_unlock(&v->lock);
}

void rd_virtio_notify(struct rd_virtio *v, unsigned int q)
{
	if (q < v->n_queues)
		signal_fd(v->queues[q].kick_fd);
}
