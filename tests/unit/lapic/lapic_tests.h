/* SPDX-License-Identifier: GPL-2.0-only */
/* The test cases of the local APIC's suite. Invariant: each runs on a machine of its own. */
#ifndef RD_TESTS_UNIT_LAPIC_TESTS_H
#define RD_TESTS_UNIT_LAPIC_TESTS_H

#include "tests/unit/unit.h"

TCase *registers_tests(void);
TCase *priority_tests(void);
TCase *timer_tests(void);
TCase *ipi_tests(void);
TCase *random_tests(void);

#endif
