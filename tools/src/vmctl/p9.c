// SPDX-License-Identifier: GPL-2.0-only
/* The session of the 9P server: handles, heads of messages, errors as answers. */
#include "tools/src/vmctl/p9.h"

#include "tools/src/vmctl/p9_priv.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rd_p9_fid **place(struct rd_p9 *s, uint32_t id)
{
	struct rd_p9_fid **f = &s->fids[id % RD_P9_BUCKETS];

	while (*f && (*f)->id != id)
		f = &(*f)->next;
	return f;
}

struct rd_p9_fid *rd_p9_fid(struct rd_p9 *s, uint32_t id)
{
	return *place(s, id);
}

bool rd_p9_fid_room(const struct rd_p9 *s)
{
	return s->files < s->files_max;
}

int rd_p9_fid_add(struct rd_p9 *s, uint32_t id, int fd)
{
	struct rd_p9_fid **at = place(s, id), *f = NULL;
	int err = 0;

	if (id == RD_P9_NO_FID || *at)
		err = EBADF;
	else if (!rd_p9_fid_room(s))
		err = EMFILE;
	else if (!(f = malloc(sizeof(*f))))
		err = ENOMEM;
	if (err) {
		if (fd >= 0)
			close(fd);
		return err;
	}
	*f = (struct rd_p9_fid){ .id = id, .fd = fd, .io = -1 };
	*at = f;
	s->files++;
	return 0;
}

void rd_p9_fid_opened(struct rd_p9 *s, struct rd_p9_fid *fid, int io, bool dir)
{
	if (fid->io >= 0)
		close(fid->io);
	else
		s->files++;
	fid->io = io;
	fid->dir = dir;
}

void rd_p9_fid_drop(struct rd_p9 *s, uint32_t id)
{
	struct rd_p9_fid **at = place(s, id), *f = *at;

	if (!f)
		return;
	*at = f->next;
	s->files--;
	if (f->fd >= 0)
		close(f->fd);
	if (f->io >= 0) {
		s->files--;
		close(f->io);
	}
	free(f);
}

void rd_p9_reset(struct rd_p9 *s)
{
	for (unsigned int i = 0; i < RD_P9_BUCKETS; i++)
		while (s->fids[i])
			rd_p9_fid_drop(s, s->fids[i]->id);
	s->msize = 0;
}

struct rd_p9 *rd_p9_new(int root, bool read_only, unsigned int files_max)
{
	struct rd_p9 *s = calloc(1, sizeof(*s));
	struct stat st;

	if (!s || fstat(root, &st)) {
		free(s);
		close(root);
		return NULL;
	}
	s->root = root;
	s->root_dev = st.st_dev;
	s->read_only = read_only;
	s->files_max = files_max;
	return s;
}

void rd_p9_free(struct rd_p9 *s)
{
	rd_p9_reset(s);
	close(s->root);
	free(s);
}

static int serve(struct rd_p9 *s, uint8_t type, struct rd_p9_in *in, struct rd_p9_out *out)
{
	const struct rd_p9_op *op = type < 128 ? &rd_p9_ops[type] : NULL;

	if (!op || !op->serve)
		return EOPNOTSUPP;
	if (!s->msize && type != RD_P9_TVERSION)
		return EPROTO;
	if (op->writes && s->read_only)
		return EROFS;
	return op->serve(s, in, out);
}

static void put_head(struct rd_p9_out *out, uint8_t type, uint16_t tag, size_t size)
{
	out->at = 0;
	out->full = false;
	rd_p9_put(out, 4, size);
	rd_p9_put(out, 1, type);
	rd_p9_put(out, 2, tag);
}

size_t rd_p9_serve(struct rd_p9 *s, const uint8_t *from, size_t len, uint8_t *to, size_t room)
{
	uint32_t limit = s->msize ? s->msize : RD_P9_MESSAGE_MAX;
	struct rd_p9_in in = { .p = from, .len = len };
	struct rd_p9_out out = { .p = to, .room = room < limit ? room : limit };
	uint32_t size = rd_p9_get32(&in);
	uint8_t type = (uint8_t)rd_p9_get(&in, 1);
	uint16_t tag = (uint16_t)rd_p9_get(&in, 2);
	size_t end;
	int err;

	if (in.err || size < RD_P9_HEAD || size > len || size > limit || room < RD_P9_HEAD + 4)
		return 0;
	in.len = size;
	put_head(&out, 0, tag, 0);
	err = serve(s, type, &in, &out);
	if (!err && out.full)
		err = EMSGSIZE;
	if (err) {
		put_head(&out, RD_P9_RLERROR, tag, RD_P9_HEAD + 4);
		rd_p9_put(&out, 4, (uint64_t)err);
		return out.at;
	}
	end = out.at;
	put_head(&out, type + 1, tag, end);
	return end;
}
