// SPDX-License-Identifier: GPL-2.0-only
/* Files in one piece. Invariant: what could not be written to its end is taken away again. */
#include "tools/src/vmctl/whole_file.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_open(const char *path, int fd, size_t max, uint8_t **data, size_t *len)
{
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		return rd_fail(RD_USAGE, "%s: not a regular file", path);
	if ((uint64_t)st.st_size > max)
		return rd_fail(RD_USAGE, "%s: longer than %zu bytes", path, max);
	*len = (size_t)st.st_size;
	*data = malloc(*len + 1);
	if (!*data)
		return rd_fail(RD_HOST_ERROR, "%s: out of memory", path);
	if (rd_pread_full(fd, *data, *len, 0))
		return RD_OK;
	free(*data);
	*data = NULL;
	return rd_fail(RD_HOST_ERROR, "%s: %s", path, errno ? strerror(errno) : "became shorter");
}

int rd_file_read(const char *path, size_t max, uint8_t **data, size_t *len)
{
	/* Non-blocking, so that a FIFO is refused rather than waited for. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int status;

	*data = NULL;
	if (fd < 0)
		return rd_fail(RD_USAGE, "%s: %s", path, strerror(errno));
	status = read_open(path, fd, max, data, len);
	close(fd);
	return status;
}

static bool write_full(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

/* A file that was not there before. */
static int write_new(const char *path, const void *data, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	int err = 0;

	if (fd < 0)
		return rd_fail(errno == EEXIST ? RD_USAGE : RD_HOST_ERROR, "%s: %s", path,
			       strerror(errno));
	if (!write_full(fd, data, len))
		err = errno;
	if (close(fd) && !err)
		err = errno;
	if (!err)
		return RD_OK;
	unlink(path);
	return rd_fail(RD_HOST_ERROR, "%s: %s", path, strerror(err));
}

/* rename(), but not over a file. Network file systems know no such flag, but have links. */
static int rename_new(const char *from, const char *to)
{
	if (!renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
		return 0;
	if ((errno != EINVAL && errno != ENOSYS) || link(from, to))
		return -1;
	unlink(from);
	return 0;
}

/* The bytes go to a file beside it, which takes the name when all of them are there. */
static int put(const char *path, const void *data, size_t len, mode_t mode,
	       int (*move)(const char *from, const char *to))
{
	char partial[PATH_MAX];
	int n = snprintf(partial, sizeof(partial), "%s.partial-%d", path, (int)getpid());
	int status;

	if (n < 0 || (size_t)n >= sizeof(partial))
		return rd_fail(RD_USAGE, "%s: name too long", path);
	status = write_new(partial, data, len, mode);
	if (status || !move(partial, path))
		return status;
	status = rd_fail(errno == EEXIST ? RD_USAGE : RD_HOST_ERROR, "%s: %s", path,
			 strerror(errno));
	unlink(partial);
	return status;
}

int rd_file_create(const char *path, const void *data, size_t len)
{
	return put(path, data, len, 0600, rename_new);
}

int rd_file_replace(const char *path, const void *data, size_t len)
{
	struct stat st;

	/* A rename would put a file in the place of a device or a pipe. */
	if (!stat(path, &st) && !S_ISREG(st.st_mode))
		return rd_fail(RD_USAGE, "%s: not a regular file", path);
	return put(path, data, len, 0666, rename);
}

bool rd_file_same(const char *a, const char *b)
{
	struct stat sa, sb;

	return !stat(a, &sa) && !stat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}
