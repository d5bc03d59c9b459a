// SPDX-License-Identifier: GPL-2.0-only
/* The suite of the judge of the guest's driver. */
#include "tests/unit/guest_judge/model.h"
#include "tests/unit/unit.h"

Suite *rd_suite(void)
{
	Suite *s = suite_create("guest_judge");

	suite_add_tcase(s, protocol_tests());
	suite_add_tcase(s, refusal_tests());
	suite_add_tcase(s, area_tests());
	suite_add_tcase(s, random_tests());
	return s;
}
