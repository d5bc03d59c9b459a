/* SPDX-License-Identifier: GPL-2.0-only */
/* Switching the scheduler's preemption notifiers on and off (K). */
#ifndef RD_KMOD_PREEMPT_KEY_H
#define RD_KMOD_PREEMPT_KEY_H

/* At load and unload. Process context, may sleep; cannot fail. */
void rd_preempt_notifiers_on(void);
void rd_preempt_notifiers_off(void);

#endif
