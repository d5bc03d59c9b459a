/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A server for 9P2000.L, the protocol in which Linux mounts a folder: one message in, one out. It
 * keeps a table of the client's handles (fids), each of which holds a file open, and answers
 * everything at once; whatever the client sends, it touches nothing outside its folder and nothing
 * at all in a read-only one. Files belong to the user that runs it. One thread at a time.
 */
#ifndef RD_TOOLS_P9_H
#define RD_TOOLS_P9_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RD_P9_MESSAGE_MAX (256u << 10)
#define RD_P9_MESSAGE_MIN 4096u

struct rd_p9;
struct rd_pack;

/*
 * rd_p9_new - a server for the folder that ROOT, an O_PATH descriptor, stands for; it takes ROOT.
 * FILES_MAX: so many descriptors for the client at most. NULL: out of memory, ROOT is closed.
 */
struct rd_p9 *rd_p9_new(int root, bool read_only, unsigned int files_max);
void rd_p9_free(struct rd_p9 *s);

/* rd_p9_reset - the client begins anew: all its handles are gone. */
void rd_p9_reset(struct rd_p9 *s);

/*
 * rd_p9_transfer - the session, saved or loaded, while nobody is served. Loading: what there was is
 * gone; handles whose files are not found are stale, what cannot be makes the pack bad.
 */
void rd_p9_transfer(struct rd_p9 *s, struct rd_pack *p);

/*
 * rd_p9_serve - answer the message of IN_LEN bytes at IN, which must not change meanwhile, with one
 * of at most ROOM bytes at OUT. Returns its length; 0: IN is no message, or no answer fits.
 */
size_t rd_p9_serve(struct rd_p9 *s, const uint8_t *in, size_t in_len, uint8_t *out, size_t room);

#endif
