// SPDX-License-Identifier: GPL-2.0-only
/* The emulator's test suite. Invariant: every file of cases is listed here. */
#include "tests/unit/emul/emul_test.h"
#include "tests/unit/unit.h"

Suite *rd_suite(void)
{
	Suite *s = suite_create("emul");

	suite_add_tcase(s, table_cases());
	suite_add_tcase(s, decode_cases());
	suite_add_tcase(s, fault_cases());
	suite_add_tcase(s, string_cases());
	suite_add_tcase(s, stack_cases());
	suite_add_tcase(s, sys_cases());
	suite_add_tcase(s, vec_cases());
	suite_add_tcase(s, native_cases());
	return s;
}
