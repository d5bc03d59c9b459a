// SPDX-License-Identifier: GPL-2.0-only
/*
 * File operations of the 9P server. An O_PATH descriptor is turned into what can be read or changed
 * through its own name under /proc/self/fd, which leads to that file and no other.
 */
#include "tools/src/vmctl/p9_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* No file becomes one that runs with its owner's rights: the owner may be root. */
#define SET_ID_BITS (S_ISUID | S_ISGID)
#define FILE_MODE (0777 | S_ISVTX)
#define ALWAYS (O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
#define KEPT_FLAGS (O_ACCMODE | O_TRUNC | O_APPEND | O_DSYNC | O_SYNC)

struct own_name {
	char s[40];
};

static struct own_name own_name(int fd)
{
	struct own_name n;

	snprintf(n.s, sizeof(n.s), "/proc/self/fd/%d", fd);
	return n;
}

bool rd_p9_name_ok(const char *name)
{
	return *name && !strchr(name, '/') && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

int rd_p9_child(int dir, const char *name)
{
	struct open_how how = {
		.flags = O_PATH | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	long fd;

	if (!rd_p9_name_ok(name))
		return -EPERM;
	fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

int rd_p9_open(int fd, int flags)
{
	struct stat st;
	int io;

	if (fstat(fd, &st))
		return -errno;
	/* The guest's kernel opens its own pipes and devices; the host's are not for it. */
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return -ENXIO;
	/* Written to by root, a file keeps its set-id bits, with other contents. */
	if (S_ISREG(st.st_mode) && st.st_mode & SET_ID_BITS &&
	    ((flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC))
		return -EPERM;
	io = open(own_name(fd).s, (flags & KEPT_FLAGS) | ALWAYS);
	return io < 0 ? -errno : io;
}

static int open_existing(int dir, const char *name, int flags)
{
	int fd = rd_p9_child(dir, name), io;

	if (fd < 0)
		return fd;
	io = rd_p9_open(fd, flags);
	close(fd);
	return io;
}

int rd_p9_create(int dir, const char *name, int flags, mode_t mode)
{
	int io;

	if (!rd_p9_name_ok(name))
		return -EPERM;
	if (mode & SET_ID_BITS)
		return -EPERM;
	io = openat(dir, name, (flags & KEPT_FLAGS) | O_CREAT | O_EXCL | O_NOFOLLOW | ALWAYS,
		    mode & FILE_MODE);
	if (io < 0 && errno == EEXIST && !(flags & O_EXCL))
		return open_existing(dir, name, flags);
	if (io < 0)
		return -errno;
	/* The guest's umask counts, not this process's. */
	(void)fchmod(io, mode & FILE_MODE);
	return io;
}

int rd_p9_mkdir(int dir, const char *name, mode_t mode)
{
	struct stat st;
	int fd;

	if (!rd_p9_name_ok(name))
		return -EPERM;
	if (mkdirat(dir, name, mode & FILE_MODE))
		return -errno;
	fd = rd_p9_child(dir, name);
	if (fd < 0)
		return fd;
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		(void)chmod(own_name(fd).s, (mode & FILE_MODE) | (st.st_mode & S_ISGID));
	close(fd);
	return 0;
}

int rd_p9_mknod(int dir, const char *name, mode_t mode)
{
	if (!rd_p9_name_ok(name))
		return -EPERM;
	if (mode & SET_ID_BITS || (!S_ISREG(mode) && !S_ISFIFO(mode) && !S_ISSOCK(mode)))
		return -EPERM;
	return mknodat(dir, name, mode & (S_IFMT | FILE_MODE), 0) ? -errno : 0;
}

int rd_p9_link(int fd, int dir, const char *name)
{
	if (!rd_p9_name_ok(name))
		return -EPERM;
	return linkat(AT_FDCWD, own_name(fd).s, dir, name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

static int set_mode(int fd, uint32_t mode)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -EOPNOTSUPP;
	if (!S_ISDIR(st.st_mode) && mode & SET_ID_BITS)
		return -EPERM;
	return chmod(own_name(fd).s, mode & 07777) ? -errno : 0;
}

static int set_size(int fd, uint64_t size)
{
	int io, err;

	if (size > INT64_MAX)
		return -EFBIG;
	io = rd_p9_open(fd, O_WRONLY);
	if (io < 0)
		return io;
	err = ftruncate(io, (off_t)size) ? -errno : 0;
	close(io);
	return err;
}

static struct timespec time_of(uint32_t valid, uint32_t set, uint32_t value, uint64_t s,
			       uint64_t ns)
{
	struct timespec t = { .tv_nsec = UTIME_OMIT };

	if (valid & set)
		t.tv_nsec = UTIME_NOW;
	if (valid & set && valid & value)
		t = (struct timespec){ .tv_sec = (time_t)s, .tv_nsec = (long)(ns % 1000000000) };
	return t;
}

int rd_p9_setattr(int fd, const struct rd_p9_attr *a)
{
	uid_t uid = a->valid & RD_P9_SET_UID ? a->uid : (uid_t)-1;
	gid_t gid = a->valid & RD_P9_SET_GID ? a->gid : (gid_t)-1;
	struct timespec times[2] = {
		time_of(a->valid, RD_P9_SET_ATIME, RD_P9_SET_ATIME_VALUE, a->atime_s, a->atime_ns),
		time_of(a->valid, RD_P9_SET_MTIME, RD_P9_SET_MTIME_VALUE, a->mtime_s, a->mtime_ns),
	};
	int err = 0;

	/* Giving a file away takes its set-id bits, so the mode comes afterwards. */
	if (a->valid & (RD_P9_SET_UID | RD_P9_SET_GID) &&
	    fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -errno;
	if (a->valid & RD_P9_SET_MODE)
		err = set_mode(fd, a->mode);
	if (!err && a->valid & RD_P9_SET_SIZE)
		err = set_size(fd, a->size);
	if (!err && a->valid & (RD_P9_SET_ATIME | RD_P9_SET_MTIME) &&
	    utimensat(fd, "", times, AT_EMPTY_PATH))
		err = -errno;
	return err;
}
