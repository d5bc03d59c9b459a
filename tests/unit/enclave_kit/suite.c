// SPDX-License-Identifier: GPL-2.0-only
/* The suite of the enclave kit. */
#include "tests/unit/enclave_kit/enclave_kit_test.h"
#include "tests/unit/unit.h"

Suite *rd_suite(void)
{
	Suite *s = suite_create("enclave_kit");

	suite_add_tcase(s, heap_case());
	suite_add_tcase(s, memory_case());
	suite_add_tcase(s, range_case());
	suite_add_tcase(s, sha256_case());
	suite_add_tcase(s, vdso_case());
	return s;
}
