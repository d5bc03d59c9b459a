/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The host's side of a disk: a raw file or a block device, opened, locked and sized once.
 *
 * A writable image is locked against every other user who locks, a read-only one against writers,
 * so no image is shared with somebody who writes to it. The lock goes with the descriptor. All
 * functions may run in several threads at once.
 */
#ifndef RD_TOOLS_DISK_H
#define RD_TOOLS_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define RD_DISKS_MAX 16u
#define RD_DISK_ID_LEN 20u
#define RD_SECTOR 512u

/* One --disk option. */
struct rd_disk_config {
	const char *path;		/* not ended by a zero: path_len */
	size_t path_len;
	char id[RD_DISK_ID_LEN + 1];
	bool read_only;
	bool direct;			/* O_DIRECT */
};

struct rd_disk {
	int fd;
	uint64_t size;			/* bytes, a multiple of block */
	uint32_t block;			/* smallest unit of I/O, 512 or more */
	bool read_only;
	bool direct;
	bool device;			/* a block device */
	uint32_t warned;		/* atomic: an I/O error was reported */
	char name[64];			/* for messages: the end of the path */
};

/* rd_disk_parse - fill in CONFIG from the option's value FILE[,ro][,direct][,id=ID]. A status. */
int rd_disk_parse(const char *value, struct rd_disk_config *config);

/* rd_disk_open - a status; close in either case. */
int rd_disk_open(struct rd_disk *d, const struct rd_disk_config *config);
void rd_disk_close(struct rd_disk *d);

/*
 * Transfers of exactly the parts' bytes at OFF, which the caller has checked against the size.
 * IOV is consumed. They return 0 or an errno.
 */
int rd_disk_read(struct rd_disk *d, struct iovec *iov, unsigned int n, uint64_t off);
int rd_disk_write(struct rd_disk *d, struct iovec *iov, unsigned int n, uint64_t off);
/* rd_disk_flush - what was written is on stable storage. */
int rd_disk_flush(struct rd_disk *d);
/* rd_disk_discard - the range is not needed any more; whoever cannot free it may keep it. */
int rd_disk_discard(struct rd_disk *d, uint64_t off, uint64_t len);
/* rd_disk_zero - the range reads as zeros; UNMAP: its space may be freed. */
int rd_disk_zero(struct rd_disk *d, uint64_t off, uint64_t len, bool unmap);

#endif
