// SPDX-License-Identifier: GPL-2.0-only
/* Instructions that enclaves do not have. */
#include <stdlib.h>
#include "enclave/insn.h"
#include "tests/unit/unit.h"

static const struct {
	const char *what;
	u8 code[8];
	unsigned int len;
	unsigned int needed; /* bytes that show what it is */
} never[] = {
	{ "INSB", { 0x6c }, 1, 1 },
	{ "REP INSD", { 0xf3, 0x6d }, 2, 2 },
	{ "OUTSW", { 0x66, 0x6f }, 2, 2 },
	{ "IN AL, imm8", { 0xe4, 0x60 }, 2, 1 },
	{ "OUT imm8, EAX", { 0xe7, 0x60 }, 2, 1 },
	{ "IN AL, DX", { 0xec }, 1, 1 },
	{ "OUT DX, EAX", { 0xef }, 1, 1 },
	{ "far RET imm16", { 0xca, 8, 0 }, 3, 1 },
	{ "far RET", { 0x48, 0xcb }, 2, 2 },
	{ "INT n", { 0xcd, 0x80 }, 2, 1 },
	{ "IRETQ", { 0x48, 0xcf }, 2, 2 },
	{ "MOV ES", { 0x8e, 0xc0 }, 2, 2 },
	{ "MOV DS, [RAX]", { 0x8e, 0x18 }, 2, 2 },
	{ "MOV GS", { 0x2e, 0x41, 0x8e, 0xe8 }, 4, 4 },
	{ "far CALL", { 0xff, 0x18 }, 2, 2 },
	{ "far JMP", { 0x48, 0xff, 0x6c, 0x24, 8 }, 5, 3 },
	{ "SLDT", { 0x0f, 0x00, 0xc0 }, 3, 3 },
	{ "STR", { 0x0f, 0x00, 0x08 }, 3, 3 },
	{ "SGDT", { 0x0f, 0x01, 0x04, 0x24 }, 4, 3 },
	{ "SIDT", { 0x64, 0x0f, 0x01, 0x08 }, 4, 4 },
	{ "SMSW EAX", { 0x0f, 0x01, 0xe0 }, 3, 3 },
	{ "SMSW [RAX]", { 0x0f, 0x01, 0x20 }, 3, 3 },
	{ "VMCALL", { 0x0f, 0x01, 0xc1 }, 3, 3 },
	{ "VMFUNC", { 0x0f, 0x01, 0xd4 }, 3, 3 },
	{ "SYSCALL", { 0x0f, 0x05 }, 2, 2 },
	{ "RDPMC", { 0x0f, 0x33 }, 2, 2 },
	{ "SYSENTER", { 0x0f, 0x34 }, 2, 2 },
	{ "GETSEC", { 0x0f, 0x37 }, 2, 2 },
	{ "POP FS", { 0x0f, 0xa1 }, 2, 2 },
	{ "POP GS", { 0x66, 0x0f, 0xa9 }, 3, 3 },
	{ "CPUID", { 0x0f, 0xa2 }, 2, 2 },
	{ "LSS", { 0x48, 0x0f, 0xb2, 0x00 }, 4, 3 },
	{ "LFS", { 0x0f, 0xb4, 0x00 }, 3, 2 },
	{ "LGS", { 0x0f, 0xb5, 0x00 }, 3, 2 },
};

/* Their #GP is their own, or they have none. */
static const struct {
	const char *what;
	u8 code[8];
	unsigned int len;
} others[] = {
	{ "nothing", {}, 0 },
	{ "prefixes", { 0x66, 0x67, 0xf2, 0xf3, 0x48 }, 5 },
	{ "NOP", { 0x90 }, 1 },
	{ "HLT", { 0xf4 }, 1 },
	{ "CLI", { 0xfa }, 1 },
	{ "STI", { 0xfb }, 1 },
	{ "INT3", { 0xcc }, 1 },
	{ "near RET", { 0xc3 }, 1 },
	{ "RET imm16", { 0xc2, 8, 0 }, 3 },
	{ "JMP", { 0xeb, 0xfe }, 2 },
	{ "JRCXZ", { 0xe3, 0xfe }, 2 },
	{ "CALL", { 0xe8, 0, 0, 0, 0 }, 5 },
	{ "MOV AX, DS", { 0x8c, 0xd8 }, 2 },
	{ "8E /6", { 0x8e, 0xf0 }, 2 },
	{ "POP [RAX]", { 0x8f, 0x00 }, 2 },
	{ "IMUL", { 0x6b, 0xc0, 3 }, 3 },
	{ "JO", { 0x70, 0 }, 2 },
	{ "INC", { 0xff, 0xc0 }, 2 },
	{ "near CALL", { 0xff, 0x10 }, 2 },
	{ "near JMP", { 0xff, 0x20 }, 2 },
	{ "PUSH [RAX]", { 0xff, 0x30 }, 2 },
	{ "FF with a register", { 0xff, 0xd8 }, 2 },
	{ "LLDT", { 0x0f, 0x00, 0xd0 }, 3 },
	{ "VERR", { 0x0f, 0x00, 0xe0 }, 3 },
	{ "LGDT", { 0x0f, 0x01, 0x10 }, 3 },
	{ "LMSW", { 0x0f, 0x01, 0xf0 }, 3 },
	{ "INVLPG", { 0x0f, 0x01, 0x38 }, 3 },
	{ "SWAPGS", { 0x0f, 0x01, 0xf8 }, 3 },
	{ "XGETBV", { 0x0f, 0x01, 0xd0 }, 3 },
	{ "ENCLU", { 0x0f, 0x01, 0xd7 }, 3 },
	{ "MONITOR", { 0x0f, 0x01, 0xc8 }, 3 },
	{ "UD2", { 0x0f, 0x0b }, 2 },
	{ "RDMSR", { 0x0f, 0x32 }, 2 },
	{ "RDTSC", { 0x0f, 0x31 }, 2 },
	{ "SYSEXIT", { 0x0f, 0x35 }, 2 },
	{ "PUSH FS", { 0x0f, 0xa0 }, 2 },
	{ "BT", { 0x0f, 0xa3, 0xc0 }, 3 },
	{ "BTR", { 0x0f, 0xb3, 0xc0 }, 3 },
	{ "MOVZX", { 0x0f, 0xb6, 0xc0 }, 3 },
};

/* At the end of an allocation of its own, so that a look beyond it is seen. */
static bool ask(const u8 *code, unsigned int n)
{
	u8 *copy = malloc(n ? n : 1);
	bool ret;

	memcpy(copy, code, n);
	ret = rd_insn_not_inside(n ? copy : copy + 1, n);
	free(copy);
	return ret;
}

START_TEST(these_are_not_inside)
{
	unsigned int n;

	for (n = 0; n < never[_i].needed; n++)
		ck_assert_msg(!ask(never[_i].code, n), "%s by %u bytes", never[_i].what, n);
	for (; n <= never[_i].len; n++)
		ck_assert_msg(ask(never[_i].code, n), "%s by %u bytes", never[_i].what, n);
}
END_TEST

START_TEST(these_are_their_own)
{
	unsigned int n;

	for (n = 0; n <= others[_i].len; n++)
		ck_assert_msg(!ask(others[_i].code, n), "%s by %u bytes", others[_i].what, n);
}
END_TEST

/* Legacy prefixes as many as there may be do not hide one. */
START_TEST(prefixes_hide_nothing)
{
	static const u8 all[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
				  0x66, 0x67, 0xf0, 0xf2, 0xf3 };
	u8 code[sizeof(all) + 2];
	unsigned int i;

	memcpy(code, all, sizeof(all));
	for (i = 0x40; i < 0x50; i++) {
		code[sizeof(all)] = i;
		code[sizeof(all) + 1] = 0xec;
		ck_assert(ask(code, sizeof(code)));
	}
	ck_assert(ask((const u8[]){ 0x48, 0x48, 0xec }, 3));
	ck_assert(ask((const u8[]){ 0x48, 0x66, 0xec }, 3));
	ck_assert(!ask((const u8[]){ 0x50, 0xec }, 2));
}
END_TEST

Suite *rd_suite(void)
{
	Suite *s = suite_create("enclave_insn");
	TCase *tc = tcase_create("insn");

	tcase_add_loop_test(tc, these_are_not_inside, 0, sizeof(never) / sizeof(*never));
	tcase_add_loop_test(tc, these_are_their_own, 0, sizeof(others) / sizeof(*others));
	tcase_add_test(tc, prefixes_hide_nothing);
	suite_add_tcase(s, tc);
	return s;
}
