/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One interrupt line of a device. The device owns the line and calls rd_irq_set() under its own
 * lock; the interrupt controller is told only when the level changes.
 */
#ifndef RD_TOOLS_IRQ_H
#define RD_TOOLS_IRQ_H

#include <stdbool.h>

struct rd_irq {
	void (*set)(void *ctx, unsigned int gsi, bool level);
	void *ctx;
	unsigned int gsi;
	bool level;
};

static inline void rd_irq_set(struct rd_irq *irq, bool level)
{
	if (irq->level == level)
		return;
	irq->level = level;
	irq->set(irq->ctx, irq->gsi, level);
}

#endif
