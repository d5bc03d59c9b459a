// SPDX-License-Identifier: GPL-2.0-only
/*
 * Kernel files whose header says anything, for guests with little memory, with and without an
 * initrd.
 * Invariant checked: no crash; nothing is written outside guest memory (which lies between pages
 * that nobody may touch); what the first look found good loads; kernel and initrd lie where the
 * boot protocol allows, and not in each other.
 */
#include "tests/fuzz/input.h"
#include "tools/src/vmctl/bzimage.h"
#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/loader.h"
#include "tools/src/vmctl/util.h"

#include <sys/mman.h>
#include <unistd.h>

#define RAM_MAX (64u << 20)
#define GUARD 0x1000u
#define HDR 0x1f1u
#define FILE_MAX (64u << 10)

static uint8_t *map;
static char message[256];

/* A header that would do, and a few changes to it. */
static void write_header(uint8_t *file)
{
	struct setup_header h = {
		.setup_sects = 1, .syssize = 0x100, .boot_flag = 0xaa55, .header = 0x53726448,
		.version = 0x20f, .loadflags = LOADED_HIGH, .kernel_alignment = 1u << 21,
		.relocatable_kernel = 1, .xloadflags = XLF_KERNEL_64, .cmdline_size = 255,
		.pref_address = 1u << 24, .init_size = 1u << 20, .initrd_addr_max = 0x7fffffff,
	};

	take_damage(&h, sizeof(h));
	memcpy(file + HDR, &h, sizeof(h));
}

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("kernel", 0);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		fuzz_die("no file");
	return fd;
}

/* What both the kernel and the initrd need. */
static void check_places(const uint8_t *head, size_t len, uint64_t low_size, uint64_t initrd_len)
{
	struct rd_initrd initrd = { .len = initrd_len };
	struct rd_bzimage bz;

	if (rd_bz_parse(&bz, head, len < RD_BZ_HEAD ? len : RD_BZ_HEAD, len) ||
	    !rd_bz_place_kernel(&bz, low_size))
		fuzz_die("it was loaded, and cannot be");
	if (bz.payload_off + bz.payload_len > len || bz.payload_len > bz.hdr.init_size)
		fuzz_die("the kernel is longer than its file or its room");
	if (bz.load_gpa < RD_KERNEL_MIN_GPA || bz.load_gpa + bz.hdr.init_size > low_size)
		fuzz_die("the kernel is outside memory");
	if (initrd_len && (!rd_bz_place_initrd(&bz, low_size, &initrd) ||
			   initrd.gpa < bz.load_gpa + bz.hdr.init_size ||
			   initrd.gpa + initrd_len > low_size))
		fuzz_die("the initrd is where it cannot be");
}

static void load(const uint8_t *file, size_t len, size_t initrd_len, uint64_t memory)
{
	int kernel_fd = file_of(file, len), initrd_fd = file_of(file, initrd_len);
	char kernel[32], initrd[32];
	struct rd_load l = {
		.kernel = kernel, .initrd = initrd_len ? initrd : NULL, .append = "console=ttyS0",
		.acpi = { .n_cpus = 1 },
	};
	struct rd_ram ram;
	uint64_t entry = 0;

	rd_ram_split(&ram, memory);
	/* Its end is the guard page's beginning. */
	ram.host = map + GUARD + RAM_MAX - memory;
	snprintf(kernel, sizeof(kernel), "/proc/self/fd/%d", kernel_fd);
	snprintf(initrd, sizeof(initrd), "/proc/self/fd/%d", initrd_fd);
	if (!rd_load_check(&l, memory)) {
		if (rd_load_guest(&l, &ram, &entry))
			fuzz_die(message);
		check_places(file, len, ram.low_size, initrd_len);
		if (entry < RD_KERNEL_MIN_GPA || entry >= memory)
			fuzz_die("the entry is outside memory");
	} else if (!rd_load_guest(&l, &ram, &entry)) {
		fuzz_die("it loads, though the first look refused it");
	}
	close(kernel_fd);
	close(initrd_fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t file[FILE_MAX];
	size_t len, initrd_len;
	uint64_t memory;

	rd_messages_capture(message, sizeof(message));
	fuzz_begin(data, size);
	if (!map) {
		map = mmap(NULL, RAM_MAX + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
		mprotect(map + GUARD, RAM_MAX, PROT_READ | PROT_WRITE);
	}
	len = take() & 0x80 ? take_n(2) : 0x2000;
	initrd_len = take() & 1 ? take_n(2) : 0;
	memory = RAM_MAX - (take_n(2) & 0x3fff) * 0x1000;
	memory = memory < RD_RAM_MIN ? RD_RAM_MIN : memory;
	write_header(file);
	load(file, len, initrd_len, memory);
	return 0;
}
