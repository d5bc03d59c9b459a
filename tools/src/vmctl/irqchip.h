/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The machine's interrupt controllers: all of them in the kernel, or (split) only the local APICs
 * there and the I/O APIC here, without 8259 and 8254.
 */
#ifndef RD_TOOLS_IRQCHIP_H
#define RD_TOOLS_IRQCHIP_H

#include "tools/src/vmctl/irq.h"

struct rd_machine;

/* rd_irqchip_create - before the first vCPU. A status. */
int rd_irqchip_create(struct rd_machine *m);

/* rd_irqchip_line - a line of the machine's controllers for a device. */
struct rd_irq rd_irqchip_line(struct rd_machine *m, unsigned int gsi);

/* rd_irqchip_failed - an ioctl failed (errno) while the guest runs: report it and end the VM. */
void rd_irqchip_failed(struct rd_machine *m, const char *ioctl_name);

#endif
