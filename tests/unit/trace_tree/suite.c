// SPDX-License-Identifier: GPL-2.0-only
/* The suite of the write-trace tree. */
#include "tests/unit/trace_tree/trace_tree_tests.h"

Suite *rd_suite(void)
{
	Suite *s = suite_create("trace_tree");

	suite_add_tcase(s, lookup_tests());
	suite_add_tcase(s, edit_tests());
	suite_add_tcase(s, reader_tests());
	suite_add_tcase(s, corrupt_tests());
	return s;
}
