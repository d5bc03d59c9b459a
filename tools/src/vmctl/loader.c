// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading of the guest. Files are read straight into guest memory; everything that could be wrong
 * with them ends in one line that names the file.
 */
#include "tools/src/vmctl/loader.h"

#include "tools/src/vmctl/bzimage.h"
#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_input(const char *path, int *fd, uint64_t *len)
{
	struct stat st;

	/* Non-blocking, so that a FIFO is refused below rather than waited for. */
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*fd < 0)
		return rd_fail(RD_USAGE, "%s: %s", path, strerror(errno));
	if (fstat(*fd, &st) == 0 && S_ISREG(st.st_mode)) {
		*len = (uint64_t)st.st_size;
		return RD_OK;
	}
	close(*fd);
	*fd = -1;
	return rd_fail(RD_USAGE, "%s: not a regular file", path);
}

/* Without a destination only the checks are wanted. */
static int read_input(const char *path, int fd, void *to, uint64_t len, uint64_t off)
{
	if (!to)
		return RD_OK;
	if (rd_pread_full(fd, to, len, (off_t)off))
		return RD_OK;
	return rd_fail(RD_HOST_ERROR, "%s: %s", path, errno ? strerror(errno) : "became shorter");
}

static int load_kernel_fd(const char *path, int fd, uint64_t len, const struct rd_ram *ram,
			  struct rd_bzimage *bz)
{
	uint8_t head[RD_BZ_HEAD];
	size_t head_len = len < sizeof(head) ? len : sizeof(head);
	const char *why;
	int status;

	status = read_input(path, fd, head, head_len, 0);
	if (status)
		return status;
	why = rd_bz_parse(bz, head, head_len, len);
	if (why)
		return rd_fail(RD_USAGE, "%s: %s", path, why);
	if (!rd_bz_place_kernel(bz, ram->low_size))
		return rd_fail(RD_USAGE, "%s: needs %llu MiB to start, the guest has %llu MiB",
			       path, (bz->hdr.init_size + RD_KERNEL_MIN_GPA) / RD_MIB + 1,
			       (unsigned long long)(ram->size / RD_MIB));
	return read_input(path, fd, rd_ram_at(ram, bz->load_gpa, bz->payload_len),
			  bz->payload_len, bz->payload_off);
}

static int load_kernel(const char *path, const struct rd_ram *ram, struct rd_bzimage *bz)
{
	uint64_t len;
	int fd, status;

	status = open_input(path, &fd, &len);
	if (status)
		return status;
	status = load_kernel_fd(path, fd, len, ram, bz);
	close(fd);
	return status;
}

static int load_initrd(const char *path, const struct rd_ram *ram, const struct rd_bzimage *bz,
		       struct rd_initrd *initrd)
{
	int fd, status;

	memset(initrd, 0, sizeof(*initrd));
	if (!path)
		return RD_OK;
	status = open_input(path, &fd, &initrd->len);
	if (status)
		return status;
	if (!initrd->len)
		status = rd_fail(RD_USAGE, "%s: empty", path);
	else if (!rd_bz_place_initrd(bz, ram->low_size, initrd))
		status = rd_fail(RD_USAGE, "%s: no room for its %llu KiB in %llu MiB of memory",
				 path, (unsigned long long)((initrd->len + 1023) / RD_KIB),
				 (unsigned long long)(ram->size / RD_MIB));
	else
		status = read_input(path, fd, rd_ram_at(ram, initrd->gpa, initrd->len),
				    initrd->len, 0);
	close(fd);
	return status;
}

static int check_cmdline(const char *append, const struct rd_bzimage *bz)
{
	size_t len = strlen(append);

	if (len > rd_bz_cmdline_max(bz))
		return rd_fail(RD_USAGE, "--append: %zu characters, the kernel takes %u", len,
			       rd_bz_cmdline_max(bz));
	return RD_OK;
}

static int load_acpi(const struct rd_acpi_config *config, const struct rd_ram *ram)
{
	void *room = rd_ram_at(ram, RD_ACPI_GPA, RD_ACPI_ROOM);

	if (!rd_acpi_build(config, RD_ACPI_GPA, room, RD_ACPI_ROOM))
		return rd_fail(RD_HOST_ERROR, "the ACPI tables of %u CPUs do not fit",
			       config->n_cpus);
	return RD_OK;
}

int rd_load_check(const struct rd_load *load, uint64_t memory)
{
	struct rd_initrd initrd;
	struct rd_bzimage bz;
	struct rd_ram ram;
	int status;

	rd_ram_split(&ram, memory);
	status = load_kernel(load->kernel, &ram, &bz);
	if (!status)
		status = load_initrd(load->initrd, &ram, &bz, &initrd);
	if (!status)
		status = check_cmdline(load->append, &bz);
	return status;
}

int rd_load_guest(const struct rd_load *load, const struct rd_ram *ram, uint64_t *entry)
{
	struct boot_params *bp = rd_ram_at(ram, RD_ZERO_PAGE_GPA, 4096);
	struct rd_initrd initrd;
	struct rd_bzimage bz;
	int status;

	status = load_kernel(load->kernel, ram, &bz);
	if (!status)
		status = load_initrd(load->initrd, ram, &bz, &initrd);
	if (!status)
		status = check_cmdline(load->append, &bz);
	if (!status)
		status = load_acpi(&load->acpi, ram);
	if (status)
		return status;
	memcpy(rd_ram_at(ram, RD_CMDLINE_GPA, RD_CMDLINE_ROOM), load->append,
	       strlen(load->append) + 1);
	rd_bz_zero_page(&bz, ram, &initrd, bp);
	rd_bz_reserve(bp, load->acpi.epc_base, load->acpi.epc_size);
	rd_bz_page_tables(rd_ram_at(ram, RD_PML4_GPA, 6 * 4096));
	rd_bz_gdt(rd_ram_at(ram, RD_GDT_GPA, RD_GDT_ENTRIES * 8));
	*entry = rd_bz_entry(&bz);
	return RD_OK;
}
