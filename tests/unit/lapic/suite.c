// SPDX-License-Identifier: GPL-2.0-only
/* The local APIC's suite. */
#include "tests/unit/lapic/lapic_tests.h"

Suite *rd_suite(void)
{
	Suite *s = suite_create("lapic");

	suite_add_tcase(s, registers_tests());
	suite_add_tcase(s, priority_tests());
	suite_add_tcase(s, timer_tests());
	suite_add_tcase(s, ipi_tests());
	suite_add_tcase(s, random_tests());
	return s;
}
