// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio block device. Requests are served by the I/O thread and, when more than one waits, by
 * helpers that are started as they are needed: whoever takes a request out of the ring carries it
 * out, so a single request changes no thread.
 *
 * `lock` guards the ring and the fields below it; it is not held during I/O.
 */
#include "tools/src/vmctl/disk.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_SIZE 256u
#define SEG_MAX (QUEUE_SIZE - 2)	/* data parts; header and status are two more */
#define PARTS (QUEUE_SIZE + 2)
#define HELPERS_MAX 7u
/* Of one request; nobody sends half as much, and the end of the machine waits for it. */
#define TRANSFER_MAX (128ull << 20)
#define RANGES_MAX 64u			/* of one discard or write-zeroes request */
#define RANGE_SECTORS_MAX (1u << 21)	/* 1 GiB: one range keeps a thread busy no longer */

#define FEATURES \
	(1ull << VIRTIO_BLK_F_SEG_MAX | 1ull << VIRTIO_BLK_F_BLK_SIZE | \
	 1ull << VIRTIO_BLK_F_FLUSH)
#define FEATURES_WRITABLE (1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES)

struct blk {
	struct rd_virtio_slot slot;
	const struct rd_disk_config *config;
	struct rd_disk disk;
	pthread_mutex_t lock;
	pthread_cond_t work;		/* a helper should look into the ring, or end */
	pthread_cond_t drained;		/* nothing is in flight */
	unsigned int n_helpers, idle, in_flight;
	bool stopping;			/* take nothing out of the ring */
	bool ending;			/* helpers end */
	pthread_t helpers[HELPERS_MAX];
};

/* A request on its way; each thread has one. */
struct request {
	struct rd_chain chain;
	struct iovec iov[PARTS];
	struct iovec data[PARTS];
	unsigned int n_data;
};

/* Set the data parts: LEN bytes of the parts FROM, after SKIP. */
static void slice(struct request *r, const struct iovec *from, unsigned int n, uint64_t skip,
		  uint64_t len)
{
	r->n_data = 0;
	for (unsigned int i = 0; i < n && len; i++) {
		uint64_t part = from[i].iov_len;

		if (skip >= part) {
			skip -= part;
			continue;
		}
		part = part - skip < len ? part - skip : len;
		r->data[r->n_data++] = (struct iovec){
			.iov_base = (uint8_t *)from[i].iov_base + skip, .iov_len = part,
		};
		len -= part;
		skip = 0;
	}
}

/* Whether LEN bytes at SECTOR are on the disk, in whole sectors. Sets the byte offset. */
static bool on_disk(const struct rd_disk *d, uint64_t sector, uint64_t len, uint64_t *off)
{
	if (sector > d->size / RD_SECTOR || len % RD_SECTOR)
		return false;
	*off = sector * RD_SECTOR;
	return len <= d->size - *off;
}

static uint8_t status_of(int err)
{
	return err ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

static uint8_t do_read(struct blk *b, struct request *r, const struct virtio_blk_outhdr *h,
		       uint32_t *written)
{
	uint64_t len = r->chain.in_len - 1, off;
	int err;

	if (len > TRANSFER_MAX || !on_disk(&b->disk, h->sector, len, &off) ||
	    !rd_chain_may_write(&r->chain, 0, len))
		return VIRTIO_BLK_S_IOERR;
	slice(r, r->iov + r->chain.n_out, r->chain.n_in, 0, len);
	err = len ? rd_disk_read(&b->disk, r->data, r->n_data, off) : 0;
	if (!err)
		*written = (uint32_t)len;
	return status_of(err);
}

/* A driver that does not know of flushes believes that what is written is on the disk. */
static int write_through(struct blk *b)
{
	return rd_virtio_negotiated(&b->slot.v, VIRTIO_BLK_F_FLUSH) ? 0 : rd_disk_flush(&b->disk);
}

static uint8_t do_write(struct blk *b, struct request *r, const struct virtio_blk_outhdr *h)
{
	uint64_t len = r->chain.out_len - sizeof(*h), off;
	int err;

	if (b->disk.read_only || len > TRANSFER_MAX || !on_disk(&b->disk, h->sector, len, &off))
		return VIRTIO_BLK_S_IOERR;
	slice(r, r->iov, r->chain.n_out, sizeof(*h), len);
	err = len ? rd_disk_write(&b->disk, r->data, r->n_data, off) : 0;
	return status_of(err ? err : write_through(b));
}

static int do_range(struct blk *b, uint32_t type, const struct virtio_blk_discard_write_zeroes *d,
		    uint64_t off)
{
	uint64_t len = (uint64_t)d->num_sectors * RD_SECTOR;

	if (!len)
		return 0;
	if (type == VIRTIO_BLK_T_DISCARD)
		return rd_disk_discard(&b->disk, off, len);
	return rd_disk_zero(&b->disk, off, len, d->flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
}

/* All ranges are checked before the first is touched. */
static uint8_t do_ranges(struct blk *b, struct request *r, const struct virtio_blk_outhdr *h)
{
	struct virtio_blk_discard_write_zeroes d[RANGES_MAX];
	uint64_t len = r->chain.out_len - sizeof(*h), off;
	uint32_t known = h->type == VIRTIO_BLK_T_DISCARD ? 0 : VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP;
	int err = 0;

	if (b->disk.read_only || !len || len > sizeof(d) || len % sizeof(d[0]))
		return VIRTIO_BLK_S_IOERR;
	rd_iov_read(r->iov, r->chain.n_out, sizeof(*h), d, len);
	for (size_t i = 0; i < len / sizeof(d[0]); i++) {
		if (d[i].flags & ~known)
			return VIRTIO_BLK_S_UNSUPP;
		if (d[i].num_sectors > RANGE_SECTORS_MAX ||
		    !on_disk(&b->disk, d[i].sector, (uint64_t)d[i].num_sectors * RD_SECTOR, &off))
			return VIRTIO_BLK_S_IOERR;
	}
	for (size_t i = 0; i < len / sizeof(d[0]) && !err; i++)
		err = do_range(b, h->type, &d[i], d[i].sector * RD_SECTOR);
	return status_of(err ? err : write_through(b));
}

static uint8_t do_get_id(struct blk *b, struct request *r, uint32_t *written)
{
	char id[VIRTIO_BLK_ID_BYTES] = { 0 };
	uint64_t room = r->chain.in_len - 1;

	memcpy(id, b->config->id, strnlen(b->config->id, sizeof(id)));
	room = room < sizeof(id) ? room : sizeof(id);
	*written = (uint32_t)rd_chain_write(&r->chain, 0, id, room);
	return *written == room ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
}

static uint8_t dispatch(struct blk *b, struct request *r, const struct virtio_blk_outhdr *h,
			uint32_t *written)
{
	switch (h->type) {
	case VIRTIO_BLK_T_IN:
		return do_read(b, r, h, written);
	case VIRTIO_BLK_T_OUT:
		return do_write(b, r, h);
	case VIRTIO_BLK_T_FLUSH:
		return status_of(rd_disk_flush(&b->disk));
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return do_ranges(b, r, h);
	case VIRTIO_BLK_T_GET_ID:
		return do_get_id(b, r, written);
	default:
		return VIRTIO_BLK_S_UNSUPP;
	}
}

/* Carry a request out, without the lock. Returns the length for the used ring. */
static uint32_t carry_out(struct blk *b, struct request *r)
{
	struct rd_chain *c = &r->chain;
	struct virtio_blk_outhdr h;
	uint32_t written = 0;
	uint8_t status = VIRTIO_BLK_S_IOERR;

	if (!c->in_len) {
		rd_virtio_broken(&b->slot.v, "sent a request without room for its status");
		return 0;
	}
	if (rd_iov_read(r->iov, c->n_out, 0, &h, sizeof(h)) == sizeof(h))
		status = dispatch(b, r, &h, &written);
	return written + (uint32_t)rd_chain_write(c, c->in_len - 1, &status, 1);
}

static void *helper(void *arg);

/* More requests wait. Caller holds the lock. */
static void call_help(struct blk *b)
{
	if (b->idle)
		pthread_cond_signal(&b->work);
	else if (b->n_helpers < HELPERS_MAX &&
		 !pthread_create(&b->helpers[b->n_helpers], NULL, helper, b))
		b->n_helpers++;
}

/* Take the next request, with notifications on only while there is none. Caller holds the lock. */
static bool take(struct blk *b, struct rd_virtq *ring, struct request *r)
{
	while (!b->stopping) {
		if (rd_virtio_pop(&b->slot.v, 0, &r->chain))
			return true;
		rd_virtq_ask_kicks(ring, true);
		if (!rd_virtio_pending(&b->slot.v, 0))
			return false;
		rd_virtq_ask_kicks(ring, false);
	}
	return false;
}

/* Serve the ring until it is empty. Caller holds the lock. */
static void serve(struct blk *b)
{
	struct rd_virtq *ring = &b->slot.v.queues[0].ring;
	struct request r = { .chain = { .iov = r.iov, .room = PARTS } };

	rd_virtq_ask_kicks(ring, false);
	while (take(b, ring, &r)) {
		uint32_t len;

		b->in_flight++;
		if (rd_virtio_pending(&b->slot.v, 0))
			call_help(b);
		pthread_mutex_unlock(&b->lock);
		len = carry_out(b, &r);
		pthread_mutex_lock(&b->lock);
		rd_virtio_done(&b->slot.v, 0, r.chain.head, len);
		rd_virtio_signal(&b->slot.v, 0);
		if (!--b->in_flight)
			pthread_cond_broadcast(&b->drained);
	}
}

static void *helper(void *arg)
{
	struct blk *b = arg;

	pthread_setname_np(pthread_self(), "virtio-blk-io");
	pthread_mutex_lock(&b->lock);
	while (!b->ending) {
		if (!b->stopping)
			serve(b);
		if (b->ending)
			break;
		b->idle++;
		pthread_cond_wait(&b->work, &b->lock);
		b->idle--;
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

static void blk_kick(struct rd_virtio *v, unsigned int q)
{
	struct blk *b = v->dev;

	(void)q;
	pthread_mutex_lock(&b->lock);
	serve(b);
	pthread_mutex_unlock(&b->lock);
}

static void blk_start(struct rd_virtio *v)
{
	struct blk *b = v->dev;

	pthread_mutex_lock(&b->lock);
	b->stopping = false;
	pthread_mutex_unlock(&b->lock);
}

static void blk_stop(struct rd_virtio *v)
{
	struct blk *b = v->dev;

	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	while (b->in_flight)
		pthread_cond_wait(&b->drained, &b->lock);
	pthread_mutex_unlock(&b->lock);
}

static void blk_destroy(struct rd_virtio *v)
{
	struct blk *b = v->dev;

	pthread_mutex_lock(&b->lock);
	b->stopping = b->ending = true;
	pthread_cond_broadcast(&b->work);
	pthread_mutex_unlock(&b->lock);
	for (unsigned int i = 0; i < b->n_helpers; i++)
		pthread_join(b->helpers[i], NULL);
	rd_disk_close(&b->disk);
	free(b);
}

static const struct rd_virtio_ops blk_ops = {
	.name = "virtio-blk",
	.id = VIRTIO_ID_BLOCK,
	.class_code = 0x018000,		/* mass storage, other */
	.start = blk_start,
	.stop = blk_stop,
	.kick = blk_kick,
	.destroy = blk_destroy,
	.stateless = true,
};

static void fill_config(struct blk *b)
{
	struct virtio_blk_config c = {
		.capacity = b->disk.size / RD_SECTOR,
		.seg_max = SEG_MAX,
		.blk_size = b->disk.block,
		.max_discard_sectors = RANGE_SECTORS_MAX,
		.max_discard_seg = RANGES_MAX,
		.discard_sector_alignment = b->disk.block / RD_SECTOR,
		.max_write_zeroes_sectors = RANGE_SECTORS_MAX,
		.max_write_zeroes_seg = RANGES_MAX,
		.write_zeroes_may_unmap = 1,
	};

	_Static_assert(sizeof(c) <= RD_VIRTIO_CONFIG_MAX, "room for the configuration");
	memcpy(b->slot.v.config, &c, sizeof(c));
	b->slot.v.features |= b->disk.read_only ? 1ull << VIRTIO_BLK_F_RO : FEATURES_WRITABLE;
	b->slot.v.config_len = sizeof(c);
}

int rd_blk_new(const struct rd_ram *ram, const struct rd_disk_config *config,
	       struct rd_virtio_slot **out)
{
	struct blk *b = calloc(1, sizeof(*b));
	int status;

	if (!b)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->work, NULL);
	pthread_cond_init(&b->drained, NULL);
	b->config = config;
	b->stopping = true;
	b->disk.fd = -1;
	status = rd_virtio_init(&b->slot.v, &blk_ops, b, ram, FEATURES);
	if (!status)
		status = rd_disk_open(&b->disk, config);
	if (!status)
		status = rd_virtio_add_queue(&b->slot.v, QUEUE_SIZE);
	if (status) {
		rd_virtio_free(&b->slot.v);
		return status;
	}
	fill_config(b);
	*out = &b->slot;
	return RD_OK;
}
