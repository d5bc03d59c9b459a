/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a 9P server does to files, confined to a tree. Nothing here takes a path: a file is reached
 * from a directory that is open already by one name that is neither "." nor ".." and has no slash,
 * and a symbolic link is never followed, so there is no way up and no way out, whatever others
 * rename meanwhile. Mounts inside the tree are not crossed. Descriptors of files are O_PATH.
 *
 * Functions return 0 (or a descriptor, where they say so) or a negative errno.
 */
#ifndef RD_TOOLS_P9_FILE_H
#define RD_TOOLS_P9_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What Tsetattr changes, by bit of `valid`. */
#define RD_P9_SET_MODE 0x1u
#define RD_P9_SET_UID 0x2u
#define RD_P9_SET_GID 0x4u
#define RD_P9_SET_SIZE 0x8u
#define RD_P9_SET_ATIME 0x10u
#define RD_P9_SET_MTIME 0x20u
#define RD_P9_SET_ATIME_VALUE 0x80u /* not to the time now */
#define RD_P9_SET_MTIME_VALUE 0x100u

struct rd_p9_attr {
	uint32_t valid, mode, uid, gid;
	uint64_t size, atime_s, atime_ns, mtime_s, mtime_ns;
};

/* rd_p9_name_ok - NAME names an entry of a directory. */
bool rd_p9_name_ok(const char *name);

/* rd_p9_child - a descriptor of NAME in DIR. */
int rd_p9_child(int dir, const char *name);
/* rd_p9_open - a descriptor for I/O on FD, a regular file or a directory. FLAGS: open()'s. */
int rd_p9_open(int fd, int flags);
/* rd_p9_create - make the regular file NAME, or open it, for I/O. A descriptor. */
int rd_p9_create(int dir, const char *name, int flags, mode_t mode);
/* rd_p9_mkdir, rd_p9_mknod, rd_p9_link - device nodes are refused. */
int rd_p9_mkdir(int dir, const char *name, mode_t mode);
int rd_p9_mknod(int dir, const char *name, mode_t mode);
int rd_p9_link(int fd, int dir, const char *name);
int rd_p9_setattr(int fd, const struct rd_p9_attr *a);

#endif
