// SPDX-License-Identifier: GPL-2.0-only
/* The table of 9P messages, what they have in common, and those about session and attributes. */
#include "tools/src/vmctl/p9_file.h"
#include "tools/src/vmctl/p9_priv.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define VERSION "9P2000.L"
#define STATS_BASIC 0x7ffu /* of Rgetattr: what stat() knows */

uint64_t rd_p9_qid_path(const struct rd_p9 *s, uint64_t dev, uint64_t ino)
{
	return dev == s->root_dev ? ino : ino ^ dev << 40 ^ 1ull << 63;
}

void rd_p9_put_qid(struct rd_p9_out *out, uint8_t type, uint32_t version, uint64_t path)
{
	rd_p9_put(out, 1, type);
	rd_p9_put(out, 4, version);
	rd_p9_put(out, 8, path);
}

void rd_p9_put_qid_stat(const struct rd_p9 *s, struct rd_p9_out *out, const struct stat *st)
{
	uint8_t type = S_ISDIR(st->st_mode)   ? RD_P9_QID_DIR
		       : S_ISLNK(st->st_mode) ? RD_P9_QID_SYMLINK
					      : 0;
	uint32_t version = (uint32_t)st->st_mtim.tv_sec ^ (uint32_t)st->st_mtim.tv_nsec ^
			   (uint32_t)st->st_size << 8;

	rd_p9_put_qid(out, type, version, rd_p9_qid_path(s, st->st_dev, st->st_ino));
}

int rd_p9_put_qid_fd(const struct rd_p9 *s, struct rd_p9_out *out, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return errno;
	rd_p9_put_qid_stat(s, out, &st);
	return 0;
}

int rd_p9_fid_and_end(struct rd_p9 *s, uint32_t id, struct rd_p9_in *in, struct rd_p9_fid **fid)
{
	*fid = rd_p9_fid(s, id);
	if (rd_p9_end(in))
		return in->err;
	if (!*fid)
		return EBADF;
	return (*fid)->fd < 0 ? ESTALE : 0;
}

/* --- session --- */

static int op_version(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t msize = rd_p9_get32(in);
	char version[32];
	bool known;

	rd_p9_string(in, version, sizeof(version));
	if (rd_p9_end(in))
		return in->err;
	if (msize < RD_P9_MESSAGE_MIN)
		return EMSGSIZE;
	msize = msize < RD_P9_MESSAGE_MAX ? msize : RD_P9_MESSAGE_MAX;
	known = !strcmp(version, VERSION);
	rd_p9_reset(s);
	s->msize = known ? msize : 0;
	rd_p9_put(out, 4, msize);
	rd_p9_put_string(out, known ? VERSION : "unknown", known ? strlen(VERSION) : 7);
	return 0;
}

static int op_attach(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in), auth = rd_p9_get32(in);
	char user[RD_P9_NAME_ROOM], name[RD_P9_NAME_ROOM];
	int fd, err;

	rd_p9_string(in, user, sizeof(user));
	rd_p9_string(in, name, sizeof(name));
	rd_p9_get32(in);
	if (rd_p9_end(in))
		return in->err;
	if (auth != RD_P9_NO_FID)
		return EOPNOTSUPP;
	if (*name && strcmp(name, "/") != 0)
		return ENOENT;
	fd = fcntl(s->root, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return errno;
	err = rd_p9_fid_add(s, id, fd);
	return err ? err : rd_p9_put_qid_fd(s, out, s->root);
}

/* Everything is answered at once: there is nothing to flush. */
static int op_flush(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	(void)s;
	(void)out;
	rd_p9_get(in, 2);
	return rd_p9_end(in);
}

static int op_clunk(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in);
	struct rd_p9_fid *fid;
	int err = rd_p9_fid_and_end(s, id, in, &fid);

	(void)out;
	if (err && err != ESTALE)
		return err;
	rd_p9_fid_drop(s, id);
	return 0;
}

/* Goes from a handle alone; clients have Tunlinkat. The handle is gone in any case. */
static int op_remove(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	int err = op_clunk(s, in, out);

	return err ? err : EOPNOTSUPP;
}

/* --- attributes --- */

static int op_getattr(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in);
	struct rd_p9_fid *fid;
	struct stat st;
	int err;

	rd_p9_get(in, 8);
	err = rd_p9_fid_and_end(s, id, in, &fid);
	if (err || fstat(fid->fd, &st))
		return err ? err : errno;
	rd_p9_put(out, 8, STATS_BASIC);
	rd_p9_put_qid_stat(s, out, &st);
	rd_p9_put(out, 4, st.st_mode);
	rd_p9_put(out, 4, st.st_uid);
	rd_p9_put(out, 4, st.st_gid);
	rd_p9_put(out, 8, st.st_nlink);
	rd_p9_put(out, 8, st.st_rdev);
	rd_p9_put(out, 8, (uint64_t)st.st_size);
	rd_p9_put(out, 8, (uint64_t)st.st_blksize);
	rd_p9_put(out, 8, (uint64_t)st.st_blocks);
	rd_p9_put(out, 8, (uint64_t)st.st_atim.tv_sec);
	rd_p9_put(out, 8, (uint64_t)st.st_atim.tv_nsec);
	rd_p9_put(out, 8, (uint64_t)st.st_mtim.tv_sec);
	rd_p9_put(out, 8, (uint64_t)st.st_mtim.tv_nsec);
	rd_p9_put(out, 8, (uint64_t)st.st_ctim.tv_sec);
	rd_p9_put(out, 8, (uint64_t)st.st_ctim.tv_nsec);
	/* Birth, generation and data version are not known. */
	for (unsigned int i = 0; i < 4; i++)
		rd_p9_put(out, 8, 0);
	return 0;
}

static int op_setattr(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in);
	struct rd_p9_fid *fid;
	struct rd_p9_attr a;
	int err;

	(void)out;
	a.valid = rd_p9_get32(in);
	a.mode = rd_p9_get32(in);
	a.uid = rd_p9_get32(in);
	a.gid = rd_p9_get32(in);
	a.size = rd_p9_get(in, 8);
	a.atime_s = rd_p9_get(in, 8);
	a.atime_ns = rd_p9_get(in, 8);
	a.mtime_s = rd_p9_get(in, 8);
	a.mtime_ns = rd_p9_get(in, 8);
	err = rd_p9_fid_and_end(s, id, in, &fid);
	return err ? err : -rd_p9_setattr(fid->fd, &a);
}

static int op_statfs(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	struct rd_p9_fid *fid;
	struct statfs st;
	int err = rd_p9_fid_and_end(s, rd_p9_get32(in), in, &fid);

	if (err || fstatfs(fid->fd, &st))
		return err ? err : errno;
	rd_p9_put(out, 4, (uint64_t)st.f_type);
	rd_p9_put(out, 4, (uint64_t)st.f_bsize);
	rd_p9_put(out, 8, st.f_blocks);
	rd_p9_put(out, 8, st.f_bfree);
	rd_p9_put(out, 8, st.f_bavail);
	rd_p9_put(out, 8, st.f_files);
	rd_p9_put(out, 8, st.f_ffree);
	rd_p9_put(out, 8, 0);
	rd_p9_put(out, 4, (uint64_t)st.f_namelen);
	return 0;
}

/* --- all of them --- */

/* What is not here (extended attributes, authentication, Trename) is answered EOPNOTSUPP. */
const struct rd_p9_op rd_p9_ops[128] = {
	[RD_P9_TSTATFS] = { op_statfs, false },
	[RD_P9_TLOPEN] = { rd_p9_op_lopen, false },
	[RD_P9_TLCREATE] = { rd_p9_op_lcreate, true },
	[RD_P9_TSYMLINK] = { rd_p9_op_symlink, true },
	[RD_P9_TMKNOD] = { rd_p9_op_mknod, true },
	[RD_P9_TREADLINK] = { rd_p9_op_readlink, false },
	[RD_P9_TGETATTR] = { op_getattr, false },
	[RD_P9_TSETATTR] = { op_setattr, true },
	[RD_P9_TREADDIR] = { rd_p9_op_readdir, false },
	[RD_P9_TFSYNC] = { rd_p9_op_fsync, false },
	[RD_P9_TLOCK] = { rd_p9_op_lock, false },
	[RD_P9_TGETLOCK] = { rd_p9_op_getlock, false },
	[RD_P9_TLINK] = { rd_p9_op_link, true },
	[RD_P9_TMKDIR] = { rd_p9_op_mkdir, true },
	[RD_P9_TRENAMEAT] = { rd_p9_op_renameat, true },
	[RD_P9_TUNLINKAT] = { rd_p9_op_unlinkat, true },
	[RD_P9_TVERSION] = { op_version, false },
	[RD_P9_TATTACH] = { op_attach, false },
	[RD_P9_TFLUSH] = { op_flush, false },
	[RD_P9_TWALK] = { rd_p9_op_walk, false },
	[RD_P9_TREAD] = { rd_p9_op_read, false },
	[RD_P9_TWRITE] = { rd_p9_op_write, true },
	[RD_P9_TCLUNK] = { op_clunk, false },
	[RD_P9_TREMOVE] = { op_remove, false },
};
