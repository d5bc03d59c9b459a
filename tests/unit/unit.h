/* SPDX-License-Identifier: GPL-2.0-only */
/* What a test directory gives to tests/unit/main.c. Invariant: one definition per test program. */
#ifndef RD_TESTS_UNIT_UNIT_H
#define RD_TESTS_UNIT_UNIT_H

#include <check.h>

Suite *rd_suite(void);

#endif
