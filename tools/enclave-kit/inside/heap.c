// SPDX-License-Identifier: GPL-2.0-only
/*
 * The heap of an enclave: blocks one behind the other, each with a header; first fit.
 * Invariant: sizes of the blocks add up to the heap's, and no two free blocks are neighbours except
 * between a free() and the next walk of an allocation, which joins them. Enclaves have a few
 * hundred blocks, so a walk over all of them is what a free() costs: then no pointer has to be
 * believed.
 */
#include "tools/enclave-kit/inside/heap.h"

#define ALIGNMENT 16u

struct block {
	size_t size; /* with this header, a multiple of ALIGNMENT */
	size_t used;
};

_Static_assert(sizeof(struct block) == ALIGNMENT, "what follows a header is aligned");

static struct block *at(const struct rd_kit_heap *h, size_t offset)
{
	return (struct block *)(h->memory + offset);
}

void rd_kit_heap_init(struct rd_kit_heap *h, void *memory, size_t size)
{
	h->memory = memory;
	h->size = size & ~(size_t)(ALIGNMENT - 1);
	if (h->size)
		*at(h, 0) = (struct block){ .size = h->size };
}

/* Make a free block as large as its free neighbours behind it allow. */
static void join(const struct rd_kit_heap *h, size_t offset)
{
	struct block *b = at(h, offset);

	while (offset + b->size < h->size && !at(h, offset + b->size)->used)
		b->size += at(h, offset + b->size)->size;
}

static void take(const struct rd_kit_heap *h, size_t offset, size_t size)
{
	struct block *b = at(h, offset);

	if (b->size - size >= 2 * sizeof(*b)) {
		*at(h, offset + size) = (struct block){ .size = b->size - size };
		b->size = size;
	}
	b->used = 1;
}

void *rd_kit_heap_alloc(struct rd_kit_heap *h, size_t n)
{
	size_t size;

	if (n > h->size)
		return NULL;
	size = ((n ? n : 1) + 2 * sizeof(struct block) - 1) & ~(size_t)(ALIGNMENT - 1);
	for (size_t offset = 0; offset < h->size; offset += at(h, offset)->size) {
		if (at(h, offset)->used)
			continue;
		join(h, offset);
		if (at(h, offset)->size >= size) {
			take(h, offset, size);
			return at(h, offset) + 1;
		}
	}
	return NULL;
}

bool rd_kit_heap_free(struct rd_kit_heap *h, void *p)
{
	for (size_t offset = 0; offset < h->size; offset += at(h, offset)->size) {
		struct block *b = at(h, offset);

		if ((void *)(b + 1) == p) {
			bool used = b->used;

			b->used = 0;
			return used;
		}
	}
	return false;
}
