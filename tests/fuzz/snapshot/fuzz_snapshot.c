// SPDX-License-Identifier: GPL-2.0-only
/*
 * Snapshot files: that of a small machine with parts missing, doubled, in another order or with
 * bytes changed under good checksums; and files that are damaged as they lie on a disk.
 * Invariant checked: no crash, and a machine that was restored goes on: its devices serve their
 * queues, wherever the file says these are, and can be saved again.
 */
#include "tests/fuzz/input.h"
#include "tests/fuzz/snapshot/machine.h"
#include "tools/src/vmctl/restore.h"
#include "tools/src/vmctl/snapshot.h"
#include "tools/src/vmctl/util.h"

#include <sys/mman.h>
#include <unistd.h>

#define SECTIONS_MAX 32u
#define PAYLOAD_MAX 16384u

struct part {
	enum rd_section_type type;
	uint32_t instance;
	size_t len;
	uint8_t *data;
};

static struct part good[SECTIONS_MAX];
static unsigned int n_good;
static char message[256];

/* What the machine itself writes, in parts. */
static void take_apart(FILE *file)
{
	struct rd_section s;
	struct rd_stream stream;

	if (rd_stream_open(&stream, file, "good"))
		fuzz_die(message);
	while (n_good < SECTIONS_MAX) {
		struct part *p = &good[n_good];

		if (rd_stream_next(&stream, &s))
			fuzz_die(message);
		if (s.type == RD_SECTION_END)
			break;
		if (s.len > PAYLOAD_MAX)
			fuzz_die("a part is longer than was thought");
		*p = (struct part){ s.type, s.instance, s.len, malloc(s.len + 1) };
		memcpy(p->data, s.data, s.len);
		n_good++;
	}
	rd_stream_close(&stream);
}

static void setup(void)
{
	struct rd_snapshot snap;
	size_t len = 0;
	char *image = NULL;
	FILE *file = open_memstream(&image, &len);

	machine_make();
	memset(box.m.ram.host + 0x2000, 0x5a, 0x1000);
	rd_snapshot_init(&snap);
	snap.machine = &box.m;
	snprintf(snap.name, sizeof(snap.name), "vm");
	if (rd_snapshot_write(&snap, file))
		fuzz_die(message);
	fclose(file);
	machine_drop();
	file = fmemopen(image, len, "r");
	take_apart(file);
	fclose(file);
	free(image);
}

/* Put one part into the file, mostly as it is. */
static void put(struct rd_stream *s, const struct part *p)
{
	static uint8_t data[PAYLOAD_MAX];
	uint32_t instance = p->instance;
	size_t len = p->len;
	uint8_t how = take();

	memcpy(data, p->data, len);
	if (how & 1)
		take_damage(data, len);
	if ((how & 0x1e) == 0x1e)
		len = take_n(2) % (len + 1);
	if ((how & 0x3e) == 0x20)
		instance = take();
	if ((how & 0xfe) != 0xc0)
		rd_stream_put(s, p->type, instance, data, len, NULL, 0);
	if ((how & 0xfe) == 0x80)
		rd_stream_put(s, p->type, instance, data, len, NULL, 0);
}

/* Write the input's file; returns its descriptor. */
static int write_file(void)
{
	int fd = memfd_create("snapshot", 0);
	FILE *file = fdopen(dup(fd), "w+");
	uint8_t first = take();
	struct rd_stream s;

	rd_stream_create(&s, file, "fuzz");
	for (unsigned int i = 0; i < n_good; i++)
		put(&s, first & 0x40 && i ? &good[take() % n_good] : &good[i]);
	rd_stream_finish(&s);
	fflush(file);
	/* A disk that forgets. */
	while (first & 0x80 && fuzz_more()) {
		uint8_t byte = take();

		if (pwrite(fd, &byte, 1, (off_t)(take_n(2) % s.bytes)) != 1)
			fuzz_die("no memory");
	}
	fclose(file);
	return fd;
}

/* What a machine does after a restore, as far as it needs no hypervisor. */
static void go_on(void)
{
	struct rd_pack p;

	for (unsigned int i = 0; i < box.m.states.n; i++) {
		const struct rd_state *s = &box.m.states.list[i];

		rd_pack_save(&p);
		s->ops->transfer(s->dev, &p);
		if (!rd_pack_ok(&p))
			fuzz_die("a restored device cannot be saved");
		rd_pack_free(&p);
	}
	if (rd_clocks_release(&box.m))
		fuzz_die("the clocks do not go on");
	rd_states_resume(&box.m.states);
	rd_rtc_tick(&box.m.rtc);
	for (unsigned int i = 0; i < VIRTIO_DEVICES * 4; i++)
		rd_virtio_poll(&box.slots[i % VIRTIO_DEVICES]->v, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd_config config = { 0 };
	struct rd_restore r;
	char path[32];
	int fd;

	rd_messages_capture(message, sizeof(message));
	if (!n_good)
		setup();
	fuzz_begin(data, size);
	fd = write_file();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	machine_make();
	if (!rd_restore_open(&r, path, &config) && !rd_restore_load(&r, &box.m))
		go_on();
	rd_restore_close(&r);
	machine_drop();
	close(fd);
	return 0;
}
