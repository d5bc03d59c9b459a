// SPDX-License-Identifier: GPL-2.0-only
/* The suite of vmctl's pure parts. */
#include "tests/unit/tools/tools_test.h"
#include "tests/unit/unit.h"

static void probe_set(void *ctx, unsigned int gsi, bool level)
{
	struct probe_line *line = ctx;

	(void)gsi;
	ck_assert(line->level != level);
	line->level = level;
	line->raised += level;
}

struct rd_irq probe_irq(struct probe_line *line, unsigned int gsi)
{
	return (struct rd_irq){ .set = probe_set, .ctx = line, .gsi = gsi };
}

uint8_t port_in(struct rd_bus *bus, uint16_t port)
{
	uint8_t v = 0;

	rd_bus_pio(bus, port, false, 1, 1, &v);
	return v;
}

void port_out(struct rd_bus *bus, uint16_t port, uint8_t v)
{
	rd_bus_pio(bus, port, true, 1, 1, &v);
}

Suite *rd_suite(void)
{
	Suite *s = suite_create("tools");

	suite_add_tcase(s, acpi_case());
	suite_add_tcase(s, balloon_case());
	suite_add_tcase(s, blk_case());
	suite_add_tcase(s, bus_case());
	suite_add_tcase(s, bzimage_case());
	suite_add_tcase(s, child_case());
	suite_add_tcase(s, cpuid_case());
	suite_add_tcase(s, cpuid_intel_case());
	suite_add_tcase(s, frames_case());
	suite_add_tcase(s, fuzz_case());
	suite_add_tcase(s, guard_case());
	suite_add_tcase(s, hvc_case());
	suite_add_tcase(s, image_case());
	suite_add_tcase(s, ioapic_case());
	suite_add_tcase(s, net_case());
	suite_add_tcase(s, p9_case());
	suite_add_tcase(s, p9_save_case());
	suite_add_tcase(s, pm_case());
	suite_add_tcase(s, rtc_case());
	suite_add_tcase(s, serial_case());
	suite_add_tcase(s, sgx_case());
	suite_add_tcase(s, stats_case());
	suite_add_tcase(s, trace_case());
	suite_add_tcase(s, trace_save_case());
	suite_add_tcase(s, traced_case());
	suite_add_tcase(s, util_case());
	suite_add_tcase(s, vhost_case());
	suite_add_tcase(s, virtio_case());
	suite_add_tcase(s, virtq_case());
	return s;
}
