/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test cases of the emulator, by file. Invariant: each function makes a new case, owned by the
 * suite.
 */
#ifndef RD_TESTS_UNIT_EMUL_TEST_H
#define RD_TESTS_UNIT_EMUL_TEST_H

#include <check.h>

TCase *table_cases(void);
TCase *decode_cases(void);
TCase *fault_cases(void);
TCase *string_cases(void);
TCase *stack_cases(void);
TCase *sys_cases(void);
TCase *vec_cases(void);
TCase *native_cases(void);

#endif
