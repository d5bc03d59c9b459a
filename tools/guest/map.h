/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table from numbers to numbers of a size that is fixed when it is compiled (P): open addressing
 * with linear probing, in arrays that the owner lays out.
 * Invariant: key 0 marks a slot that is free; between the slot that a key hashes to and its own, no
 * slot is free. A quarter of the slots stays free, so that every search ends.
 */
#ifndef RD_TOOLS_GUEST_MAP_H
#define RD_TOOLS_GUEST_MAP_H

#include "kmod/base.h"

struct guest_map {
	u64 *key;
	u32 *value;
	u32 mask;       /* slots - 1; slots are a power of 2 */
	u32 used;
};

static inline u32 guest_map_home(const struct guest_map *m, u64 key)
{
	return (key * 0x9e3779b97f4a7c15ULL >> 32) & m->mask;
}

/* The slot of a key, or the free one where it would go. */
static inline u32 guest_map_slot(const struct guest_map *m, u64 key)
{
	u32 at = guest_map_home(m, key);

	while (m->key[at] && m->key[at] != key)
		at = (at + 1) & m->mask;
	return at;
}

static inline bool guest_map_get(const struct guest_map *m, u64 key, u32 *value)
{
	u32 at;

	if (!key)
		return false;
	at = guest_map_slot(m, key);
	if (!m->key[at])
		return false;
	*value = m->value[at];
	return true;
}

static inline bool guest_map_has(const struct guest_map *m, u64 key)
{
	u32 value;

	return guest_map_get(m, key, &value);
}

/* 0, -EEXIST, -ENOSPC, -EINVAL. */
static inline int guest_map_put(struct guest_map *m, u64 key, u32 value)
{
	u32 at;

	if (!key)
		return -EINVAL;
	at = guest_map_slot(m, key);
	if (m->key[at])
		return -EEXIST;
	if (m->used >= m->mask - m->mask / 4)
		return -ENOSPC;
	m->key[at] = key;
	m->value[at] = value;
	m->used++;
	return 0;
}

/* Takes a key out, and moves those that were pushed beyond its slot back towards their own. */
static inline void guest_map_remove(struct guest_map *m, u64 key)
{
	u32 hole, at;

	if (!guest_map_has(m, key))
		return;
	hole = guest_map_slot(m, key);
	for (at = (hole + 1) & m->mask; m->key[at]; at = (at + 1) & m->mask) {
		u32 home = guest_map_home(m, m->key[at]);

		/* One whose home lies behind the hole has no business in it. */
		if (((at - home) & m->mask) < ((at - hole) & m->mask))
			continue;
		m->key[hole] = m->key[at];
		m->value[hole] = m->value[at];
		hole = at;
	}
	m->key[hole] = 0;
	m->used--;
}

#endif
