// SPDX-License-Identifier: GPL-2.0-only
/* The suite of the interrupt controllers that a VM's vCPUs share. */
#include "tests/unit/irqchip/irqchip_tests.h"

Suite *rd_suite(void)
{
	Suite *s = suite_create("irqchip");

	suite_add_tcase(s, ioapic_tests());
	suite_add_tcase(s, pic_tests());
	suite_add_tcase(s, route_tests());
	suite_add_tcase(s, msi_tests());
	suite_add_tcase(s, split_tests());
	return s;
}
