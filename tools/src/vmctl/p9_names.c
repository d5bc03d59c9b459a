// SPDX-License-Identifier: GPL-2.0-only
/* 9P messages that find, make, move and remove names. */
#include "tools/src/vmctl/p9_file.h"
#include "tools/src/vmctl/p9_priv.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

/* The qid of NAME, which has just been made in DIR. */
static int put_qid_child(const struct rd_p9 *s, struct rd_p9_out *out, int dir, const char *name)
{
	int fd = rd_p9_child(dir, name), err;

	if (fd < 0)
		return -fd;
	err = rd_p9_put_qid_fd(s, out, fd);
	close(fd);
	return err;
}

/* Go from FROM by N names. The descriptor where it ends, and how many steps were made in *DONE. */
static int walk(struct rd_p9 *s, struct rd_p9_out *out, int from, char (*names)[RD_P9_NAME_ROOM],
		unsigned int n, unsigned int *done)
{
	int at = fcntl(from, F_DUPFD_CLOEXEC, 0);

	*done = 0;
	if (at < 0)
		return -errno;
	while (*done < n) {
		int next = rd_p9_child(at, names[*done]);

		if (next < 0 || rd_p9_put_qid_fd(s, out, next)) {
			if (next >= 0)
				close(next);
			close(at);
			return next < 0 ? next : -EIO;
		}
		close(at);
		at = next;
		++*done;
	}
	return at;
}

/* A walk that stops half-way answers with the steps it made; the new handle is not made then. */
int rd_p9_op_walk(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in), new_id = rd_p9_get32(in);
	unsigned int n = (unsigned int)rd_p9_get(in, 2), done;
	char names[RD_P9_WALK_MAX][RD_P9_NAME_ROOM];
	uint8_t *count = rd_p9_space(out, 2);
	struct rd_p9_fid *fid;
	int err, at;

	for (unsigned int i = 0; i < n && i < RD_P9_WALK_MAX; i++)
		rd_p9_string(in, names[i], sizeof(names[i]));
	err = rd_p9_fid_and_end(s, id, in, &fid);
	if (err || n > RD_P9_WALK_MAX || !count)
		return err ? err : EINVAL;
	if (new_id != id && rd_p9_fid(s, new_id))
		return EBADF;
	at = walk(s, out, fid->fd, names, n, &done);
	if (at < 0 && !done)
		return -at;
	count[0] = (uint8_t)done;
	count[1] = 0;
	if (at < 0)
		return 0;
	if (new_id == id)
		rd_p9_fid_drop(s, id);
	return rd_p9_fid_add(s, new_id, at);
}

int rd_p9_op_mkdir(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in), mode;
	char name[RD_P9_NAME_ROOM];
	struct rd_p9_fid *dir;
	int err;

	rd_p9_string(in, name, sizeof(name));
	mode = rd_p9_get32(in);
	rd_p9_get32(in);
	err = rd_p9_fid_and_end(s, id, in, &dir);
	if (!err)
		err = -rd_p9_mkdir(dir->fd, name, mode);
	return err ? err : put_qid_child(s, out, dir->fd, name);
}

int rd_p9_op_mknod(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in), mode;
	char name[RD_P9_NAME_ROOM];
	struct rd_p9_fid *dir;
	int err;

	rd_p9_string(in, name, sizeof(name));
	mode = rd_p9_get32(in);
	rd_p9_bytes(in, 12); /* major, minor, group */
	err = rd_p9_fid_and_end(s, id, in, &dir);
	if (!err)
		err = -rd_p9_mknod(dir->fd, name, mode);
	return err ? err : put_qid_child(s, out, dir->fd, name);
}

int rd_p9_op_symlink(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in);
	char name[RD_P9_NAME_ROOM], target[PATH_MAX];
	struct rd_p9_fid *dir;
	int err;

	rd_p9_string(in, name, sizeof(name));
	rd_p9_string(in, target, sizeof(target));
	rd_p9_get32(in);
	err = rd_p9_fid_and_end(s, id, in, &dir);
	if (!err && !rd_p9_name_ok(name))
		err = EPERM;
	if (!err && symlinkat(target, dir->fd, name))
		err = errno;
	return err ? err : put_qid_child(s, out, dir->fd, name);
}

int rd_p9_op_link(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t dir_id = rd_p9_get32(in), id = rd_p9_get32(in);
	char name[RD_P9_NAME_ROOM];
	struct rd_p9_fid *fid, *dir;
	int err;

	(void)out;
	rd_p9_string(in, name, sizeof(name));
	err = rd_p9_fid_and_end(s, id, in, &fid);
	dir = rd_p9_fid(s, dir_id);
	if (!err && !dir)
		err = EBADF;
	return err ? err : -rd_p9_link(fid->fd, dir->fd, name);
}

int rd_p9_op_renameat(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	struct rd_p9_fid *from, *to;
	char old_name[RD_P9_NAME_ROOM], new_name[RD_P9_NAME_ROOM];

	(void)out;
	from = rd_p9_fid(s, rd_p9_get32(in));
	rd_p9_string(in, old_name, sizeof(old_name));
	to = rd_p9_fid(s, rd_p9_get32(in));
	rd_p9_string(in, new_name, sizeof(new_name));
	if (rd_p9_end(in))
		return in->err;
	if (!from || !to)
		return EBADF;
	if (!rd_p9_name_ok(old_name) || !rd_p9_name_ok(new_name))
		return EPERM;
	return renameat(from->fd, old_name, to->fd, new_name) ? errno : 0;
}

int rd_p9_op_unlinkat(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	uint32_t id = rd_p9_get32(in), flags;
	char name[RD_P9_NAME_ROOM];
	struct rd_p9_fid *dir;
	int err;

	(void)out;
	rd_p9_string(in, name, sizeof(name));
	flags = rd_p9_get32(in);
	err = rd_p9_fid_and_end(s, id, in, &dir);
	if (err)
		return err;
	if (!rd_p9_name_ok(name) || flags & ~(uint32_t)AT_REMOVEDIR)
		return EPERM;
	return unlinkat(dir->fd, name, (int)flags) ? errno : 0;
}

int rd_p9_op_readlink(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out)
{
	char target[PATH_MAX];
	struct rd_p9_fid *fid;
	int err = rd_p9_fid_and_end(s, rd_p9_get32(in), in, &fid);
	ssize_t len;

	if (err)
		return err;
	len = readlinkat(fid->fd, "", target, sizeof(target));
	if (len < 0)
		return errno == ENOENT ? EINVAL : errno;
	rd_p9_put_string(out, target, (size_t)len);
	return 0;
}
