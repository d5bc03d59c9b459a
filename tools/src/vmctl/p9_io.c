// SPDX-License-Identifier: GPL-2.0-only
/* 9P messages about open files and directories. */
#include "tools/src/vmctl/p9_file.h"
#include "tools/src/vmctl/p9_priv.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define READDIR_HEAD (RD_P9_QID_LEN + 8 + 1 + 2)
#define DIRENTS_LEN 8192u

static bool wants_to_write(uint32_t flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || flags & (O_TRUNC | O_APPEND);
}

/* The flags of the protocol have Linux's values. */
int rd_p9_op_lopen(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in), flags = rd_p9_get32(in);
	struct rd_p9_fid *fid;
	struct stat st;
	int err = rd_p9_fid_and_end(s, id, in, &fid), io;

	if (err)
		return err;
	if (s->read_only && wants_to_write(flags))
		return EROFS;
	if (fid->io >= 0)
		return EBUSY;
	if (!rd_p9_fid_room(s))
		return EMFILE;
	io = rd_p9_open(fid->fd, (int)flags);
	if (io < 0)
		return -io;
	if (fstat(io, &st)) {
		close(io);
		return EIO;
	}
	rd_p9_fid_opened(s, fid, io, S_ISDIR(st.st_mode));
	rd_p9_put_qid_stat(s, out, &st);
	rd_p9_put(out, 4, 0);
	return 0;
}

/* The handle of the directory becomes that of the file. */
int rd_p9_op_lcreate(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in), flags, mode;
	char name[RD_P9_NAME_ROOM];
	struct rd_p9_fid *fid;
	int err, io, fd;

	rd_p9_string(in, name, sizeof(name));
	flags = rd_p9_get32(in);
	mode = rd_p9_get32(in);
	rd_p9_get32(in);
	err = rd_p9_fid_and_end(s, id, in, &fid);
	if (err || fid->io >= 0)
		return err ? err : EBUSY;
	if (!rd_p9_fid_room(s))
		return EMFILE;
	io = rd_p9_create(fid->fd, name, (int)flags, mode);
	if (io < 0)
		return -io;
	fd = fcntl(io, F_DUPFD_CLOEXEC, 0);
	if (fd < 0) {
		close(io);
		return EMFILE;
	}
	close(fid->fd);
	fid->fd = fd;
	rd_p9_fid_opened(s, fid, io, false);
	err = rd_p9_put_qid_fd(s, out, fd);
	rd_p9_put(out, 4, 0);
	return err;
}

/* How much of COUNT fits into the answer, after the four bytes that say so. */
static uint32_t fitting(const struct rd_p9_out *out, uint32_t count)
{
	size_t room = out->room - out->at;

	return count < room ? count : (uint32_t)room;
}

int rd_p9_op_read(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in);
	uint64_t off = rd_p9_get(in, 8);
	uint32_t count = rd_p9_get32(in);
	struct rd_p9_out head = *out;
	struct rd_p9_fid *fid;
	int err = rd_p9_fid_and_end(s, id, in, &fid);
	ssize_t n;

	if (err || fid->io < 0 || fid->dir)
		return err ? err : EBADF;
	if (!rd_p9_space(out, 4))
		return EMSGSIZE;
	count = fitting(out, count);
	n = pread(fid->io, out->p + out->at, count, (off_t)off);
	if (n < 0)
		return errno;
	rd_p9_space(out, (size_t)n);
	rd_p9_put(&head, 4, (uint64_t)n);
	return 0;
}

int rd_p9_op_write(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in);
	uint64_t off = rd_p9_get(in, 8);
	uint32_t count = rd_p9_get32(in);
	const uint8_t *data = rd_p9_bytes(in, count);
	struct rd_p9_fid *fid;
	int err = rd_p9_fid_and_end(s, id, in, &fid);
	ssize_t n;

	if (err || fid->io < 0 || fid->dir)
		return err ? err : EBADF;
	n = pwrite(fid->io, data, count, (off_t)off);
	if (n < 0)
		return errno;
	rd_p9_put(out, 4, (uint64_t)n);
	return 0;
}

/* Put what fits of the LEN bytes of entries at FROM. Returns false when one did not. */
static bool put_entries(const struct rd_p9 *s, uint64_t dev, struct rd_p9_out *out,
			const uint8_t *from, size_t len)
{
	for (size_t at = 0; at < len;) {
		const struct dirent64 *d = (const void *)(from + at);
		uint8_t type = d->d_type == DT_DIR   ? RD_P9_QID_DIR
			       : d->d_type == DT_LNK ? RD_P9_QID_SYMLINK
						     : 0;
		size_t name_len = strlen(d->d_name);

		if (out->room - out->at < READDIR_HEAD + name_len)
			return false;
		rd_p9_put_qid(out, type, 0, rd_p9_qid_path(s, dev, d->d_ino));
		rd_p9_put(out, 8, (uint64_t)d->d_off);
		rd_p9_put(out, 1, d->d_type);
		rd_p9_put_string(out, d->d_name, name_len);
		at += d->d_reclen;
	}
	return true;
}

/* The offset is what the last entry that the client has seen came with. */
int rd_p9_op_readdir(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	_Alignas(struct dirent64) uint8_t entries[DIRENTS_LEN];
	uint32_t id = rd_p9_get32(in);
	uint64_t off = rd_p9_get(in, 8);
	uint32_t count = rd_p9_get32(in);
	struct rd_p9_out head = *out, part;
	struct rd_p9_fid *fid;
	struct stat st;
	int err = rd_p9_fid_and_end(s, id, in, &fid);
	ssize_t n;

	if (err || fid->io < 0 || !fid->dir)
		return err ? err : EBADF;
	if (fstat(fid->io, &st) || lseek(fid->io, (off_t)off, SEEK_SET) < 0)
		return errno;
	if (!rd_p9_space(out, 4))
		return EMSGSIZE;
	part = (struct rd_p9_out){ .p = out->p + out->at, .room = fitting(out, count) };
	do {
		n = getdents64(fid->io, entries, sizeof(entries));
		if (n < 0)
			return errno;
	} while (n && put_entries(s, st.st_dev, &part, entries, (size_t)n));
	/* There is an entry, and not even one fits: no end of the directory. */
	if (n && !part.at)
		return EINVAL;
	rd_p9_space(out, part.at);
	rd_p9_put(&head, 4, part.at);
	return 0;
}

int rd_p9_op_fsync(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in), data_only = rd_p9_get32(in);
	struct rd_p9_fid *fid;
	int err = rd_p9_fid_and_end(s, id, in, &fid);

	(void)out;
	if (err || fid->io < 0)
		return err ? err : EBADF;
	return (data_only ? fdatasync(fid->io) : fsync(fid->io)) ? errno : 0;
}

/* Locks are the guest's own affair: it has kept them before it asks, and no other client is there.
 */
int rd_p9_op_lock(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in);
	char client[RD_P9_NAME_ROOM];
	struct rd_p9_fid *fid;
	int err;

	rd_p9_bytes(in, 1 + 4 + 8 + 8 + 4);
	rd_p9_string(in, client, sizeof(client));
	err = rd_p9_fid_and_end(s, id, in, &fid);
	rd_p9_put(out, 1, 0);
	return err;
}

int rd_p9_op_getlock(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in), process;
	char client[RD_P9_NAME_ROOM];
	struct rd_p9_fid *fid;
	uint64_t start, len;
	int err;

	rd_p9_get(in, 1);
	start = rd_p9_get(in, 8);
	len = rd_p9_get(in, 8);
	process = rd_p9_get32(in);
	rd_p9_string(in, client, sizeof(client));
	err = rd_p9_fid_and_end(s, id, in, &fid);
	rd_p9_put(out, 1, F_UNLCK);
	rd_p9_put(out, 8, start);
	rd_p9_put(out, 8, len);
	rd_p9_put(out, 4, process);
	rd_p9_put_string(out, client, strlen(client));
	return err;
}
