/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The test cases of the interrupt controllers' suite. Invariant: each runs on a machine of its own.
 */
#ifndef RD_TESTS_UNIT_IRQCHIP_TESTS_H
#define RD_TESTS_UNIT_IRQCHIP_TESTS_H

#include "tests/unit/unit.h"

TCase *ioapic_tests(void);
TCase *pic_tests(void);
TCase *route_tests(void);
TCase *msi_tests(void);
TCase *split_tests(void);

#endif
