// SPDX-License-Identifier: GPL-2.0-only
/* The devices of devices.h, with files and sockets that are gone when the fuzzer ends. */
#include "tests/fuzz/virtio/devices.h"

#include "tests/fuzz/input.h"
#include "tools/src/vmctl/vhost.h"
#include "tools/src/vmctl/virtio_save.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define GUARD 0x1000u
#define DISK_LEN (1u << 20)
#define NETS 3u

struct devices all;

static struct rd_console host;
static struct rd_disk_config disks[2];
static int disk_fds[2];
static struct rd_netdev nets[NETS];
static int net_ends[NETS];
static struct rd_vhost net_vhost;

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

static bool net_link(struct rd_netdev *n)
{
	(void)n;
	return fuzz_choice() & 1;
}

static void net_link_seen(struct rd_netdev *n)
{
	eventfd_t count;

	if (eventfd_read(n->link_fd, &count))
		fuzz_die("no news of the link");
}

static void open_net(unsigned int i)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds))
		fuzz_die("no socket pair");
	nets[i] = (struct rd_netdev){ .fd = fds[0],
				      .close = net_close,
				      .link = net_link,
				      .link_seen = net_link_seen,
				      .link_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	net_ends[i] = fds[1];
}

static void open_disk(unsigned int i, bool read_only)
{
	static char paths[2][20];
	char *path = strcpy(paths[i], "/tmp/rd-fuzz-XXXXXX");

	disk_fds[i] = mkstemp(path);
	if (disk_fds[i] < 0 || ftruncate(disk_fds[i], DISK_LEN))
		fuzz_die("no temporary file");
	disks[i] = (struct rd_disk_config){
		.path = path,
		.path_len = strlen(path),
		.id = "fuzz",
		.read_only = read_only,
	};
}

static void open_host_side(void)
{
	open_disk(0, false);
	open_disk(1, true);
	rd_console_init(&host);
	host.out_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	host.in_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	for (unsigned int i = 0; i < NETS; i++)
		open_net(i);
	nets[1].offloads = nets[2].offloads = true;
	if (rd_vhost_open(&net_vhost, "/dev/vhost-net", NULL))
		fuzz_die("no vhost");
	nets[2].vhost = &net_vhost;
}

static bool make_nets(void)
{
	for (unsigned int i = 0; i < NETS; i++)
		if (rd_net_new(&all.ram, &nets[i], (const uint8_t[RD_NET_MAC_LEN]){ 2 },
			       &all.slots[DEV_NET + i]))
			return false;
	return true;
}

static bool make_share(void)
{
	static char folder[] = "/tmp/rd-fuzz-share-XXXXXX";
	struct rd_share_config share = { .tag = "fuzz", .read_only = true };
	bool made;

	if (!mkdtemp(folder))
		return false;
	share.path = folder;
	share.path_len = strlen(folder);
	made = !rd_share_new(&all.ram, &share, &all.slots[DEV_SHARE]);
	rmdir(folder);
	return made;
}

static void put_on_bus(void)
{
	struct rd_msix_host msi = { .set = msi_set, .pending = msi_pending, .signal = msi_signal };

	for (unsigned int i = 0; i < DEVICES; i++)
		if (!rd_virtio_pci_init(&all.slots[i]->pci, &all.slots[i]->v, &all.pci, msi) ||
		    !rd_virtio_register(&all.states, all.slots[i]))
			fuzz_die("no slot");
}

void devices_make(void)
{
	struct rd_ender ender = { .end = on_end };
	uint8_t *map =
		mmap(NULL, RAM_LEN + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	mprotect(map + GUARD, RAM_LEN, PROT_READ | PROT_WRITE);
	all.ram = (struct rd_ram){ .host = map + GUARD, .size = RAM_LEN, .low_size = RAM_LEN };
	open_host_side();
	rd_bus_init(&all.bus);
	if (!rd_pci_init(&all.pci, &all.bus) ||
	    rd_blk_new(&all.ram, &disks[0], &all.slots[DEV_DISK]) ||
	    rd_blk_new(&all.ram, &disks[1], &all.slots[DEV_DISK_RO]) ||
	    rd_rng_new(&all.ram, &all.slots[DEV_RNG]) ||
	    rd_hvc_new(&all.ram, &host, ender, &all.slots[DEV_HVC]) ||
	    rd_balloon_new(&all.ram, &all.slots[DEV_BALLOON]) || !make_nets() || !make_share() ||
	    rd_vsock_new(&all.ram, 3, &all.slots[DEV_VSOCK]))
		fuzz_die("no devices");
	unlink(disks[0].path);
	unlink(disks[1].path);
	put_on_bus();
}

void devices_check(void)
{
	struct stat st;

	for (unsigned int i = 0; i < 2; i++)
		if (fstat(disk_fds[i], &st) || st.st_size != DISK_LEN)
			fuzz_die("a disk's size has changed");
}

void devices_link(void)
{
	for (unsigned int i = 0; i < NETS; i++)
		eventfd_write(nets[i].link_fd, 1);
}

void devices_frame(const void *frame, size_t len)
{
	static uint8_t sent[1 << 17];

	for (unsigned int i = 0; i < NETS; i++) {
		/* Fails when enough are waiting. */
		if (send(net_ends[i], frame, len, MSG_DONTWAIT) < 0)
			continue;
		while (recv(net_ends[i], sent, sizeof(sent), MSG_DONTWAIT) > 0)
			continue;
	}
}
