/* SPDX-License-Identifier: GPL-2.0-only */
/* A heap in one piece of memory (pure, no lock). */
#ifndef RD_KIT_HEAP_H
#define RD_KIT_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rd_kit_heap {
	uint8_t *memory;
	size_t size;
};

/* rd_kit_heap_init - take over SIZE bytes at MEMORY, aligned to 16. Contents do not matter. */
void rd_kit_heap_init(struct rd_kit_heap *h, void *memory, size_t size);

/* rd_kit_heap_alloc - N bytes aligned to 16, of any contents; NULL: no room. 0 bytes are one. */
void *rd_kit_heap_alloc(struct rd_kit_heap *h, size_t n);

/* rd_kit_heap_free - false if P is nothing that rd_kit_heap_alloc() gave and that is still there.
 */
bool rd_kit_heap_free(struct rd_kit_heap *h, void *p);

#endif
