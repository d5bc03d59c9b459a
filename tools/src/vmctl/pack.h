/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * State as bytes. One routine serves both directions: a device names its fields once, and the
 * direction of the pack decides whether they are written or read. So saving and loading cannot
 * disagree about order or width.
 *
 * What is loaded comes from a file and is hostile: reading past the end marks the pack bad and
 * yields zeros; whoever loads looks at the values before it uses them.
 */
#ifndef RD_TOOLS_PACK_H
#define RD_TOOLS_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd_pack {
	uint8_t *data;		/* saving: owned; loading: somebody else's */
	size_t len;		/* bytes that are there */
	size_t room;		/* saving: bytes allocated */
	size_t pos;		/* loading: bytes consumed */
	bool loading;
	bool bad;		/* saving: out of memory; loading: too short */
};

/* rd_pack_save - an empty pack to save into. Free it. */
void rd_pack_save(struct rd_pack *p);

/* rd_pack_load - load from LEN bytes at DATA, which must outlive the pack. */
void rd_pack_load(struct rd_pack *p, const void *data, size_t len);

/* rd_pack_free - give the memory back; nothing to do for one that loads. */
void rd_pack_free(struct rd_pack *p);

/* rd_pack_bytes - N bytes at V, from or to the pack. */
void rd_pack_bytes(struct rd_pack *p, void *v, size_t n);

/* rd_pack_sized - the same preceded by N itself: another size in the pack makes it bad. */
void rd_pack_sized(struct rd_pack *p, void *v, uint32_t n);

void rd_pack_u8(struct rd_pack *p, uint8_t *v);
void rd_pack_u16(struct rd_pack *p, uint16_t *v);
void rd_pack_u32(struct rd_pack *p, uint32_t *v);
void rd_pack_u64(struct rd_pack *p, uint64_t *v);
void rd_pack_bool(struct rd_pack *p, bool *v);

/* rd_pack_ok - nothing went wrong, and a pack that loads was used up to its last byte. */
bool rd_pack_ok(const struct rd_pack *p);

#endif
