// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio entropy device: the host's random numbers, as many as the guest asks for. One request is
 * served up to a limit, so that a guest that asks for all its memory does not get the thread for
 * itself.
 */
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <errno.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <sys/random.h>

#define QUEUE_SIZE 64u
#define PARTS 16u
#define REQUEST_MAX 4096u

struct rng {
	struct rd_virtio_slot slot;
};

static uint32_t fill(const struct rd_chain *c)
{
	uint8_t bytes[REQUEST_MAX];
	size_t want = c->in_len < sizeof(bytes) ? c->in_len : sizeof(bytes);
	ssize_t got;

	/* The driver counts on a byte at least: a signal between two requests is no reason. */
	do {
		got = getrandom(bytes, want, 0);
	} while (got < 0 && errno == EINTR);
	return got > 0 ? (uint32_t)rd_chain_write(c, 0, bytes, (size_t)got) : 0;
}

static void rng_kick(struct rd_virtio *v, unsigned int q)
{
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };

	do {
		rd_virtq_ask_kicks(&v->queues[q].ring, false);
		while (rd_virtio_pop(v, q, &c))
			rd_virtio_done(v, q, c.head, fill(&c));
		rd_virtq_ask_kicks(&v->queues[q].ring, true);
	} while (rd_virtio_pending(v, q));
	rd_virtio_signal(v, q);
}

static void rng_destroy(struct rd_virtio *v)
{
	free(v->dev);
}

static const struct rd_virtio_ops rng_ops = {
	.name = "virtio-rng",
	.id = VIRTIO_ID_RNG,
	.class_code = 0x00ff00,
	.kick = rng_kick,
	.destroy = rng_destroy,
	.stateless = true,
};

int rd_rng_new(const struct rd_ram *ram, struct rd_virtio_slot **out)
{
	struct rng *rng = calloc(1, sizeof(*rng));
	int status;

	if (!rng)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	status = rd_virtio_init(&rng->slot.v, &rng_ops, rng, ram, 0);
	if (!status)
		status = rd_virtio_add_queue(&rng->slot.v, QUEUE_SIZE);
	if (status)
		rd_virtio_free(&rng->slot.v);
	else
		*out = &rng->slot;
	return status;
}
