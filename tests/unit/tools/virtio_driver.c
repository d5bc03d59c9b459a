// SPDX-License-Identifier: GPL-2.0-only
/* The rings of queue q lie in 8 KiB at q × 8 KiB. */
#include "tests/unit/tools/virtio_driver.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define QUEUE_LEN 0x2000u
#define AVAIL_OFF 0x800u
#define USED_OFF 0x1000u
#define GUARD 4096u
#define MAP_LEN (DRIVER_RAM_LEN + 2 * GUARD)
#define STEP_MS 2
#define STEPS_MAX 1000

static void interrupt(void *ctx, uint16_t vector)
{
	struct driver *d = ctx;

	if (vector <= RD_VIRTIO_QUEUES_MAX)
		__atomic_fetch_add(&d->interrupts[vector], 1, __ATOMIC_RELAXED);
}

void driver_memory(struct driver *d)
{
	memset(d, 0, sizeof(*d));
	/* Between pages that nobody may touch. */
	d->ram.map = mmap(NULL, MAP_LEN, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	d->ram.host = (uint8_t *)d->ram.map + GUARD;
	mprotect(d->ram.host, DRIVER_RAM_LEN, PROT_READ | PROT_WRITE);
	d->ram.size = d->ram.low_size = DRIVER_RAM_LEN;
}

void *driver_at(struct driver *d, uint64_t gpa)
{
	return d->ram.host + gpa;
}

void driver_bind(struct driver *d, struct rd_virtio *v, uint64_t features)
{
	d->v = v;
	v->transport = (struct rd_virtio_transport){ .interrupt = interrupt, .ctx = d };
	v->driver_features = (features & v->features) | 1ull << VIRTIO_F_VERSION_1;
	v->config_vector = RD_VIRTIO_QUEUES_MAX;
	memset(d->ram.host, 0, DRIVER_DATA);
	memset(d->next, 0, sizeof(d->next));
	for (unsigned int i = 0; i < v->n_queues; i++) {
		struct rd_virtio_queue *q = &v->queues[i];

		q->desc = i * QUEUE_LEN;
		q->avail = q->desc + AVAIL_OFF;
		q->used = q->desc + USED_OFF;
		q->size = DRIVER_QUEUE_SIZE;
		q->vector = (uint16_t)i;
		q->enabled = true;
	}
	rd_virtio_set_status(v, 0xf);
	rd_virtio_poll(v, STEP_MS);
}

void driver_reset(struct driver *d)
{
	rd_virtio_set_status(d->v, 0);
	while (rd_virtio_status(d->v))
		rd_virtio_poll(d->v, STEP_MS);
}

void driver_free(struct driver *d)
{
	if (d->v)
		rd_virtio_free(d->v);
	munmap(d->ram.map, MAP_LEN);
	memset(d, 0, sizeof(*d));
}

uint16_t driver_send(struct driver *d, unsigned int q, const struct driver_part *p,
		     unsigned int n)
{
	struct vring_desc *desc = driver_at(d, q * QUEUE_LEN);
	struct vring_avail *avail = driver_at(d, q * QUEUE_LEN + AVAIL_OFF);
	uint16_t head = d->next[q];

	for (unsigned int i = 0; i < n; i++) {
		uint16_t next = (uint16_t)((d->next[q] + 1) % DRIVER_QUEUE_SIZE);

		desc[d->next[q]] = (struct vring_desc){
			.addr = p[i].gpa, .len = p[i].len, .next = next,
			.flags = (uint16_t)((p[i].in ? VRING_DESC_F_WRITE : 0) |
					    (i + 1 < n ? VRING_DESC_F_NEXT : 0)),
		};
		d->next[q] = next;
	}
	avail->ring[avail->idx % DRIVER_QUEUE_SIZE] = head;
	__atomic_store_n(&avail->idx, avail->idx + 1, __ATOMIC_RELEASE);
	rd_virtio_notify(d->v, q);
	return head;
}

unsigned int driver_used(struct driver *d, unsigned int q, unsigned int n)
{
	struct vring_used *used = driver_at(d, q * QUEUE_LEN + USED_OFF);

	for (unsigned int i = 0; i < STEPS_MAX; i++) {
		if (__atomic_load_n(&used->idx, __ATOMIC_ACQUIRE) >= n)
			break;
		rd_virtio_poll(d->v, STEP_MS);
	}
	return used->idx;
}

uint32_t driver_used_len(struct driver *d, unsigned int q, unsigned int i)
{
	struct vring_used *used = driver_at(d, q * QUEUE_LEN + USED_OFF);

	return used->ring[i % DRIVER_QUEUE_SIZE].len;
}
