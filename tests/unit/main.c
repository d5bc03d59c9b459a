// SPDX-License-Identifier: GPL-2.0-only
/*
 * main() of every unit test program: runs the suite that the test directory defines.
 * Invariant: exit status 0 only when every test case passed.
 */
#include <check.h>
#include <stdlib.h>

#include "tests/unit/host_shim.h"
#include "tests/unit/unit.h"

int main(void)
{
	SRunner *runner = srunner_create(rd_suite());
	int failed;

	rd_shim_reset();
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
