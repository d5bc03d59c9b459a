// SPDX-License-Identifier: GPL-2.0-only
/* Made-up host CPUs. */
#include "tests/unit/cpuid/fake_host.h"

static struct leaf {
	u32 function, index, r[4];
} leaves[128];

static unsigned int nr_leaves;
static bool intel;

void rd_fake_set(u32 function, u32 index, u32 eax, u32 ebx, u32 ecx, u32 edx)
{
	struct leaf l = { function, index, { eax, ebx, ecx, edx } };
	unsigned int i;

	for (i = 0; i < nr_leaves; i++)
		if (leaves[i].function == function && leaves[i].index == index)
			break;
	if (i == nr_leaves)
		nr_leaves++;
	leaves[i] = l;
}

static const struct leaf *find(u32 function, u32 index)
{
	unsigned int i;

	for (i = 0; i < nr_leaves; i++)
		if (leaves[i].function == function && leaves[i].index == index)
			return &leaves[i];
	return NULL;
}

void rd_fake_cpuid(u32 function, u32 index, u32 r[4])
{
	const struct leaf *l = find(function, index), *base = find(function & 0x80000000, 0);

	if (intel && !l && (!base || function > base->r[0])) {
		base = find(0, 0);
		l = find(base->r[0], index);
	}
	memset(r, 0, 4 * sizeof(*r));
	if (l)
		memcpy(r, l->r, sizeof(l->r));
}

static void xsave_leaves(void)
{
	rd_fake_set(0xd, 0, 0x2e7, 0, 2696, 0);
	rd_fake_set(0xd, 1, 0x1f, 0, 0x100, 0);
	rd_fake_set(0xd, 2, 256, 576, 0, 0);
	rd_fake_set(0xd, 5, 64, 1088, 0, 0);
	rd_fake_set(0xd, 6, 512, 1152, 0, 0);
	rd_fake_set(0xd, 7, 1024, 1664, 0, 0);
	rd_fake_set(0xd, 8, 128, 0, 1, 0);
	rd_fake_set(0xd, 9, 8, 2688, 2, 0);
}

static void cache_leaves(u32 function)
{
	rd_fake_set(function, 0, 0xfc000121, 0x01c0003f, 63, 0);
	rd_fake_set(function, 1, 0xfc000122, 0x01c0003f, 63, 0);
	rd_fake_set(function, 2, 0xfc000143, 0x03c0003f, 1023, 2);
	rd_fake_set(function, 3, 0, 0, 0, 0);
}

void rd_fake_host(struct rd_cpuid_host *h, enum fake_vendor vendor)
{
	nr_leaves = 0;
	intel = vendor == FAKE_INTEL;
	if (intel)
		rd_fake_set(0, 0, 0x20, 0x756e6547, 0x6c65746e, 0x49656e69);
	else
		rd_fake_set(0, 0, 0x10, 0x68747541, 0x444d4163, 0x69746e65);
	rd_fake_set(1, 0, 0x00a20f10, 0x07100800, ~0U, ~0U);
	rd_fake_set(6, 0, ~0U, ~0U, ~0U, ~0U);
	rd_fake_set(7, 0, 2, ~0U, ~0U, ~0U);
	rd_fake_set(7, 1, ~0U, ~0U, ~0U, ~0U);
	rd_fake_set(0xa, 0, ~0U, ~0U, ~0U, ~0U);
	rd_fake_set(0xb, 0, 1, 2, 0x100, 7);
	xsave_leaves();
	rd_fake_set(0x80000000, 0, intel ? 0x80000008 : 0x80000021, 0, 0, 0);
	rd_fake_set(0x80000001, 0, 0x00a20f10, 0x20000abc, ~0U, ~0U);
	rd_fake_set(0x80000007, 0, 0, 0x1b, 0, ~0U);
	rd_fake_set(0x80000008, 0, 0x3030, ~0U, 0x7007, 1);
	if (intel) {
		rd_fake_set(2, 0, 0xfeff01, 0xf0, 0, 0);
		cache_leaves(4);
		rd_fake_set(0x20, 0, 0x77, 0, 0, 0);
	} else {
		rd_fake_set(0x8000000a, 0, 1, 8, 0, ~0U);
		rd_fake_set(0x8000001e, 0, 5, 0x100, 0x200, 0);
		rd_fake_set(0x80000021, 0, ~0U, 0, 0, 0);
		cache_leaves(0x8000001d);
	}
	memset(h, 0, sizeof(*h));
	memset(h->words, 0xff, sizeof(h->words));
	h->cpuid = rd_fake_cpuid;
	h->xstate.supported = 0x2e7;
	rd_xstate_probe(&h->xstate, rd_fake_cpuid);
	h->tsc_khz = 2400000;
	h->tsc_stable = true;
	h->xss_clean = true;
	h->spec_ctrl = true;
	h->steal_time = true;
}
