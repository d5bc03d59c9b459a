/* SPDX-License-Identifier: GPL-2.0-only */
/* One test case per part of vmctl, put together in suite.c; and what they share. */
#ifndef RD_TESTS_UNIT_TOOLS_TEST_H
#define RD_TESTS_UNIT_TOOLS_TEST_H

#include "tools/src/vmctl/bus.h"
#include "tools/src/vmctl/irq.h"

#include <check.h>

TCase *acpi_case(void);
TCase *balloon_case(void);
TCase *blk_case(void);
TCase *bus_case(void);
TCase *bzimage_case(void);
TCase *child_case(void);
TCase *cpuid_case(void);
TCase *cpuid_intel_case(void);
TCase *frames_case(void);
TCase *fuzz_case(void);
TCase *guard_case(void);
TCase *hvc_case(void);
TCase *image_case(void);
TCase *ioapic_case(void);
TCase *net_case(void);
TCase *p9_case(void);
TCase *p9_save_case(void);
TCase *pm_case(void);
TCase *rtc_case(void);
TCase *serial_case(void);
TCase *sgx_case(void);
TCase *stats_case(void);
TCase *trace_case(void);
TCase *trace_save_case(void);
TCase *traced_case(void);
TCase *util_case(void);
TCase *vhost_case(void);
TCase *virtio_case(void);
TCase *virtq_case(void);

/* A line that remembers its level and how often it was raised. */
struct probe_line {
	bool level;
	unsigned int raised;
};

struct rd_irq probe_irq(struct probe_line *line, unsigned int gsi);

/* One byte from or to a port. */
uint8_t port_in(struct rd_bus *bus, uint16_t port);
void port_out(struct rd_bus *bus, uint16_t port, uint8_t v);

#endif
