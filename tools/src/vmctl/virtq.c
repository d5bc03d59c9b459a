// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsing of split virtqueues. Every loop here is bounded by a number that the guest cannot
 * change while it runs.
 */
#include "tools/src/vmctl/virtq.h"

#include <linux/virtio_ring.h>
#include <string.h>

#define LOAD(p) __atomic_load_n(&(p), __ATOMIC_RELAXED)
#define STORE(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELAXED)

/* The driver's wish in event-index mode, after the available ring. */
static uint16_t *used_event(const struct rd_virtq *q)
{
	return &q->avail->ring[q->size];
}

/* The device's wish, after the used ring. */
static uint16_t *avail_event(const struct rd_virtq *q)
{
	return (uint16_t *)(void *)&q->used->ring[q->size];
}

static void *ring_at(const struct rd_ram *ram, uint64_t gpa, uint64_t len, uint64_t align)
{
	return gpa & (align - 1) ? NULL : rd_ram_range(ram, gpa, len);
}

bool rd_virtq_setup(struct rd_virtq *q, const struct rd_ram *ram,
		    const struct rd_virtq_layout *layout)
{
	uint64_t n = layout->size;

	memset(q, 0, sizeof(*q));
	q->broken = true;
	if (!n || n & (n - 1) || n > RD_VIRTQ_SIZE_MAX)
		return false;
	q->ram = ram;
	q->size = layout->size;
	q->event_idx = layout->event_idx;
	q->indirect = layout->indirect;
	q->desc = ring_at(ram, layout->desc, n * sizeof(*q->desc), VRING_DESC_ALIGN_SIZE);
	q->avail = ring_at(ram, layout->avail, sizeof(*q->avail) + n * 2 + 2,
			   VRING_AVAIL_ALIGN_SIZE);
	q->used = ring_at(ram, layout->used, sizeof(*q->used) + n * sizeof(q->used->ring[0]) + 2,
			  VRING_USED_ALIGN_SIZE);
	q->broken = !q->desc || !q->avail || !q->used;
	return !q->broken;
}

/* How many chains wait; a number that the ring cannot hold breaks the queue. */
static uint16_t waiting(struct rd_virtq *q)
{
	uint16_t n;

	if (q->broken)
		return 0;
	n = (uint16_t)(__atomic_load_n(&q->avail->idx, __ATOMIC_ACQUIRE) - q->last_avail);
	if (n <= q->size)
		return n;
	q->broken = true;
	return 0;
}

bool rd_virtq_pending(struct rd_virtq *q)
{
	return waiting(q) != 0;
}

/* Append one buffer. Empty ones are legal and carry nothing. */
static bool add_part(struct rd_virtq *q, struct rd_chain *c, const struct vring_desc *d)
{
	bool in = d->flags & VRING_DESC_F_WRITE;
	void *host;

	if (!d->len)
		return true;
	host = rd_ram_range(q->ram, d->addr, d->len);
	if (!host || c->n_out + c->n_in == c->room || (!in && c->n_in))
		return false;
	c->iov[c->n_out + c->n_in] = (struct iovec){ .iov_base = host, .iov_len = d->len };
	if (in) {
		c->n_in++;
		c->in_len += d->len;
	} else {
		c->n_out++;
		c->out_len += d->len;
	}
	return true;
}

/* A table of descriptors and where to start in it. */
struct table {
	const struct vring_desc *desc;
	uint32_t count;
	bool indirect;
};

static bool walk(struct rd_virtq *q, struct rd_chain *c, struct table t, uint16_t next);

static bool walk_indirect(struct rd_virtq *q, struct rd_chain *c, const struct vring_desc *d)
{
	struct table t = { .count = d->len / sizeof(*d), .indirect = true };

	if (!q->indirect || !d->len || d->len % sizeof(*d) || d->flags & VRING_DESC_F_NEXT)
		return false;
	t.desc = rd_ram_range(q->ram, d->addr, d->len);
	return t.desc && walk(q, c, t, 0);
}

/*
 * A chain visits no entry of its table twice: more steps than entries are a loop. An indirect table
 * may be as long as memory, a chain may not: empty entries would keep the thread here.
 */
static bool walk(struct rd_virtq *q, struct rd_chain *c, struct table t, uint16_t next)
{
	uint32_t steps = t.count < RD_VIRTQ_SIZE_MAX ? t.count : RD_VIRTQ_SIZE_MAX;

	for (uint32_t step = 0; step < steps; step++) {
		struct vring_desc d;

		if (next >= t.count)
			return false;
		memcpy(&d, &t.desc[next], sizeof(d));
		__atomic_signal_fence(__ATOMIC_SEQ_CST);	/* from here on the copy is used */
		if (d.flags & VRING_DESC_F_INDIRECT)
			return !t.indirect && walk_indirect(q, c, &d);
		if (!add_part(q, c, &d))
			return false;
		if (!(d.flags & VRING_DESC_F_NEXT))
			return true;
		next = d.next;
	}
	return false;
}

bool rd_virtq_pop(struct rd_virtq *q, struct rd_chain *c)
{
	struct table t = { .desc = q->desc, .count = q->size };

	if (!waiting(q))
		return false;
	c->ram = q->ram;
	c->n_out = c->n_in = 0;
	c->out_len = c->in_len = 0;
	c->head = LOAD(q->avail->ring[q->last_avail & (q->size - 1)]);
	if (c->head >= q->size || !walk(q, c, t, c->head)) {
		q->broken = true;
		return false;
	}
	q->last_avail++;
	return true;
}

void rd_virtq_unpop(struct rd_virtq *q)
{
	q->last_avail--;
}

static bool may_store(const struct rd_virtq *q, const void *at, size_t len)
{
	return rd_ram_may_write(q->ram, at, len);
}

void rd_virtq_push(struct rd_virtq *q, uint16_t head, uint32_t len)
{
	struct vring_used_elem *e;

	if (q->broken)
		return;
	e = &q->used->ring[q->used_idx & (q->size - 1)];
	if (!may_store(q, e, sizeof(*e)) || !may_store(q, &q->used->idx, sizeof(q->used->idx))) {
		q->broken = true;
		return;
	}
	STORE(e->id, (uint32_t)head);
	STORE(e->len, len);
	q->used_idx++;
	__atomic_store_n(&q->used->idx, q->used_idx, __ATOMIC_RELEASE);
}

bool rd_virtq_wants_irq(struct rd_virtq *q)
{
	uint16_t old = q->signalled;

	if (q->broken || q->used_idx == old)
		return false;
	/* The driver writes its wish and then reads the index; so here the other way round. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	q->signalled = q->used_idx;
	if (!q->event_idx)
		return !(LOAD(q->avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(LOAD(*used_event(q)), q->used_idx, old);
}

/* A wish that must not be written is not: it lies beside what rd_virtq_push() will stumble over. */
void rd_virtq_ask_kicks(struct rd_virtq *q, bool on)
{
	if (q->broken)
		return;
	if (!q->event_idx) {
		if (may_store(q, &q->used->flags, sizeof(q->used->flags)))
			STORE(q->used->flags, (uint16_t)(on ? 0 : VRING_USED_F_NO_NOTIFY));
	} else if (on && may_store(q, avail_event(q), sizeof(*avail_event(q)))) {
		STORE(*avail_event(q), q->last_avail);
	}
	if (on)
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Copy between parts and a buffer; FROM is NULL when the parts are the source. */
static size_t copy(const struct iovec *iov, unsigned int n, size_t off, void *to, const void *from,
		   size_t len)
{
	size_t done = 0;

	for (unsigned int i = 0; i < n && done < len; i++) {
		size_t part = iov[i].iov_len;
		uint8_t *guest = iov[i].iov_base;

		if (off >= part) {
			off -= part;
			continue;
		}
		part = part - off < len - done ? part - off : len - done;
		if (from)
			memcpy(guest + off, (const uint8_t *)from + done, part);
		else
			memcpy((uint8_t *)to + done, guest + off, part);
		done += part;
		off = 0;
	}
	return done;
}

size_t rd_iov_read(const struct iovec *iov, unsigned int n, size_t off, void *to, size_t len)
{
	return copy(iov, n, off, to, NULL, len);
}

bool rd_chain_may_write(const struct rd_chain *c, size_t off, size_t len)
{
	for (unsigned int i = c->n_out; i < c->n_out + c->n_in && len; i++) {
		size_t part = c->iov[i].iov_len;

		if (off >= part) {
			off -= part;
			continue;
		}
		part = part - off < len ? part - off : len;
		if (!rd_ram_may_write(c->ram, (const uint8_t *)c->iov[i].iov_base + off, part))
			return false;
		len -= part;
		off = 0;
	}
	return true;
}

size_t rd_chain_write(const struct rd_chain *c, size_t off, const void *from, size_t len)
{
	if (!rd_chain_may_write(c, off, len))
		return 0;
	return copy(c->iov + c->n_out, c->n_in, off, NULL, from, len);
}
