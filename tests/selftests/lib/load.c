// SPDX-License-Identifier: GPL-2.0-only
/* The guest of load.h, and the host's files that tell of its memory. */
#include "tests/selftests/lib/load.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#define REGION_GPA 0x10000000ull
#define CGROUPS "/sys/fs/cgroup"
enum { SLOT = 3, MOST_STATS = 256 };

/* --- the guest -------------------------------------------------------------------------------- */

static void *load_main(void *arg)
{
	struct rdt_load *l = arg;

	rdt_start_others(l->vm);
	RDT_EQ(rdt_until_sync(l->vm->vcpu[0]), 2);
	return NULL;
}

void rdt_load_start(struct rdt_load *l, const char *test, uint64_t pages, bool huge,
		    uint64_t generation)
{
	l->vm = rdt_payload_vm("pressure", test);
	l->pages = pages;
	l->host = rdt_slot_new(l->vm, SLOT, REGION_GPA, pages * RDT_PAGE, 0, true);
	if (!huge)
		RDT_OK(madvise(l->host, pages * RDT_PAGE, MADV_NOHUGEPAGE));
	l->vm->shared->args[1] = REGION_GPA;
	l->vm->shared->args[2] = pages;
	l->vm->shared->args[4] = generation;
	RDT_EQ(pthread_create(&l->thread, NULL, load_main, l), 0);
	rdt_load_round(l);
}

void rdt_load_stop(struct rdt_load *l)
{
	l->vm->shared->args[3] = 1;
	pthread_join(l->thread, NULL);
	rdt_vm_free(l->vm);
}

/* The round under way when this is called has seen half of it only. */
void rdt_load_round(const struct rdt_load *l)
{
	volatile struct rdp_shared *shared = l->vm->shared;
	uint64_t was[2] = { shared->results[0], shared->results[1] };

	for (int i = 0; i < l->vm->vcpus; i++)
		while (shared->results[i] < was[i] + 2)
			usleep(200);
}

void rdt_load_generation(struct rdt_load *l, uint64_t generation)
{
	l->vm->shared->args[4] = generation;
	for (int i = 0; generation && i < l->vm->vcpus; i++)
		while (l->vm->shared->results[2 + i] != generation)
			usleep(200);
}

bool rdt_load_holds(const struct rdt_load *l, uint64_t page, uint64_t generation)
{
	const uint8_t *at = l->host + page * RDT_PAGE;
	bool same = true;

	for (uint32_t i = 0; i < RDP_PATTERN_WORDS; i++)
		same &= *(const uint64_t *)(at + rdp_pattern_at(page, i)) ==
			(generation ? rdp_pattern_word(page, generation, i) : 0);
	return same;
}

/* --- the host's view -------------------------------------------------------------------------- */

static uint64_t *read_pagemap(const struct rdt_load *l, uint64_t first, uint64_t n)
{
	int fd = RDT_OK(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
	uint64_t *entries = calloc(n, sizeof(*entries));
	off_t at = ((uintptr_t)l->host / RDT_PAGE + first) * sizeof(*entries);

	RDT_EQ(pread(fd, entries, n * sizeof(*entries), at), n * sizeof(*entries));
	close(fd);
	return entries;
}

uint64_t rdt_load_swapped(const struct rdt_load *l, uint64_t first, uint64_t n)
{
	uint64_t *entries = read_pagemap(l, first, n), swapped = 0;

	for (uint64_t i = 0; i < n; i++)
		swapped += entries[i] >> 62 & 1;
	free(entries);
	return swapped;
}

uint64_t rdt_load_shared(const struct rdt_load *a, const struct rdt_load *b, uint64_t first,
			 uint64_t n)
{
	uint64_t *of_a = read_pagemap(a, first, n), *of_b = read_pagemap(b, first, n), shared = 0;
	const uint64_t present = 1ull << 63, frame = (1ull << 55) - 1;

	for (uint64_t i = 0; i < n; i++)
		shared += (of_a[i] & of_b[i] & present) && (of_a[i] & frame) &&
			  (of_a[i] & frame) == (of_b[i] & frame);
	free(of_a);
	free(of_b);
	return shared;
}

uint64_t rdt_load_huge_kb(const struct rdt_load *l)
{
	uintptr_t host = (uintptr_t)l->host, end = host + l->pages * RDT_PAGE;
	unsigned long from, to, kb, sum = 0;
	FILE *f = fopen("/proc/self/smaps", "r");
	bool inside = false;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			inside = from < end && to > host;
		else if (inside && sscanf(line, "AnonHugePages: %lu kB", &kb) == 1)
			sum += kb;
	}
	if (f)
		fclose(f);
	return sum;
}

static int64_t find_stat(int fd, const struct kvm_stats_header *h, const char *name)
{
	size_t size = sizeof(struct kvm_stats_desc) + h->name_size;
	struct kvm_stats_desc *d = malloc(size);
	uint64_t value = -1;

	for (uint32_t i = 0; i < h->num_desc && i < MOST_STATS; i++) {
		RDT_EQ(pread(fd, d, size, h->desc_offset + i * size), size);
		if (strcmp(d->name, name) != 0)
			continue;
		RDT_EQ(pread(fd, &value, sizeof(value), h->data_offset + d->offset), sizeof(value));
		break;
	}
	free(d);
	return value;
}

int64_t rdt_stat(int fd, const char *name)
{
	int stats = RDT_OK(ioctl(fd, KVM_GET_STATS_FD, NULL));
	struct kvm_stats_header h;
	int64_t value;

	RDT_EQ(pread(stats, &h, sizeof(h), 0), sizeof(h));
	value = find_stat(stats, &h, name);
	close(stats);
	return value;
}

int64_t rdt_vcpu_stat(const struct rdt_vm *vm, const char *name)
{
	int64_t sum = 0, one;

	for (int i = 0; i < vm->vcpus; i++) {
		one = rdt_stat(vm->vcpu[i]->fd, name);
		if (one < 0 && !rdt_is_stock())
			rdt_fail("there is no counter %s", name);
		if (one < 0)
			return -1;
		sum += one;
	}
	return sum;
}

long rdt_read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	long v = -1;

	if (!f)
		return -1;
	if (fscanf(f, "%ld", &v) != 1)
		v = -1;
	fclose(f);
	return v;
}

bool rdt_write_line(const char *path, const char *fmt, ...)
{
	char line[256];
	va_list ap;
	bool ok;
	int fd, n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = write(fd, line, n) == n;
	close(fd);
	return ok;
}

/* --- preparations ----------------------------------------------------------------------------- */

void rdt_need_rig(void)
{
	if (!getenv("RIG"))
		rdt_skip("changes the host: in the rig only");
}

static bool has_swap(void)
{
	FILE *f = fopen("/proc/swaps", "r");
	char line[256];
	int lines = 0;

	while (f && fgets(line, sizeof(line), f))
		lines++;
	if (f)
		fclose(f);
	return lines > 1;
}

void rdt_need_swap(void)
{
	if (has_swap())
		return;
	rdt_need_rig();
	if (system("exec >/dev/null 2>&1; modprobe zram && echo 256M >/sys/block/zram0/disksize && "
		   "mkswap /dev/zram0 && swapon /dev/zram0") != 0 || !has_swap())
		rdt_skip("no swap can be made on this host");
}

void rdt_drop_swap(void)
{
	if (getenv("RIG") &&
	    system("exec >/dev/null 2>&1; swapoff /dev/zram0 && echo 1 >/sys/block/zram0/reset"))
		rdt_note("the swap stays");
}

const char *rdt_need_cgroup(void)
{
	static char dir[128], procs[160];

	rdt_need_rig();
	if (access(CGROUPS "/cgroup.procs", F_OK) &&
	    mount("none", CGROUPS, "cgroup2", 0, NULL))
		rdt_skip("no cgroups on this host: %s", strerror(errno));
	rdt_write_line(CGROUPS "/cgroup.subtree_control", "+memory");
	snprintf(dir, sizeof(dir), CGROUPS "/rdt-%d", getpid());
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", dir);
	RDT_OK(mkdir(dir, 0755));
	RDT_CHECK(rdt_write_line(procs, "%d", getpid()));
	return dir;
}
