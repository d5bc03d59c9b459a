/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From an enclave's ELF file to its pages, in the order in which they are added and measured. The
 * signer and the loader walk the same pages by the same code, so that what is loaded is what was
 * signed.
 *
 * The file is hostile: everything in it is checked by rd_kit_layout_open(), after which a walk
 * cannot fail by itself. Nothing is allocated; the layout points into the file.
 */
#ifndef RD_KIT_LAYOUT_H
#define RD_KIT_LAYOUT_H

#include "tools/enclave-kit/image.h"

#include <stdbool.h>

#define RD_KIT_SEGMENTS_MAX 32U
#define RD_KIT_HEADERS_MAX 64U

/* For files without a note, which hold their own TCS pages: nothing but segments and the heap. */
struct rd_kit_raw {
	uint64_t tcs_pages; /* the first segment consists of so many; 0: the file has a note */
	uint64_t heap_pages; /* not measured */
};

struct rd_kit_segment {
	uint64_t at; /* offset of its first byte from the enclave's base */
	uint64_t memsz; /* not 0 */
	uint64_t filesz; /* the rest is zeros */
	const uint8_t *data;
	uint64_t perms; /* the R, W, X bits of a SECINFO */
};

struct rd_kit_layout {
	struct rd_kit_segment segment[RD_KIT_SEGMENTS_MAX]; /* ascending, on different pages */
	unsigned int n_segments;
	struct rd_kit_image image; /* with all defaults filled in */
	uint64_t raw_tcs_pages;
	uint64_t link_base; /* address at which offset 0 was linked */
	bool fixed; /* the code runs at link_base only */
	bool writable_code; /* some page may be written and executed */
	uint64_t heap; /* offset */
	uint64_t threads; /* offset of the first thread's guard page */
	uint64_t thread_size;
	uint64_t size; /* of the enclave's range of addresses, a power of two */
	uint64_t pages; /* that are added */
	char error[128];
};

struct rd_kit_page {
	uint64_t offset;
	uint64_t secinfo; /* SECINFO.FLAGS */
	const uint8_t *data; /* as the enclave page holds it; NULL: zeros. Valid during the call. */
	bool measured; /* its contents, by EEXTEND */
};

/* Returns other than 0 to end the walk. */
typedef int rd_kit_page_fn(void *ctx, const struct rd_kit_page *page);

/*
 * rd_kit_layout_open - understand LEN bytes of an ELF file, which must stay until the last walk.
 * RAW may be NULL. Returns false and leaves the reason in l->error, half a sentence.
 */
bool rd_kit_layout_open(struct rd_kit_layout *l, const void *file, size_t len,
			const struct rd_kit_raw *raw);

/* rd_kit_layout_walk - call FN for each page, at ascending offsets. Returns what FN returned. */
int rd_kit_layout_walk(const struct rd_kit_layout *l, rd_kit_page_fn *fn, void *ctx);

#endif
