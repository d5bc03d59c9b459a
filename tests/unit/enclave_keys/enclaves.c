// SPDX-License-Identifier: GPL-2.0-only
/*
 * Enclaves in the EPC, and the suite.
 * Invariant: as in keys_tests.h.
 */
#include <openssl/sha.h>
#include "enclave/measure.h"
#include "tests/unit/enclave_keys/keys_tests.h"

struct rd_secs *enclave_new(u32 n, u64 base, u64 flags)
{
	struct rd_secs *s;

	ck_assert_int_eq(rd_epc_fill(&w.epc, n), 0);
	ck_assert_int_eq(rd_epc_fill(&w.epc, n + 1), 0);
	w.epc.map[n] = (struct rd_epcm){ .state = RD_EPCM_VALID | RD_SI_PT(RD_PT_SECS),
					 .secs = RD_NO_PAGE,
					 .children = 1 };
	w.epc.map[n + 1] = (struct rd_epcm){
		.state = RD_EPCM_VALID | RD_SI_PT(RD_PT_REG) | RD_SI_R | RD_SI_W,
		.addr = base,
		.secs = n,
	};
	world_map(base, w_gpa(n + 1), ACC_ALL);
	s = rd_epc_secs(&w.epc, n);
	s->size = ENCLAVE_SIZE;
	s->base = base;
	s->ssa_frame_size = 1;
	s->miscselect = RD_MISC_EXINFO;
	s->attributes.flags = flags;
	s->attributes.xfrm = 3;
	rd_measure_create(s);
	return s;
}

void enclave_hash(u8 hash[32])
{
	u8 block[64] = "ECREATE";

	block[8] = 1;
	block[14] = ENCLAVE_SIZE >> 16;
	SHA256(block, sizeof(block), hash);
}

void enclave_enter(u32 n)
{
	struct rd_secs *s = rd_epc_secs(&w.epc, n);

	w.stay = (struct rd_inside){ .secs = n, .base = s->base, .size = s->size };
	w.l.in = &w.stay;
}

void enclave_leave(void)
{
	w.l.in = NULL;
}

u8 *enclave_data(u32 n)
{
	return w.epc.page[n + 1];
}

void check_quiet(void)
{
	unsigned int i;

	for (i = 0; i < W_EPC_NR; i++) {
		ck_assert_uint_eq(w.epc.map[i].lock, 0);
		ck_assert_uint_eq(w.epc.map[i].ops, 0);
	}
}

int einit(u32 n)
{
	return w_encls(RD_EINIT, SIG_LA, w_epc(n), TOKEN_LA);
}

u64 get_key(u32 n, const struct rd_keyrequest *r, u8 key[16])
{
	u64 base = rd_epc_secs(&w.epc, n)->base;
	u8 *data = enclave_data(n);

	memcpy(data, r, sizeof(*r));
	memset(data + 512, 0xcc, 16);
	enclave_enter(n);
	ck_assert_int_eq(w_enclu(RD_EGETKEY, base, base + 512, 0), RD_LEAF_DONE);
	enclave_leave();
	check_quiet();
	memcpy(key, data + 512, 16);
	return w.l.gpr[RD_RAX];
}

Suite *rd_suite(void)
{
	Suite *s = suite_create("enclave_keys");

	signers_init();
	add_crypto_tests(s);
	add_measure_tests(s);
	add_rsa3_tests(s);
	add_init_tests(s);
	add_token_tests(s);
	add_key_tests(s);
	add_report_tests(s);
	return s;
}
