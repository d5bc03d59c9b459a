// SPDX-License-Identifier: GPL-2.0-only
/*
 * The 9P server's session in a snapshot. A handle is saved as the names that lead from the folder
 * to its file, and found again by them, under the same confinement as a walk. Where another file
 * has that place now, or none, the handle is stale: it answers ESTALE until the client drops it.
 */
#include "tools/src/vmctl/p9_file.h"
#include "tools/src/vmctl/p9_priv.h"
#include "tools/src/vmctl/pack.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define IO_FLAGS (O_ACCMODE | O_APPEND | O_DSYNC | O_SYNC)

struct saved {
	uint32_t id, flags; /* flags: of the descriptor for I/O */
	uint64_t ino;
	bool found, open;
	uint16_t len; /* of names: one after the other, with slashes; none for the folder */
	char names[PATH_MAX];
};

static ssize_t own_path(int fd, char *to, size_t room)
{
	char link[40];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, to, room);
	return len < (ssize_t)room ? len : -1;
}

/* Go from the folder by NAMES. A descriptor, or a negative errno. */
static int find(const struct rd_p9 *s, const char *names)
{
	int at = fcntl(s->root, F_DUPFD_CLOEXEC, 0);

	while (at >= 0 && *names) {
		char name[RD_P9_NAME_ROOM];
		size_t len = strcspn(names, "/");
		int next = -ENAMETOOLONG;

		if (len < sizeof(name)) {
			memcpy(name, names, len);
			name[len] = 0;
			next = rd_p9_child(at, name);
		}
		close(at);
		at = next;
		names += len + (names[len] == '/');
	}
	return at;
}

static bool same_file(int a, const struct stat *st)
{
	struct stat other;

	return !fstat(a, &other) && other.st_ino == st->st_ino && other.st_dev == st->st_dev;
}

/* The kernel's name of a file is a hint: it counts if it leads to the file. */
static bool name_file(const struct rd_p9 *s, int fd, struct saved *to)
{
	char root[PATH_MAX];
	ssize_t root_len = own_path(s->root, root, sizeof(root));
	ssize_t len = own_path(fd, to->names, sizeof(to->names));
	struct stat st;
	bool same;
	int again;

	if (root_len == 1)
		root_len = 0; /* "/" */
	if (root_len < 0 || len < root_len || memcmp(to->names, root, (size_t)root_len) != 0)
		return false;
	root_len += len > root_len;
	to->len = (uint16_t)(len - root_len);
	memmove(to->names, to->names + root_len, to->len);
	to->names[to->len] = 0;
	again = find(s, to->names);
	same = again >= 0 && !fstat(fd, &st) && same_file(again, &st);
	if (same)
		to->ino = st.st_ino;
	if (again >= 0)
		close(again);
	return same;
}

static void describe(const struct rd_p9 *s, const struct rd_p9_fid *f, struct saved *to)
{
	int flags;

	memset(to, 0, sizeof(*to));
	to->id = f->id;
	to->found = f->fd >= 0 && name_file(s, f->fd, to);
	if (!to->found)
		to->len = 0;
	flags = to->found && f->io >= 0 ? fcntl(f->io, F_GETFL) : -1;
	to->open = flags >= 0;
	to->flags = to->open ? (uint32_t)flags & IO_FLAGS : 0;
}

static void transfer_one(struct saved *f, struct rd_pack *p)
{
	rd_pack_u32(p, &f->id);
	rd_pack_bool(p, &f->found);
	rd_pack_bool(p, &f->open);
	rd_pack_u32(p, &f->flags);
	rd_pack_u64(p, &f->ino);
	rd_pack_u16(p, &f->len);
	if (f->len >= sizeof(f->names)) {
		p->bad = true;
		f->len = 0;
	}
	rd_pack_bytes(p, f->names, f->len);
	f->names[f->len] = 0;
}

/* The file's descriptor and, if it was open, the one for I/O. False: it is not there any more. */
static bool find_again(const struct rd_p9 *s, const struct saved *f, int *fd, int *io)
{
	struct stat st;

	*io = -1;
	*fd = f->found ? find(s, f->names) : -1;
	if (*fd < 0)
		return false;
	if (f->open)
		*io = rd_p9_open(*fd, (int)(f->flags & IO_FLAGS));
	if (!fstat(*fd, &st) && (!f->len || st.st_ino == f->ino) && (!f->open || *io >= 0))
		return true;
	if (*io >= 0)
		close(*io);
	close(*fd);
	*fd = *io = -1;
	return false;
}

/* False: no client could have such a handle. */
static bool take_back(struct rd_p9 *s, const struct saved *f)
{
	struct stat st = { 0 };
	int fd, io;

	if (f->flags & ~(uint32_t)IO_FLAGS || strlen(f->names) != f->len ||
	    (s->read_only && (f->flags & O_ACCMODE) != O_RDONLY))
		return false;
	if (!find_again(s, f, &fd, &io))
		fd = -1;
	if (rd_p9_fid_add(s, f->id, fd)) {
		if (io >= 0)
			close(io);
		return false;
	}
	if (io < 0)
		return true;
	if (!rd_p9_fid_room(s) || fstat(io, &st)) {
		close(io);
		return false;
	}
	rd_p9_fid_opened(s, rd_p9_fid(s, f->id), io, S_ISDIR(st.st_mode));
	return true;
}

static void load(struct rd_p9 *s, struct rd_pack *p, uint32_t n)
{
	struct saved f = { 0 };

	while (n-- && !p->bad) {
		transfer_one(&f, p);
		if (!p->bad && !take_back(s, &f))
			p->bad = true;
	}
	if (p->bad)
		rd_p9_reset(s);
}

static void save(struct rd_p9 *s, struct rd_pack *p)
{
	struct saved f;

	for (unsigned int i = 0; i < RD_P9_BUCKETS; i++) {
		for (const struct rd_p9_fid *fid = s->fids[i]; fid; fid = fid->next) {
			describe(s, fid, &f);
			transfer_one(&f, p);
		}
	}
}

void rd_p9_transfer(struct rd_p9 *s, struct rd_pack *p)
{
	uint32_t n = 0;

	if (p->loading)
		rd_p9_reset(s);
	for (unsigned int i = 0; i < RD_P9_BUCKETS; i++)
		for (const struct rd_p9_fid *f = s->fids[i]; f; f = f->next)
			n++;
	rd_pack_u32(p, &s->msize);
	rd_pack_u32(p, &n);
	if (s->msize && (s->msize < RD_P9_MESSAGE_MIN || s->msize > RD_P9_MESSAGE_MAX))
		p->bad = true;
	if (p->loading)
		load(s, p, n);
	else
		save(s, p);
}
