/* SPDX-License-Identifier: GPL-2.0-only */
/* The test cases of the signer, one per file. */
#ifndef RD_TESTS_ENCLAVE_SIGN_TEST_H
#define RD_TESTS_ENCLAVE_SIGN_TEST_H

#include <check.h>

TCase *layout_case(void);
TCase *agree_case(void);
TCase *hostile_case(void);
TCase *signature_case(void);
TCase *key_case(void);

#endif
