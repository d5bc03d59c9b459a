// SPDX-License-Identifier: GPL-2.0-only
/*
 * The layout of an enclave: where everything lies, and the walk over it. elf.c reads the file.
 * Invariant: after rd_kit_layout_open() the pieces follow each other without overlap and end within
 * the enclave's size, and all products and sums of the walk are below RD_KIT_SIZE_MAX.
 */
#include "tools/enclave-kit/layout.h"

#include "enclave/arch.h"
#include "tools/enclave-kit/elf.h"

#include <stdarg.h>

#define SI_TCS RD_SI_PT(RD_PT_TCS)
#define SI_REG RD_SI_PT(RD_PT_REG)
#define SI_DATA (SI_REG | RD_SI_R | RD_SI_W)
#define ATTRIBUTES_OF_NOTE                                                                         \
	(RD_ATTR_MODE64 | RD_ATTR_PROVISIONKEY | RD_ATTR_EINITTOKENKEY | RD_ATTR_KSS |             \
	 RD_ATTR_AEXNOTIFY)

bool rd_kit_fail(struct rd_kit_layout *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(l->error, sizeof(l->error), fmt, ap);
	va_end(ap);
	return false;
}

/* --- where things lie --- */

static u64 first_page(const struct rd_kit_segment *s)
{
	return ALIGN_DOWN(s->at, (u64)RD_SGX_PAGE);
}

static u64 end_page(const struct rd_kit_segment *s)
{
	return ALIGN(s->at + s->memsz, (u64)RD_SGX_PAGE);
}

static u64 ssa_pages(const struct rd_kit_layout *l)
{
	return (u64)l->image.nssa * l->image.ssa_frame_pages;
}

/* What a thread has, in pages, and how many of them are there. */
static u64 thread_pages(const struct rd_kit_layout *l)
{
	return l->image.stack_pages + ssa_pages(l) + 2;
}

static bool check_image(struct rd_kit_layout *l)
{
	const struct rd_kit_image *i = &l->image;

	if (i->flags & ~RD_KIT_FLAGS)
		return rd_kit_fail(l, "its note has unknown flags");
	if (!i->threads || i->threads > RD_KIT_THREADS_MAX)
		return rd_kit_fail(l, "its note asks for %u threads, not 1 to %u", i->threads,
				   RD_KIT_THREADS_MAX);
	if (!i->nssa || i->nssa > RD_KIT_NSSA_MAX)
		return rd_kit_fail(l, "its note asks for %u SSA frames, not 1 to %u", i->nssa,
				   RD_KIT_NSSA_MAX);
	if (!i->ssa_frame_pages || i->ssa_frame_pages > RD_KIT_SSA_FRAME_PAGES_MAX)
		return rd_kit_fail(l, "its note asks for SSA frames of %u pages, not 1 to %u",
				   i->ssa_frame_pages, RD_KIT_SSA_FRAME_PAGES_MAX);
	if (!i->stack_pages || i->stack_pages > RD_KIT_PAGES_MAX)
		return rd_kit_fail(l, "its note asks for a stack of %u pages", i->stack_pages);
	if (i->attributes & ~ATTRIBUTES_OF_NOTE)
		return rd_kit_fail(l, "its note asks for attributes that are not a note's to give");
	if ((i->xfrm & RD_XFRM_X87_SSE) != RD_XFRM_X87_SSE)
		return rd_kit_fail(l, "its note asks for XFRM without x87 and SSE");
	for (size_t n = 0; n < sizeof(i->reserved); n++)
		if (i->reserved[n])
			return rd_kit_fail(l, "its note has reserved bytes that are not 0");
	return true;
}

static bool check_entry(struct rd_kit_layout *l)
{
	for (unsigned int n = 0; n < l->n_segments; n++) {
		const struct rd_kit_segment *s = &l->segment[n];

		if (s->perms & RD_SI_X && l->image.entry >= s->at &&
		    l->image.entry - s->at < s->memsz)
			return true;
	}
	return rd_kit_fail(l, "its entry is not in a segment that can be executed");
}

/* The range of addresses must be a power of two. */
static bool choose_size(struct rd_kit_layout *l, u64 end)
{
	u64 pages = l->image.size_pages, needed = RD_SGX_MIN_SIZE;

	while (needed < end)
		needed *= 2;
	if (!pages)
		pages = needed / RD_SGX_PAGE;
	if (pages & (pages - 1) || pages > RD_KIT_SIZE_MAX / RD_SGX_PAGE)
		return rd_kit_fail(l, "its size of %llu pages is no power of two up to 2^24",
				   (unsigned long long)pages);
	if (pages * RD_SGX_PAGE < needed)
		return rd_kit_fail(l, "its size of %llu pages is too small: %llu are needed",
				   (unsigned long long)pages,
				   (unsigned long long)(needed / RD_SGX_PAGE));
	l->image.size_pages = pages;
	l->size = pages * RD_SGX_PAGE;
	return true;
}

static bool place(struct rd_kit_layout *l)
{
	const struct rd_kit_image *i = &l->image;
	u64 pages = 0;

	for (unsigned int n = 0; n < l->n_segments; n++)
		pages += (end_page(&l->segment[n]) - first_page(&l->segment[n])) / RD_SGX_PAGE;
	/* Each term is bounded before it is used: 4096 threads of 2^20 pages are far from 2^64. */
	if (i->heap_pages > RD_KIT_PAGES_MAX ||
	    pages + i->heap_pages + i->threads * thread_pages(l) > RD_KIT_PAGES_MAX)
		return rd_kit_fail(l, "it has more than %llu pages",
				   (unsigned long long)RD_KIT_PAGES_MAX);
	l->pages = pages + i->heap_pages + i->threads * thread_pages(l);
	l->heap = end_page(&l->segment[l->n_segments - 1]);
	l->threads = l->heap + i->heap_pages * RD_SGX_PAGE;
	l->thread_size = (thread_pages(l) + 2) * RD_SGX_PAGE;
	if (l->threads + i->threads * l->thread_size > RD_KIT_SIZE_MAX)
		return rd_kit_fail(l, "it needs more than 2^36 bytes of addresses");
	return choose_size(l, l->threads + i->threads * l->thread_size);
}

/* --- images that bring their own TCS pages --- */

/* As EADD leaves it in the enclave; false if EADD would refuse it. */
static bool take_tcs(struct rd_tcs *t)
{
	for (size_t n = 0; n < sizeof(t->reserved); n++)
		if (t->reserved[n])
			return false;
	if (t->flags & ~(RD_TCS_DBGOPTIN | RD_TCS_AEXNOTIFY))
		return false;
	t->flags &= ~RD_TCS_DBGOPTIN;
	t->state = 0;
	t->cssa = 0;
	t->aep = 0;
	return true;
}

/* One page of a segment, in the file or put together in SCRATCH; NULL: zeros. */
static const u8 *page_data(const struct rd_kit_segment *s, u64 offset, u8 *scratch)
{
	u64 from = max(s->at, offset);
	u64 to = min(s->at + s->filesz, offset + RD_SGX_PAGE);

	if (from >= to)
		return NULL;
	if (to - from == RD_SGX_PAGE)
		return s->data + (offset - s->at);
	memset(scratch, 0, RD_SGX_PAGE);
	memcpy(scratch + (from - offset), s->data + (from - s->at), to - from);
	return scratch;
}

static bool raw_tcs(const struct rd_kit_segment *s, u64 offset, struct rd_tcs *t)
{
	const u8 *data = page_data(s, offset, (u8 *)t);

	if (!data)
		memset(t, 0, sizeof(*t));
	else if (data != (u8 *)t)
		memcpy(t, data, sizeof(*t));
	return take_tcs(t);
}

static bool open_raw(struct rd_kit_layout *l, const struct rd_kit_raw *raw)
{
	const struct rd_kit_segment *s = &l->segment[0];
	u64 pages = (end_page(s) - first_page(s)) / RD_SGX_PAGE;
	struct rd_tcs t;

	l->raw_tcs_pages = raw->tcs_pages;
	l->image = (struct rd_kit_image){
		.magic = RD_KIT_MAGIC,
		.version = RD_KIT_VERSION,
		.flags = RD_KIT_HEAP_UNMEASURED,
		.ssa_frame_pages = 1,
		.heap_pages = raw->heap_pages,
		.attributes = RD_ATTR_MODE64,
		.xfrm = RD_XFRM_X87_SSE,
	};
	if (pages != raw->tcs_pages)
		return rd_kit_fail(l, "its first segment has %llu pages, not %llu of type TCS",
				   (unsigned long long)pages, (unsigned long long)raw->tcs_pages);
	for (u64 offset = first_page(s); offset < end_page(s); offset += RD_SGX_PAGE)
		if (!raw_tcs(s, offset, &t))
			return rd_kit_fail(l, "the page at 0x%llx cannot be a TCS",
					   (unsigned long long)offset);
	return true;
}

bool rd_kit_layout_open(struct rd_kit_layout *l, const void *file, size_t len,
			const struct rd_kit_raw *raw)
{
	bool has_note;

	memset(l, 0, sizeof(*l));
	if (!rd_kit_elf_read(l, file, len, &has_note))
		return false;
	if (raw && raw->tcs_pages) {
		if (has_note)
			return rd_kit_fail(l, "it has an enclave note, so its TCS are not raw");
		return open_raw(l, raw) && place(l);
	}
	if (!has_note)
		return rd_kit_fail(l, "it has no enclave note");
	l->image.attributes |= RD_ATTR_MODE64;
	if (!l->image.xfrm)
		l->image.xfrm = RD_XFRM_X87_SSE;
	return check_image(l) && check_entry(l) && place(l);
}

/* --- the walk --- */

struct walk {
	const struct rd_kit_layout *l;
	rd_kit_page_fn *fn;
	void *ctx;
	union {
		u8 bytes[RD_SGX_PAGE];
		struct rd_tcs tcs;
		struct rd_kit_thread thread;
	} scratch;
};

static int emit(struct walk *w, u64 offset, u64 secinfo, const void *data, bool measured)
{
	struct rd_kit_page page = {
		.offset = offset,
		.secinfo = secinfo,
		.data = data,
		.measured = measured,
	};

	return w->fn(w->ctx, &page);
}

/* N pages of zeros from *OFFSET on, which is moved behind them. */
static int emit_zeros(struct walk *w, u64 *offset, u64 n, bool measured)
{
	int ret = 0;

	for (; n && !ret; n--, *offset += RD_SGX_PAGE)
		ret = emit(w, *offset, SI_DATA, NULL, measured);
	return ret;
}

static int walk_segment(struct walk *w, const struct rd_kit_segment *s, bool is_tcs)
{
	int ret = 0;

	for (u64 at = first_page(s); at < end_page(s) && !ret; at += RD_SGX_PAGE) {
		if (is_tcs) {
			raw_tcs(s, at, &w->scratch.tcs);
			ret = emit(w, at, SI_TCS, w->scratch.bytes, true);
		} else {
			ret = emit(w, at, SI_REG | s->perms, page_data(s, at, w->scratch.bytes),
				   true);
		}
	}
	return ret;
}

static const void *make_tcs(struct walk *w, u64 tcs)
{
	const struct rd_kit_image *i = &w->l->image;
	u64 own = tcs + (1 + ssa_pages(w->l)) * RD_SGX_PAGE;

	memset(w->scratch.bytes, 0, RD_SGX_PAGE);
	w->scratch.tcs.flags = i->attributes & RD_ATTR_AEXNOTIFY ? RD_TCS_AEXNOTIFY : 0;
	w->scratch.tcs.ossa = tcs + RD_SGX_PAGE;
	w->scratch.tcs.nssa = i->nssa;
	w->scratch.tcs.oentry = i->entry;
	w->scratch.tcs.ofsbase = own;
	w->scratch.tcs.ogsbase = own;
	w->scratch.tcs.fslimit = RD_SGX_PAGE - 1;
	w->scratch.tcs.gslimit = RD_SGX_PAGE - 1;
	return w->scratch.bytes;
}

static const void *make_thread(struct walk *w, u32 index, u64 stack, u64 tcs, u64 own)
{
	const struct rd_kit_image *i = &w->l->image;

	memset(w->scratch.bytes, 0, RD_SGX_PAGE);
	w->scratch.thread = (struct rd_kit_thread){
		.self = own,
		.tcs = tcs,
		.ssa = tcs + RD_SGX_PAGE,
		.stack = stack,
		.stack_size = (u64)i->stack_pages * RD_SGX_PAGE,
		.heap = w->l->heap,
		.heap_size = i->heap_pages * RD_SGX_PAGE,
		.enclave_size = w->l->size,
		.index = index,
		.threads = i->threads,
		.nssa = i->nssa,
		.ssa_frame_pages = i->ssa_frame_pages,
	};
	return w->scratch.bytes;
}

static int walk_thread(struct walk *w, u32 index)
{
	u64 stack = w->l->threads + index * w->l->thread_size + RD_SGX_PAGE;
	u64 at = stack, tcs;
	int ret = emit_zeros(w, &at, w->l->image.stack_pages, true);

	if (ret)
		return ret;
	tcs = at + RD_SGX_PAGE;
	ret = emit(w, tcs, SI_TCS, make_tcs(w, tcs), true);
	at = tcs + RD_SGX_PAGE;
	if (!ret)
		ret = emit_zeros(w, &at, ssa_pages(w->l), true);
	if (!ret)
		ret = emit(w, at, SI_DATA, make_thread(w, index, stack, tcs, at), true);
	return ret;
}

int rd_kit_layout_walk(const struct rd_kit_layout *l, rd_kit_page_fn *fn, void *ctx)
{
	struct walk w = { .l = l, .fn = fn, .ctx = ctx };
	u64 at = l->heap;
	int ret = 0;

	for (unsigned int n = 0; n < l->n_segments && !ret; n++)
		ret = walk_segment(&w, &l->segment[n], !n && l->raw_tcs_pages);
	if (!ret)
		ret = emit_zeros(&w, &at, l->image.heap_pages,
				 !(l->image.flags & RD_KIT_HEAP_UNMEASURED));
	for (u32 n = 0; n < l->image.threads && !ret; n++)
		ret = walk_thread(&w, n);
	return ret;
}
