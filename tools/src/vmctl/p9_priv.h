/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The parts of the 9P server: session and handles (p9.c), the table of messages (p9_ops.c) and what
 * they do (there, p9_names.c, p9_io.c).
 */
#ifndef RD_TOOLS_P9_PRIV_H
#define RD_TOOLS_P9_PRIV_H

#include "tools/src/vmctl/p9.h"
#include "tools/src/vmctl/p9_wire.h"

#include <limits.h>

struct stat;

#define RD_P9_BUCKETS 256u
#define RD_P9_NAME_ROOM (NAME_MAX + 1)
#define RD_P9_QID_DIR 0x80u
#define RD_P9_QID_SYMLINK 0x02u

struct rd_p9_fid {
	struct rd_p9_fid *next;
	uint32_t id;
	int fd; /* O_PATH, or as good as that; -1: stale, its file was gone at a restore */
	int io; /* opened for I/O, -1: not */
	bool dir; /* io is a directory's */
};

struct rd_p9 {
	int root;
	uint64_t root_dev;
	bool read_only;
	uint32_t msize; /* 0: no version was agreed on */
	unsigned int files, files_max;
	struct rd_p9_fid *fids[RD_P9_BUCKETS];
};

/*
 * What a message does: reads the rest of it, acts, writes the rest of the answer. Nothing is done
 * before the whole message was right. Returns 0 or an errno, which becomes the answer.
 */
struct rd_p9_op {
	int (*serve)(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
	bool writes; /* refused in a read-only folder */
};

/* rd_p9_ops - by type of message; those that there are not have a NULL serve. */
extern const struct rd_p9_op rd_p9_ops[128];

/* Its entries outside p9_ops.c. */
int rd_p9_op_fsync(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_getlock(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_lcreate(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_link(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_lock(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_lopen(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_mkdir(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_mknod(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_read(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_readdir(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_readlink(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_renameat(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_symlink(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_unlinkat(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_walk(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);
int rd_p9_op_write(struct rd_p9 *s, struct rd_p9_in *in, struct rd_p9_out *out);

/* rd_p9_qid_path - a number that no other file in the folder has, or as good as none. */
uint64_t rd_p9_qid_path(const struct rd_p9 *s, uint64_t dev, uint64_t ino);
/* Put a qid: of these parts, of what stat() says, of what FD is (an errno, or 0). */
void rd_p9_put_qid(struct rd_p9_out *out, uint8_t type, uint32_t version, uint64_t path);
void rd_p9_put_qid_stat(const struct rd_p9 *s, struct rd_p9_out *out, const struct stat *st);
int rd_p9_put_qid_fd(const struct rd_p9 *s, struct rd_p9_out *out, int fd);
/* rd_p9_fid_and_end - handle ID in *FID and, when the message is right and over, 0; or an errno. */
int rd_p9_fid_and_end(struct rd_p9 *s, uint32_t id, struct rd_p9_in *in, struct rd_p9_fid **fid);

/* rd_p9_fid - the handle ID, NULL: there is none. */
struct rd_p9_fid *rd_p9_fid(struct rd_p9 *s, uint32_t id);
/* rd_p9_fid_add - handle ID for FD (-1: stale), closed when this fails. An errno, or 0. */
int rd_p9_fid_add(struct rd_p9 *s, uint32_t id, int fd);
/* rd_p9_fid_room - whether the client may have one more descriptor. */
bool rd_p9_fid_room(const struct rd_p9 *s);
/* rd_p9_fid_opened - FID has IO now, in place of what it had. */
void rd_p9_fid_opened(struct rd_p9 *s, struct rd_p9_fid *fid, int io, bool dir);
/* rd_p9_fid_drop - the handle is gone. */
void rd_p9_fid_drop(struct rd_p9 *s, uint32_t id);

#endif
