// SPDX-License-Identifier: GPL-2.0-only
/* The suite of the signer of enclaves. */
#include "tests/unit/enclave_sign/enclave_sign_test.h"
#include "tests/unit/unit.h"

Suite *rd_suite(void)
{
	Suite *s = suite_create("enclave_sign");

	suite_add_tcase(s, layout_case());
	suite_add_tcase(s, agree_case());
	suite_add_tcase(s, hostile_case());
	suite_add_tcase(s, signature_case());
	suite_add_tcase(s, key_case());
	return s;
}
