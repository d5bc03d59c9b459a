// SPDX-License-Identifier: GPL-2.0-only
/*
 * The signer's MRENCLAVE and the module's, of the same pages: two pieces of code on two
 * implementations of SHA-256, which must agree or no enclave starts.
 */
#include "enclave/measure.h"
#include "tests/unit/enclave_sign/enclave_sign_test.h"
#include "tests/unit/enclave_sign/made_elf.h"
#include "tools/enclave-kit/layout.h"
#include "tools/src/vmctl/enclave_file.h"

static struct made_elf elf;
static struct rd_kit_layout layout;
static struct rd_secs secs;

/* What a driver has the leaves do with one page. */
static int load_page(void *ctx, const struct rd_kit_page *p)
{
	static const u8 zeros[RD_SGX_PAGE];
	struct rd_secinfo si = { .flags = p->secinfo };
	const u8 *data = p->data ? p->data : zeros;

	rd_measure_add(ctx, p->offset, &si);
	for (u32 n = 0; p->measured && n < RD_SGX_PAGE; n += RD_SGX_CHUNK)
		rd_measure_extend(ctx, p->offset + n, data + n);
	return 0;
}

static void check_agreement(const struct rd_kit_raw *raw)
{
	u8 signer[32], module[32];

	ck_assert(rd_kit_layout_open(&layout, &elf, sizeof(elf), raw));
	memset(&secs, 0, sizeof(secs));
	secs.size = layout.size;
	secs.ssa_frame_size = layout.image.ssa_frame_pages;
	rd_measure_create(&secs);
	ck_assert_int_eq(rd_kit_layout_walk(&layout, load_page, &secs), 0);
	rd_measure_final(&secs, module);
	ck_assert_int_eq(rd_enclave_measure(&layout, signer), 0);
	ck_assert_mem_eq(signer, module, 32);
}

START_TEST(with_a_note)
{
	made_elf(&elf);
	check_agreement(NULL);
	elf.the_note.image.flags = RD_KIT_HEAP_UNMEASURED;
	elf.the_note.image.size_pages = 0x100;
	check_agreement(NULL);
}
END_TEST

START_TEST(with_tcs_pages_of_its_own)
{
	struct rd_kit_raw raw = { .tcs_pages = 2, .heap_pages = 2 };

	made_raw(&elf, 2);
	check_agreement(&raw);
}
END_TEST

TCase *agree_case(void)
{
	TCase *t = tcase_create("agree");

	tcase_add_test(t, with_a_note);
	tcase_add_test(t, with_tcs_pages_of_its_own);
	return t;
}
