/* SPDX-License-Identifier: GPL-2.0-only */
/* The test cases of the enclave kit, one per file. */
#ifndef RD_TESTS_ENCLAVE_KIT_TEST_H
#define RD_TESTS_ENCLAVE_KIT_TEST_H

#include <check.h>

TCase *heap_case(void);
TCase *memory_case(void);
TCase *range_case(void);
TCase *sha256_case(void);
TCase *vdso_case(void);

#endif
