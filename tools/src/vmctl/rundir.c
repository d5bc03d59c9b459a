// SPDX-License-Identifier: GPL-2.0-only
/* Making, finding and removing socket files. */
#include "tools/src/vmctl/rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN_DIR "/run/redoubt"

const char *rd_run_dir(void)
{
	const char *dir = getenv("REDOUBT_RUN_DIR");

	return dir && *dir ? dir : RUN_DIR;
}

bool rd_valid_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(name);

	return len && len < 48 && name[0] != '.' && strspn(name, allowed) == len &&
	       strspn(name, "0123456789") != len;
}

bool rd_run_address(struct sockaddr_un *addr, const char *name)
{
	int n;

	memset(addr, 0, sizeof(*addr));
	addr->sun_family = AF_UNIX;
	n = snprintf(addr->sun_path, sizeof(addr->sun_path), "%s/%s" RD_SOCKET_SUFFIX,
		     rd_run_dir(), name);
	if (n > 0 && (size_t)n < sizeof(addr->sun_path))
		return true;
	errno = ENAMETOOLONG;
	return false;
}

/* Open and lock the directory; its mode tells who may connect. -1 with errno. */
static int lock_dir(mode_t *mode)
{
	struct stat st;
	int fd, err;

	if (mkdir(rd_run_dir(), 0700) && errno != EEXIST)
		return -1;
	fd = open(rd_run_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	if (!fstat(fd, &st) && !flock(fd, LOCK_EX)) {
		*mode = st.st_mode;
		if ((!st.st_uid || st.st_uid == geteuid()) && !(st.st_mode & S_IWOTH))
			return fd;
		errno = EPERM;
	}
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

static bool somebody_listens(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return true;
	alive = !connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) || errno == EAGAIN;
	close(fd);
	return alive;
}

static bool bind_locked(int fd, const struct sockaddr_un *addr)
{
	const struct sockaddr *a = (const struct sockaddr *)addr;

	if (!bind(fd, a, sizeof(*addr)))
		return true;
	if (errno != EADDRINUSE)
		return false;
	if (somebody_listens(addr)) {
		errno = EADDRINUSE;
		return false;
	}
	return !unlink(addr->sun_path) && !bind(fd, a, sizeof(*addr));
}

int rd_run_listen(const struct sockaddr_un *addr, int backlog)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mode = 0, mask;
	bool ok;
	int dir, err;

	if (fd < 0)
		return -1;
	dir = lock_dir(&mode);
	if (dir < 0)
		goto close_fd;
	mask = umask(mode & S_IWGRP ? 0117 : 0177);
	ok = bind_locked(fd, addr) && !listen(fd, backlog);
	err = errno;
	umask(mask);
	close(dir);
	errno = err;
	if (ok)
		return fd;
close_fd:
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

void rd_run_unlink(const struct sockaddr_un *addr)
{
	mode_t mode;
	int dir = lock_dir(&mode);

	unlink(addr->sun_path);
	if (dir >= 0)
		close(dir);
}
