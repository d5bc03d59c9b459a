// SPDX-License-Identifier: GPL-2.0-only
/*
 * virtio memory balloon: gives pages that the guest hands over, or reports free, back to the host.
 * They come back as zeros when the guest touches them again.
 *
 * Which queue is which depends on what the driver accepted, so it is found out at each start.
 */
#include "tools/src/vmctl/balloon.h"

#include "tools/src/vmctl/pack.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <linux/virtio_balloon.h>
#include <linux/virtio_ids.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define QUEUE_SIZE 128u
#define PARTS 128u
#define PAGE 4096ull
#define PAGE_SHIFT VIRTIO_BALLOON_PFN_SHIFT
#define PFNS 256u		/* of one request, copied out at a time */
#define INFLATE_LEN_MAX (1u << 16)	/* of a request; drivers send 1 KiB */
#define STATS_LEN 1024u
#define WATCH_ASK 0u

#define FEATURES \
	(1ull << VIRTIO_BALLOON_F_STATS_VQ | 1ull << VIRTIO_BALLOON_F_DEFLATE_ON_OOM | \
	 1ull << VIRTIO_BALLOON_F_PAGE_POISON | 1ull << VIRTIO_BALLOON_F_REPORTING)

enum role { INFLATE, DEFLATE, STATS, REPORTING, ROLES };

struct balloon {
	struct rd_virtio_slot slot;
	enum role roles[ROLES];		/* of the queues */
	int ask_fd;			/* eventfd: somebody wants new statistics */
	bool holds_stats;		/* the driver's buffer is here: returning it asks */
	uint16_t stats_head;
	pthread_mutex_t lock;		/* guards what follows; innermost */
	uint64_t reported;
	uint32_t known;
	uint64_t stats[RD_BALLOON_STATS];
	struct timespec stats_at;
};

static void give_back(const struct rd_virtio *v, uint64_t gpa, uint64_t len)
{
	void *host = rd_ram_range(v->ram, gpa, len);

	/*
	 * What a guest names beyond its memory is nothing to give back; and a page that is given
	 * back is zero afterwards, which is a way to write to it.
	 */
	if (host && rd_ram_may_write(v->ram, host, len))
		(void)madvise(host, len, MADV_DONTNEED);
}

/* Pages come one by one, mostly neighbours in either direction: gather them. */
struct run {
	uint64_t first, end;	/* page frame numbers */
};

static void add_page(const struct rd_virtio *v, struct run *r, uint64_t pfn)
{
	if (pfn == r->end) {
		r->end++;
	} else if (pfn + 1 == r->first) {
		r->first--;
	} else {
		give_back(v, r->first << PAGE_SHIFT, (r->end - r->first) << PAGE_SHIFT);
		*r = (struct run){ pfn, pfn + 1 };
	}
}

static void inflate(struct balloon *b, const struct rd_chain *c)
{
	struct run run = { 0, 0 };
	uint32_t pfns[PFNS];
	size_t off = 0, n;

	do {
		n = rd_iov_read(c->iov, c->n_out, off, pfns, sizeof(pfns));
		for (size_t i = 0; i < n / sizeof(pfns[0]); i++)
			add_page(&b->slot.v, &run, pfns[i]);
		off += n;
	} while (n == sizeof(pfns) && off < INFLATE_LEN_MAX);
	give_back(&b->slot.v, run.first << PAGE_SHIFT, (run.end - run.first) << PAGE_SHIFT);
}

static uint32_t poison(struct balloon *b)
{
	uint32_t value = 0;

	if (rd_virtio_negotiated(&b->slot.v, VIRTIO_BALLOON_F_PAGE_POISON))
		rd_virtio_config_read(&b->slot.v,
				      offsetof(struct virtio_balloon_config, poison_val), &value,
				      sizeof(value));
	return value;
}

/* Whole pages of the parts. A guest that wants to find its own pattern there keeps its pages. */
static void report(struct balloon *b, const struct rd_chain *c)
{
	uint64_t total = 0;

	if (poison(b))
		return;
	for (unsigned int i = c->n_out; i < c->n_out + c->n_in; i++) {
		uintptr_t start = rd_align_up((uintptr_t)c->iov[i].iov_base, PAGE);
		uintptr_t end = rd_align_down((uintptr_t)c->iov[i].iov_base + c->iov[i].iov_len,
					      PAGE);

		if (start < end && rd_ram_may_write(c->ram, (void *)start, end - start) &&
		    !madvise((void *)start, end - start, MADV_DONTNEED))
			total += end - start;
	}
	pthread_mutex_lock(&b->lock);
	b->reported += total;
	pthread_mutex_unlock(&b->lock);
}

static void take_stats(struct balloon *b, const struct rd_chain *c)
{
	struct virtio_balloon_stat s[STATS_LEN / sizeof(struct virtio_balloon_stat)];
	size_t n = rd_iov_read(c->iov, c->n_out, 0, s, sizeof(s)) / sizeof(s[0]);

	pthread_mutex_lock(&b->lock);
	for (size_t i = 0; i < n; i++) {
		if (s[i].tag >= RD_BALLOON_STATS)
			continue;
		b->stats[s[i].tag] = s[i].val;
		b->known |= 1u << s[i].tag;
	}
	clock_gettime(CLOCK_MONOTONIC, &b->stats_at);
	pthread_mutex_unlock(&b->lock);
}

/* The statistics buffer stays here until somebody asks: returning it is the question. */
static void serve_stats(struct balloon *b, unsigned int q)
{
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };

	while (rd_virtio_pop(&b->slot.v, q, &c)) {
		take_stats(b, &c);
		if (b->holds_stats)
			rd_virtio_done(&b->slot.v, q, b->stats_head, 0);
		b->stats_head = c.head;
		b->holds_stats = true;
	}
}

static void serve(struct balloon *b, unsigned int q)
{
	struct rd_virtio *v = &b->slot.v;
	struct rd_virtq *ring = &v->queues[q].ring;
	struct iovec iov[PARTS];
	struct rd_chain c = { .iov = iov, .room = PARTS };

	do {
		rd_virtq_ask_kicks(ring, false);
		while (rd_virtio_pop(v, q, &c)) {
			if (b->roles[q] == INFLATE)
				inflate(b, &c);
			else if (b->roles[q] == REPORTING)
				report(b, &c);
			rd_virtio_done(v, q, c.head, 0);
		}
		rd_virtq_ask_kicks(ring, true);
	} while (rd_virtio_pending(v, q));
	rd_virtio_signal(v, q);
}

static void balloon_kick(struct rd_virtio *v, unsigned int q)
{
	struct balloon *b = v->dev;

	if (b->roles[q] == STATS)
		serve_stats(b, q);
	else if (b->roles[q] < ROLES)
		serve(b, q);
}

static void balloon_event(struct rd_virtio *v, unsigned int slot, short revents)
{
	struct balloon *b = v->dev;
	uint64_t count;

	(void)slot;
	(void)revents;
	if (read(b->ask_fd, &count, sizeof(count)) < 0 || !b->holds_stats)
		return;
	for (unsigned int q = 0; q < v->n_queues; q++) {
		if (b->roles[q] != STATS)
			continue;
		b->holds_stats = false;
		rd_virtio_done(v, q, b->stats_head, 0);
		rd_virtio_signal(v, q);
	}
}

static void balloon_start(struct rd_virtio *v)
{
	struct balloon *b = v->dev;
	unsigned int q = 2;

	b->roles[0] = INFLATE;
	b->roles[1] = DEFLATE;
	b->roles[2] = b->roles[3] = ROLES;
	if (rd_virtio_negotiated(v, VIRTIO_BALLOON_F_STATS_VQ))
		b->roles[q++] = STATS;
	if (rd_virtio_negotiated(v, VIRTIO_BALLOON_F_REPORTING))
		b->roles[q++] = REPORTING;
	if (v->fresh)
		b->holds_stats = false;
	rd_virtio_watch(v, WATCH_ASK, b->ask_fd, POLLIN);
}

/* Counters and statistics begin anew, as the guest will be asked again. */
static void balloon_transfer(struct rd_virtio *v, struct rd_pack *p)
{
	struct balloon *b = v->dev;

	rd_pack_bool(p, &b->holds_stats);
	rd_pack_u16(p, &b->stats_head);
	if (b->stats_head >= QUEUE_SIZE)
		p->bad = true;
}

static void balloon_destroy(struct rd_virtio *v)
{
	struct balloon *b = v->dev;

	if (b->ask_fd >= 0)
		close(b->ask_fd);
	free(b);
}

static const struct rd_virtio_ops balloon_ops = {
	.name = "virtio-balloon",
	.id = VIRTIO_ID_BALLOON,
	.class_code = 0x00ff00,
	.start = balloon_start,
	.kick = balloon_kick,
	.event = balloon_event,
	.transfer = balloon_transfer,
	.destroy = balloon_destroy,
};

void rd_balloon_set(struct rd_virtio *v, uint64_t bytes)
{
	uint64_t pages;
	uint32_t num;

	if (bytes < PAGE)
		bytes = PAGE;
	pages = bytes < v->ram->size ? (v->ram->size - bytes) >> PAGE_SHIFT : 0;
	num = pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;
	rd_virtio_set_config(v, offsetof(struct virtio_balloon_config, num_pages), &num,
			     sizeof(num));
}

static int64_t age_ms(const struct balloon *b)
{
	struct timespec now;

	if (!b->stats_at.tv_sec && !b->stats_at.tv_nsec)
		return -1;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - b->stats_at.tv_sec) * 1000 +
	       (now.tv_nsec - b->stats_at.tv_nsec) / 1000000;
}

/* Bytes that are left when PAGES are in the balloon; the guest says how many it thinks. */
static uint64_t left(const struct rd_virtio *v, uint32_t pages)
{
	uint64_t in = (uint64_t)pages << PAGE_SHIFT;

	return in < v->ram->size ? v->ram->size - in : 0;
}

void rd_balloon_get(struct rd_virtio *v, struct rd_balloon_info *info)
{
	struct balloon *b = v->dev;
	struct virtio_balloon_config c;
	uint64_t one = 1;

	memset(info, 0, sizeof(*info));
	rd_virtio_config_read(v, 0, &c, sizeof(c));
	info->active = rd_virtio_status(v) & 4;		/* VIRTIO_CONFIG_S_DRIVER_OK */
	info->target = left(v, c.num_pages);
	info->actual = left(v, c.actual);
	pthread_mutex_lock(&b->lock);
	info->reported = b->reported;
	info->known = b->known;
	memcpy(info->stats, b->stats, sizeof(info->stats));
	info->age_ms = age_ms(b);
	pthread_mutex_unlock(&b->lock);
	/* Fails only when the counter is full: then somebody asked already. */
	if (write(b->ask_fd, &one, sizeof(one)) < 0)
		return;
}

const char *rd_balloon_stat_name(unsigned int tag)
{
	static const char *const names[] = {
		[VIRTIO_BALLOON_S_SWAP_IN] = "swap_in",
		[VIRTIO_BALLOON_S_SWAP_OUT] = "swap_out",
		[VIRTIO_BALLOON_S_MAJFLT] = "major_faults",
		[VIRTIO_BALLOON_S_MINFLT] = "minor_faults",
		[VIRTIO_BALLOON_S_MEMFREE] = "free",
		[VIRTIO_BALLOON_S_MEMTOT] = "total",
		[VIRTIO_BALLOON_S_AVAIL] = "available",
		[VIRTIO_BALLOON_S_CACHES] = "caches",
		[VIRTIO_BALLOON_S_HTLB_PGALLOC] = "huge_pages_taken",
		[VIRTIO_BALLOON_S_HTLB_PGFAIL] = "huge_pages_failed",
	};

	return tag < RD_ARRAY_SIZE(names) ? names[tag] : NULL;
}

int rd_balloon_new(const struct rd_ram *ram, struct rd_virtio_slot **out)
{
	struct balloon *b = calloc(1, sizeof(*b));
	int status;

	if (!b)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	pthread_mutex_init(&b->lock, NULL);
	b->ask_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	status = rd_virtio_init(&b->slot.v, &balloon_ops, b, ram, FEATURES);
	if (!status && b->ask_fd < 0)
		status = rd_fail(RD_HOST_ERROR, "no eventfd is left");
	for (unsigned int i = 0; i < ROLES && !status; i++)
		status = rd_virtio_add_queue(&b->slot.v, QUEUE_SIZE);
	if (status) {
		rd_virtio_free(&b->slot.v);
		return status;
	}
	b->slot.v.live = (struct rd_virtio_live){
		offsetof(struct virtio_balloon_config, num_pages), sizeof(__le32),
	};
	b->slot.v.config_len = sizeof(struct virtio_balloon_config);
	memset(b->slot.v.config_writable + offsetof(struct virtio_balloon_config, actual), 0xff, 4);
	memset(b->slot.v.config_writable + offsetof(struct virtio_balloon_config, poison_val), 0xff,
	       4);
	*out = &b->slot;
	return RD_OK;
}
