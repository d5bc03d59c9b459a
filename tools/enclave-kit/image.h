/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an enclave's ELF file says of itself, and what a thread of the enclave finds: shared by the
 * code in enclaves, the signer and the loader.
 *
 * A note of the name "Redoubt" and the type 1, in a PT_NOTE, holds struct rd_kit_image: what is
 * added to the pages of the file before the enclave is complete. In memory there are, from offset 0
 * on: the segments, each at its address minus the page of the lowest one; the heap; and for each
 * thread a guard page, the stack, a guard page, TCS, SSA frames, and the thread's own page. A guard
 * page is a page that is not there.
 *
 * Invariant: fixed widths, little endian, sizes asserted; an unknown version is refused.
 */
#ifndef RD_KIT_IMAGE_H
#define RD_KIT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#define RD_KIT_NOTE_NAME "Redoubt"
#define RD_KIT_NOTE_TYPE 1U
#define RD_KIT_NOTE_SECTION ".note.redoubt_enclave"
#define RD_KIT_MAGIC 0x564c434e45444552ULL /* the bytes REDENCLV */
#define RD_KIT_VERSION 1U

#define RD_KIT_THREADS_MAX 4096U
#define RD_KIT_NSSA_MAX 64U
#define RD_KIT_SSA_FRAME_PAGES_MAX 64U
#define RD_KIT_PAGES_MAX (1ULL << 20) /* that are added: 4 GiB */
#define RD_KIT_SIZE_MAX (1ULL << 36) /* of the range of addresses */

/* Heap pages are added without being measured: what is in them at first is the loader's choice. */
#define RD_KIT_HEAP_UNMEASURED (1U << 0)
#define RD_KIT_FLAGS RD_KIT_HEAP_UNMEASURED

struct rd_kit_image {
	uint64_t magic;
	uint32_t version;
	uint32_t flags;
	uint64_t size_pages; /* a power of two; 0: the smallest that holds all */
	uint32_t threads; /* 1 or more */
	uint32_t nssa; /* SSA frames per thread, 1 or more */
	uint32_t ssa_frame_pages; /* 1 or more */
	uint32_t stack_pages; /* per thread, 1 or more */
	uint64_t heap_pages;
	uint64_t entry; /* offset of the code that EENTER goes to; 0: the file's entry point */
	uint64_t attributes; /* SECS.ATTRIBUTES; a 64-bit enclave in any case */
	uint64_t xfrm; /* 0: x87 and SSE */
	uint32_t miscselect;
	uint8_t reserved[52];
};

/* The whole note, as an enclave defines it in RD_KIT_NOTE_SECTION. */
struct rd_kit_note {
	uint32_t namesz, descsz, type;
	char name[8];
	struct rd_kit_image image __attribute__((packed, aligned(4)));
};

#define RD_KIT_NOTE_HEAD                                                                           \
	.namesz = sizeof(RD_KIT_NOTE_NAME), .descsz = sizeof(struct rd_kit_image),                 \
	.type = RD_KIT_NOTE_TYPE, .name = RD_KIT_NOTE_NAME

/*
 * The beginning of a thread's own page, to which FS and GS point. It is measured as it stands here,
 * so all places are offsets from the enclave's base; base = address of the TCS - tcs.
 */
struct rd_kit_thread {
	uint64_t runtime[8]; /* zeros for the enclave to use: compilers expect things at FS */
	uint64_t self; /* of this page */
	uint64_t tcs;
	uint64_t ssa;
	uint64_t stack, stack_size; /* the lowest byte, bytes */
	uint64_t heap, heap_size;
	uint64_t enclave_size;
	uint32_t index, threads;
	uint32_t nssa, ssa_frame_pages;
};

_Static_assert(sizeof(RD_KIT_NOTE_NAME) == 8, "the note's name fills its field");
_Static_assert(sizeof(struct rd_kit_image) == 128, "image");
_Static_assert(offsetof(struct rd_kit_image, size_pages) == 16, "image.size_pages");
_Static_assert(offsetof(struct rd_kit_image, heap_pages) == 40, "image.heap_pages");
_Static_assert(offsetof(struct rd_kit_image, attributes) == 56, "image.attributes");
_Static_assert(offsetof(struct rd_kit_image, miscselect) == 72, "image.miscselect");
_Static_assert(sizeof(struct rd_kit_note) == 148, "note");
_Static_assert(offsetof(struct rd_kit_note, image) == 20, "note.image");
_Static_assert(sizeof(struct rd_kit_thread) == 144, "thread");
_Static_assert(offsetof(struct rd_kit_thread, self) == 64, "thread.self");
_Static_assert(offsetof(struct rd_kit_thread, index) == 128, "thread.index");

#endif
