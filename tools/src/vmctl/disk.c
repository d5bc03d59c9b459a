// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files and block devices as disks. With O_DIRECT, requests whose buffers are not aligned go
 * through a buffer that is.
 */
#include "tools/src/vmctl/disk.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECT_ALIGN 4096u	/* of buffers, enough for every device */
#define BOUNCE_LEN (1u << 20)
#define ZEROES_LEN (1u << 16)

static bool is_word(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && !memcmp(s, word, len);
}

static int parse_word(const char *s, size_t len, struct rd_disk_config *c)
{
	if (is_word(s, len, "ro"))
		c->read_only = true;
	else if (is_word(s, len, "direct"))
		c->direct = true;
	else if (len > 3 && !memcmp(s, "id=", 3) && len - 3 <= RD_DISK_ID_LEN)
		memcpy(c->id, s + 3, len - 3);
	else
		return rd_fail(RD_USAGE, "--disk: ro, direct or id=ID (up to %u characters), not "
			       "\"%.*s\"", RD_DISK_ID_LEN, (int)len, s);
	return RD_OK;
}

int rd_disk_parse(const char *value, struct rd_disk_config *c)
{
	const char *s = value + strcspn(value, ",");
	int status = RD_OK;

	*c = (struct rd_disk_config){ .path = value, .path_len = (size_t)(s - value) };
	if (!c->path_len || c->path_len >= PATH_MAX)
		return rd_fail(RD_USAGE, "--disk: FILE[,ro][,direct][,id=ID], not \"%s\"", value);
	while (*s && !status) {
		size_t len = strcspn(++s, ",");

		status = parse_word(s, len, c);
		s += len;
	}
	return status;
}

/* Open file description locks: unlike a process's, they belong to this descriptor alone. */
static int lock(struct rd_disk *d, const char *path)
{
	struct flock l = { .l_type = d->read_only ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET };

	if (!fcntl(d->fd, F_OFD_SETLK, &l))
		return RD_OK;
	if (errno == EAGAIN || errno == EACCES)
		return rd_fail(RD_HOST_ERROR, "%s: in use by another machine%s", path,
			       d->read_only ? " that writes to it" : "");
	return rd_fail(RD_HOST_ERROR, "%s: cannot lock: %s", path, strerror(errno));
}

/* The smallest unit in which the file can be read without the page cache. */
static int probe_direct(struct rd_disk *d, const char *path)
{
	void *buf;

	if (posix_memalign(&buf, DIRECT_ALIGN, DIRECT_ALIGN))
		return rd_fail(RD_HOST_ERROR, "out of memory");
	for (d->block = RD_SECTOR; d->block < DIRECT_ALIGN; d->block *= 2)
		if (pread(d->fd, buf, d->block, d->block) >= 0)
			break;
	free(buf);
	if (d->size % d->block)
		return rd_fail(RD_USAGE, "%s: its size is not a multiple of %u bytes, as direct "
			       "needs here", path, d->block);
	return RD_OK;
}

static int measure(struct rd_disk *d, const char *path)
{
	struct stat st;
	int sector = RD_SECTOR;

	if (fstat(d->fd, &st))
		return rd_fail(RD_HOST_ERROR, "%s: %s", path, strerror(errno));
	d->block = RD_SECTOR;
	d->device = S_ISBLK(st.st_mode);
	if (d->device) {
		if (ioctl(d->fd, BLKGETSIZE64, &d->size) || ioctl(d->fd, BLKSSZGET, &sector))
			return rd_fail(RD_HOST_ERROR, "%s: %s", path, strerror(errno));
		d->block = (uint32_t)sector;
	} else if (S_ISREG(st.st_mode)) {
		d->size = (uint64_t)st.st_size;
	} else {
		return rd_fail(RD_USAGE, "%s: neither a file nor a block device", path);
	}
	if (!d->size || d->size % d->block)
		return rd_fail(RD_USAGE, "%s: a size of %llu bytes is not a disk's (a multiple of "
			       "%u)", path, (unsigned long long)d->size, d->block);
	return d->direct && !d->device ? probe_direct(d, path) : RD_OK;
}

/* Block devices are opened exclusively: one that is mounted is not for guests to write to. */
static int open_path(struct rd_disk *d, const char *path)
{
	struct stat st;
	int flags = (d->read_only ? O_RDONLY : O_RDWR) | (d->direct ? O_DIRECT : 0);

	if (!d->read_only && !stat(path, &st) && S_ISBLK(st.st_mode))
		flags |= O_EXCL;
	/* Non-blocking, so that a FIFO is refused below rather than waited for. */
	d->fd = open(path, flags | O_CLOEXEC | O_NONBLOCK);
	if (d->fd >= 0)
		return RD_OK;
	if (errno == EINVAL && d->direct)
		return rd_fail(RD_HOST_ERROR, "%s: its file system has no direct I/O", path);
	if (errno == EBUSY)
		return rd_fail(RD_HOST_ERROR, "%s: in use by the host", path);
	return rd_fail(RD_USAGE, "%s: %s", path, strerror(errno));
}

int rd_disk_open(struct rd_disk *d, const struct rd_disk_config *c)
{
	char path[PATH_MAX];
	size_t skip = c->path_len < sizeof(d->name) ? 0 : c->path_len - (sizeof(d->name) - 1);
	int status;

	memset(d, 0, sizeof(*d));
	snprintf(path, sizeof(path), "%.*s", (int)c->path_len, c->path);
	snprintf(d->name, sizeof(d->name), "%s", path + skip);
	d->read_only = c->read_only;
	d->direct = c->direct;
	status = open_path(d, path);
	if (!status)
		status = measure(d, path);
	return status ? status : lock(d, path);
}

void rd_disk_close(struct rd_disk *d)
{
	if (d->fd >= 0)
		close(d->fd);
	d->fd = -1;
}

/* Report the first error of a disk; the guest hears of each. Returns the errno. */
static int failed(struct rd_disk *d, const char *what, uint64_t off, int err)
{
	if (!__atomic_exchange_n(&d->warned, 1, __ATOMIC_RELAXED))
		rd_warn("%s: %s at byte %llu: %s", d->name, what, (unsigned long long)off,
			strerror(err));
	return err;
}

/* Take N bytes off the front of the parts. Returns the number of parts left. */
static unsigned int consume(struct iovec **iov, unsigned int n, size_t bytes)
{
	while (n && bytes >= (*iov)->iov_len) {
		bytes -= (*iov)->iov_len;
		(*iov)++;
		n--;
	}
	if (n) {
		(*iov)->iov_base = (uint8_t *)(*iov)->iov_base + bytes;
		(*iov)->iov_len -= bytes;
	}
	return n;
}

/* Returns 0 or an errno. */
static int transfer(int fd, struct iovec *iov, unsigned int n, uint64_t off, bool write)
{
	while (n) {
		ssize_t done = write ? pwritev(fd, iov, (int)n, (off_t)off) :
				       preadv(fd, iov, (int)n, (off_t)off);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return done ? errno : EIO;	/* the file became shorter */
		off += (uint64_t)done;
		n = consume(&iov, n, (size_t)done);
	}
	return 0;
}

static bool aligned(const struct iovec *iov, unsigned int n, uint32_t block)
{
	for (unsigned int i = 0; i < n; i++)
		if ((uintptr_t)iov[i].iov_base % block || iov[i].iov_len % block)
			return false;
	return true;
}

/* Copy LEN bytes between the front of the parts and BUF, and consume them. */
static void exchange(struct iovec **iov, unsigned int *n, uint8_t *buf, size_t len, bool to_buf)
{
	while (len) {
		size_t part = (*iov)->iov_len < len ? (*iov)->iov_len : len;

		if (to_buf)
			memcpy(buf, (*iov)->iov_base, part);
		else
			memcpy((*iov)->iov_base, buf, part);
		buf += part;
		len -= part;
		*n = consume(iov, *n, part);
	}
}

static int bounce(int fd, struct iovec *iov, unsigned int n, uint64_t off, bool write)
{
	uint64_t left = 0;
	int err = 0;
	void *buf;

	for (unsigned int i = 0; i < n; i++)
		left += iov[i].iov_len;
	if (posix_memalign(&buf, DIRECT_ALIGN, BOUNCE_LEN))
		return ENOMEM;
	while (left && !err) {
		size_t len = left < BOUNCE_LEN ? left : BOUNCE_LEN;
		struct iovec one = { .iov_base = buf, .iov_len = len };

		if (write)
			exchange(&iov, &n, buf, len, true);
		err = transfer(fd, &one, 1, off, write);
		if (!write && !err)
			exchange(&iov, &n, buf, len, false);
		off += len;
		left -= len;
	}
	free(buf);
	return err;
}

static int do_io(struct rd_disk *d, struct iovec *iov, unsigned int n, uint64_t off, bool write)
{
	bool straight = !d->direct || aligned(iov, n, d->block);
	int err = straight ? transfer(d->fd, iov, n, off, write) :
			     bounce(d->fd, iov, n, off, write);

	return err ? failed(d, write ? "write error" : "read error", off, err) : 0;
}

int rd_disk_read(struct rd_disk *d, struct iovec *iov, unsigned int n, uint64_t off)
{
	return do_io(d, iov, n, off, false);
}

int rd_disk_write(struct rd_disk *d, struct iovec *iov, unsigned int n, uint64_t off)
{
	return do_io(d, iov, n, off, true);
}

int rd_disk_flush(struct rd_disk *d)
{
	return fdatasync(d->fd) ? failed(d, "flush error", 0, errno) : 0;
}

static int punch(struct rd_disk *d, uint64_t off, uint64_t len)
{
	return fallocate(d->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)off,
			 (off_t)len);
}

int rd_disk_discard(struct rd_disk *d, uint64_t off, uint64_t len)
{
	uint64_t range[2] = { off, len };
	int ret = d->device ? ioctl(d->fd, BLKDISCARD, range) : punch(d, off, len);

	if (!ret || errno == EOPNOTSUPP || errno == ENOTTY)
		return 0;
	return failed(d, "discard error", off, errno);
}

/* For file systems and devices that cannot do it themselves. Returns 0 or an errno. */
static int write_zeroes(struct rd_disk *d, uint64_t off, uint64_t len)
{
	void *zeroes;
	int err = 0;

	if (posix_memalign(&zeroes, DIRECT_ALIGN, ZEROES_LEN))
		return ENOMEM;
	memset(zeroes, 0, ZEROES_LEN);
	while (len && !err) {
		struct iovec one = { .iov_base = zeroes };

		one.iov_len = len < ZEROES_LEN ? len : ZEROES_LEN;
		off += one.iov_len;
		len -= one.iov_len;
		err = transfer(d->fd, &one, 1, off - one.iov_len, true);
	}
	free(zeroes);
	return err;
}

int rd_disk_zero(struct rd_disk *d, uint64_t off, uint64_t len, bool unmap)
{
	int err;

	if (unmap && !punch(d, off, len))
		return 0;
	if (!fallocate(d->fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, (off_t)off, (off_t)len))
		return 0;
	err = write_zeroes(d, off, len);
	return err ? failed(d, "write error", off, err) : 0;
}
