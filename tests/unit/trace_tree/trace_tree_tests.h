/* SPDX-License-Identifier: GPL-2.0-only */
/* The test cases of the write-trace tree. Invariant: one function per file, called by suite.c. */
#ifndef RD_TESTS_UNIT_TRACE_TREE_TESTS_H
#define RD_TESTS_UNIT_TRACE_TREE_TESTS_H

#include "tests/unit/unit.h"

TCase *lookup_tests(void);
TCase *edit_tests(void);
TCase *reader_tests(void);
TCase *corrupt_tests(void);

#endif
