// SPDX-License-Identifier: GPL-2.0-only
/* The queue of frames between two threads: contents, room, and that no wake-up is lost. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/frames.h"
#include "tools/src/vmctl/util.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

static struct rd_frames queue;
static uint8_t in[RD_FRAME_MAX], out[RD_FRAME_MAX];

static void setup(void)
{
	ck_assert_int_eq(rd_frames_init(&queue), 0);
}

static void teardown(void)
{
	rd_frames_free(&queue);
}

static bool readable(int fd, int ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, ms) == 1;
}

static bool put(size_t len, uint8_t fill)
{
	memset(in, fill, len);
	return rd_frames_put(&queue, in, len);
}

static void get(size_t len, uint8_t fill)
{
	ck_assert_uint_eq(rd_frames_get(&queue, out, sizeof(out)), len);
	memset(in, fill, len);
	ck_assert(!memcmp(out, in, len));
}

START_TEST(frames_come_out_as_they_went_in)
{
	static const size_t lens[] = { 1, 3, 4, 5, 60, 1514, 4096, 65535, RD_FRAME_MAX };
	uint8_t fill = 0;

	/* Often enough to cross the end of the ring at many places. */
	for (unsigned int round = 0; round < 50; round++) {
		for (size_t i = 0; i < RD_ARRAY_SIZE(lens); i++)
			ck_assert(put(lens[i], (uint8_t)(fill + i)));
		for (size_t i = 0; i < RD_ARRAY_SIZE(lens); i++)
			get(lens[i], (uint8_t)(fill + i));
		get(0, 0);
		fill += 9;
	}
}
END_TEST

START_TEST(frame_is_cut_to_the_room)
{
	ck_assert(put(1000, 7) && put(20, 8));
	memset(out, 0, sizeof(out));
	ck_assert_uint_eq(rd_frames_get(&queue, out, 100), 100);
	ck_assert_uint_eq(out[99], 7);
	ck_assert_uint_eq(out[100], 0);
	get(20, 8);
}
END_TEST

START_TEST(consumer_is_told_of_what_was_flushed)
{
	rd_frames_flush(&queue);
	ck_assert(!readable(queue.data_fd, 0));
	ck_assert(put(60, 1) && put(60, 2));
	ck_assert(!readable(queue.data_fd, 0));
	rd_frames_flush(&queue);
	ck_assert(readable(queue.data_fd, 0));
	get(60, 1);
	/* A consumer that stops here is told again. */
	ck_assert(readable(queue.data_fd, 0));
	get(60, 2);
	get(0, 0);
	ck_assert(!readable(queue.data_fd, 0));
}
END_TEST

START_TEST(producer_is_told_of_room)
{
	eventfd_t count;
	unsigned int n = 0;

	while (put(1514, (uint8_t)n))
		n++;
	ck_assert_uint_gt(n, 600);
	ck_assert(!rd_frames_half_empty(&queue));
	ck_assert(!readable(queue.room_fd, 0));
	for (unsigned int i = 0; i < n / 2; i++)
		get(1514, (uint8_t)i);
	ck_assert(!readable(queue.room_fd, 0));
	for (unsigned int i = n / 2; i < n; i++)
		get(1514, (uint8_t)i);
	ck_assert(readable(queue.room_fd, 0));
	ck_assert(rd_frames_half_empty(&queue) && put(60, 1));
	/* Nobody asked this time. */
	ck_assert_int_eq(eventfd_read(queue.room_fd, &count), 0);
	get(60, 1);
	ck_assert(!readable(queue.room_fd, 0));
}
END_TEST

enum { STREAM = 200000, PATIENCE_MS = 20000 };

static size_t stream_len(uint32_t i)
{
	uint32_t x = i * 2654435761u;

	return 4 + (x >> 24 ? x >> 21 : x >> 8 & 0xffff) % (RD_FRAME_MAX - 4);
}

static void *produce(void *arg)
{
	static uint8_t frame[RD_FRAME_MAX];

	for (uint32_t i = 0; i < STREAM; i++) {
		memcpy(frame, &i, sizeof(i));
		while (!rd_frames_put(&queue, frame, stream_len(i))) {
			rd_frames_flush(&queue);
			if (!readable(queue.room_fd, PATIENCE_MS))
				return "no news of room";
		}
		if (!(i % 17) || i + 1 == STREAM)
			rd_frames_flush(&queue);
	}
	return arg;
}

/* Both sleep whenever they can, so a lost wake-up shows as a time-out. */
START_TEST(two_threads)
{
	pthread_t producer;
	void *failed;

	ck_assert_int_eq(pthread_create(&producer, NULL, produce, NULL), 0);
	for (uint32_t i = 0, got; i < STREAM; i++) {
		size_t len;

		while (!(len = rd_frames_get(&queue, out, sizeof(out))))
			ck_assert_msg(readable(queue.data_fd, PATIENCE_MS), "no news of %u", i);
		memcpy(&got, out, sizeof(got));
		ck_assert_uint_eq(got, i);
		ck_assert_uint_eq(len, stream_len(i));
	}
	pthread_join(producer, &failed);
	ck_assert_msg(!failed, "%s", (char *)failed);
}
END_TEST

TCase *frames_case(void)
{
	TCase *c = tcase_create("frames");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, frames_come_out_as_they_went_in);
	tcase_add_test(c, frame_is_cut_to_the_room);
	tcase_add_test(c, consumer_is_told_of_what_was_flushed);
	tcase_add_test(c, producer_is_told_of_room);
	tcase_add_test(c, two_threads);
	return c;
}
