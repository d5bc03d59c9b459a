// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's side of vhost. It does nothing with the rings, refuses a call now and then, and
 * returns a ring at any place.
 * Invariant checked: what it is given to read and write lies in guest memory.
 */
#include "tests/fuzz/input.h"
#include "tests/fuzz/virtio/devices.h"
#include "tools/src/vmctl/vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/virtio_ring.h>
#include <stdarg.h>
#include <stdbool.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NODES_MAX 2u
#define QUEUES_MAX 3u

static struct {
	int fd;
	int err_fd; /* of the queue that was set up last */
	unsigned int num[QUEUES_MAX];
} nodes[NODES_MAX];
static unsigned int n_nodes;

/* The devices' two nodes are opened once each; all other files are the host's own. */
int open(const char *path, int flags, ...)
{
	unsigned int mode;
	va_list ap;

	va_start(ap, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, unsigned int) : 0;
	va_end(ap);
	if (strncmp(path, "/dev/vhost-", 11) != 0)
		return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (n_nodes == NODES_MAX)
		fuzz_die("one node more than there are devices");
	nodes[n_nodes].err_fd = -1;
	nodes[n_nodes].fd = eventfd(0, EFD_CLOEXEC);
	return nodes[n_nodes++].fd;
}

static bool in_ram(uint64_t address, uint64_t len)
{
	uint64_t off = address - (uintptr_t)all.ram.host;

	return off <= all.ram.size && len <= all.ram.size - off;
}

static void check_memory(const struct rd_vhost_memory *m)
{
	if (m->nregions > RD_VHOST_REGIONS_MAX)
		fuzz_die("more regions than there can be");
	for (unsigned int i = 0; i < m->nregions; i++)
		if (!in_ram(m->regions[i].userspace_addr, m->regions[i].memory_size))
			fuzz_die("vhost is given what is not the guest's");
}

static void check_rings(const struct vhost_vring_addr *a, uint64_t num)
{
	if (!num || num & (num - 1) ||
	    !in_ram(a->desc_user_addr, num * sizeof(struct vring_desc)) ||
	    !in_ram(a->avail_user_addr, 6 + 2 * num) || !in_ram(a->used_user_addr, 6 + 8 * num))
		fuzz_die("vhost is given a ring outside memory");
}

static int vhost_call(unsigned int node, unsigned long request, void *arg)
{
	struct vhost_vring_state *state = arg;

	switch (request) {
	case VHOST_GET_FEATURES:
		*(uint64_t *)arg = UINT64_MAX;
		break;
	case VHOST_SET_MEM_TABLE:
		check_memory(arg);
		break;
	case VHOST_SET_VRING_NUM:
		if (state->index >= QUEUES_MAX)
			fuzz_die("a queue that vhost does not have");
		nodes[node].num[state->index] = state->num;
		break;
	case VHOST_SET_VRING_ADDR:
		check_rings(arg, nodes[node].num[state->index]);
		break;
	case VHOST_SET_VRING_ERR:
		nodes[node].err_fd = ((struct vhost_vring_file *)arg)->fd;
		break;
	case VHOST_GET_VRING_BASE:
		state->num = fuzz_choice() | (unsigned int)fuzz_choice() << 8;
		break;
	default:
		break;
	}
	if ((fuzz_choice() & 0xf0) != 0xf0)
		return 0;
	errno = EFAULT;
	return -1;
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	for (unsigned int i = 0; i < n_nodes; i++)
		if (nodes[i].fd == fd)
			return vhost_call(i, request, arg);
	return (int)syscall(SYS_ioctl, fd, request, arg);
}

void devices_vhost_error(void)
{
	for (unsigned int i = 0; i < n_nodes; i++)
		if (nodes[i].err_fd >= 0)
			eventfd_write(nodes[i].err_fd, 1);
}
