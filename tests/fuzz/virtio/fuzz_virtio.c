// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that does at random what it can do to a virtio device: registers of any width, bytes in
 * its memory, descriptors that nearly make sense.
 * Invariant checked: no crash, no access outside the guest's memory (which lies between pages that
 * nobody may touch), the disk's file keeps its size, and every device comes back from a reset.
 */
#include "tests/fuzz/input.h"
#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <fcntl.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RAM_LEN 0x20000u
#define GUARD 0x1000u
#define QSIZE 16u
#define QUEUE_LEN 0x1000u	/* available ring at 0x400, used ring at 0x800 */
#define DATA 0x8000u
#define DISK_LEN (1u << 20)
#define DEVICES 6u

static struct rd_bus bus;
static struct rd_pci pci;
static struct rd_ram ram;
static struct rd_virtio_slot *slots[DEVICES];
static struct rd_console host;
static struct rd_disk_config disk;
static int disk_fd;
static struct rd_netdev nd;
static char folder[] = "/tmp/rd-fuzz-share-XXXXXX";

static void msi_set(void *ctx, unsigned int v, const struct rd_msi *msi)
{
	(void)ctx;
	(void)v;
	(void)msi;
}

static bool msi_pending(void *ctx, unsigned int v)
{
	(void)ctx;
	return v & 1;
}

static void msi_signal(void *ctx, unsigned int v)
{
	(void)ctx;
	(void)v;
}

static void on_end(void *ctx, enum rd_end why)
{
	(void)ctx;
	if (why != RD_END_QUIT)
		fuzz_die("a device ended the machine");
}

static void net_close(struct rd_netdev *n)
{
	close(n->fd);
}

/* A few frames wait; nobody reads what the guest sends. */
static void open_net(void)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
		fuzz_die("no socket pair");
	nd = (struct rd_netdev){ .fd = fds[0], .close = net_close };
	for (unsigned int i = 0; i < 8; i++)
		if (send(fds[1], host.buf, 60 + i * 100, 0) < 0)
			fuzz_die("no frames");
}

static void open_host_side(void)
{
	static char path[] = "/tmp/rd-fuzz-XXXXXX";

	disk_fd = mkstemp(path);
	if (disk_fd < 0 || ftruncate(disk_fd, DISK_LEN))
		fuzz_die("no temporary file");
	disk = (struct rd_disk_config){ .path = path, .path_len = strlen(path), .id = "fuzz" };
	rd_console_init(&host);
	host.out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	host.in_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	open_net();
}

static void setup(void)
{
	struct rd_msix_host msi = { .set = msi_set, .pending = msi_pending, .signal = msi_signal };
	struct rd_share_config share = { .tag = "fuzz", .read_only = true };
	struct rd_ender ender = { .end = on_end };
	uint8_t *map = mmap(NULL, RAM_LEN + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			    0);

	mprotect(map + GUARD, RAM_LEN, PROT_READ | PROT_WRITE);
	ram = (struct rd_ram){ .host = map + GUARD, .size = RAM_LEN, .low_size = RAM_LEN };
	open_host_side();
	if (!mkdtemp(folder))
		fuzz_die("no folder");
	share.path = folder;
	share.path_len = strlen(folder);
	rd_bus_init(&bus);
	if (!rd_pci_init(&pci, &bus) || rd_blk_new(&ram, &disk, &slots[0]) ||
	    rd_rng_new(&ram, &slots[1]) || rd_hvc_new(&ram, &host, ender, &slots[2]) ||
	    rd_balloon_new(&ram, &slots[3]) ||
	    rd_net_new(&ram, &nd, (const uint8_t[RD_NET_MAC_LEN]){ 2 }, &slots[4]) ||
	    rd_share_new(&ram, &share, &slots[5]))
		fuzz_die("no devices");
	unlink(disk.path);
	rmdir(folder);
	for (unsigned int i = 0; i < DEVICES; i++)
		if (!rd_virtio_pci_init(&slots[i]->pci, &slots[i]->v, &pci, msi))
			fuzz_die("no slot");
}

static uint64_t access_bar(const struct rd_virtio_slot *s, uint64_t off, bool write,
			   unsigned int size, uint64_t value)
{
	rd_bus_mmio(&bus, s->pci.pci.bar_gpa + off, write, size, &value);
	return value;
}

static void config_write(const struct rd_virtio_slot *s, unsigned int reg, uint32_t value)
{
	uint32_t address = 1u << 31 | s->pci.pci.slot << 11 | (reg & 0xfc);

	rd_bus_pio(&bus, RD_PORT_PCI_INDEX, true, 4, 1, &address);
	rd_bus_pio(&bus, RD_PORT_PCI_DATA, true, 4, 1, &value);
}

/* What a driver does, with accepted features and queue sizes as the input has them. */
static void bring_up(struct rd_virtio_slot *s)
{
	config_write(s, PCI_COMMAND, PCI_COMMAND_MEMORY);
	access_bar(s, VIRTIO_PCI_COMMON_STATUS, true, 1, 3);
	access_bar(s, VIRTIO_PCI_COMMON_GF, true, 4, take_n(4) & s->v.features);
	access_bar(s, VIRTIO_PCI_COMMON_GFSELECT, true, 4, 1);
	access_bar(s, VIRTIO_PCI_COMMON_GF, true, 4, 1);
	access_bar(s, VIRTIO_PCI_COMMON_STATUS, true, 1, 0xb);
	for (unsigned int q = 0; q < s->v.n_queues; q++) {
		access_bar(s, VIRTIO_PCI_COMMON_Q_SELECT, true, 2, q);
		access_bar(s, VIRTIO_PCI_COMMON_Q_SIZE, true, 2, QSIZE);
		access_bar(s, VIRTIO_PCI_COMMON_Q_DESCLO, true, 4, q * QUEUE_LEN);
		access_bar(s, VIRTIO_PCI_COMMON_Q_AVAILLO, true, 4, q * QUEUE_LEN + 0x400);
		access_bar(s, VIRTIO_PCI_COMMON_Q_USEDLO, true, 4, q * QUEUE_LEN + 0x800);
		access_bar(s, VIRTIO_PCI_COMMON_Q_ENABLE, true, 2, 1);
	}
	access_bar(s, VIRTIO_PCI_COMMON_STATUS, true, 1, 0xf);
	rd_virtio_poll(&s->v, 0);
}

static void describe(void)
{
	struct vring_desc d = {
		.addr = take() & 0x80 ? take_n(8) : DATA + take_n(2),
		.len = take() & 0x80 ? (uint32_t)take_n(4) : take(),
		.flags = take() & 7, .next = take() % (QSIZE + 1),
	};
	uint8_t where = take();
	/* In a queue's table, or where an indirect table may be. */
	uint32_t at = where & 0x80 ? DATA + (where & 0x7f) * 16 :
				     (where >> 4 & 3) * QUEUE_LEN + (where & 15) * 16;

	memcpy(ram.host + at, &d, sizeof(d));
}

static void offer(struct rd_virtio_slot *s)
{
	unsigned int q = take() & 3;
	struct vring_avail *a = (void *)(ram.host + q * QUEUE_LEN + 0x400);

	a->ring[a->idx % QSIZE] = take() % QSIZE;
	a->idx++;
	rd_virtio_notify(&s->v, q);
	rd_virtio_poll(&s->v, 0);
}

static void one_step(struct rd_virtio_slot *s)
{
	uint64_t off;

	switch (take() % 9) {
	case 0:
		off = take_n(2) & 0x7fff;
		access_bar(s, off, true, 1u << (take() & 3), take_n(8));
		break;
	case 1:
		access_bar(s, take_n(2) & 0x7fff, false, 1u << (take() & 3), 0);
		break;
	case 2:
		config_write(s, take(), (uint32_t)take_n(4));
		break;
	case 3:
		ram.host[take_n(3) % RAM_LEN] = take();
		break;
	case 4:
		bring_up(s);
		break;
	case 5:
	case 6:
		describe();
		break;
	case 7:
		offer(s);
		break;
	default:
		rd_virtio_poll(&s->v, 0);
	}
}

static void put_back(struct rd_virtio_slot *s)
{
	rd_virtio_set_status(&s->v, 0);
	for (unsigned int i = 0; rd_virtio_status(&s->v); i++) {
		if (i == 1000)
			fuzz_die("a device does not come back from its reset");
		rd_virtio_poll(&s->v, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd_virtio_slot *s;
	struct stat st;

	if (!slots[0])
		setup();
	fuzz_begin(data, size);
	s = slots[take() % DEVICES];
	memset(ram.host, 0, RAM_LEN);
	bring_up(s);
	while (fuzz_more())
		one_step(s);
	put_back(s);
	if (fstat(disk_fd, &st) || st.st_size != DISK_LEN)
		fuzz_die("the disk's size has changed");
	return 0;
}
