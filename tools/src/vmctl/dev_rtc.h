/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The MC146818 real-time clock with its CMOS memory. The time is the host's clock plus an offset
 * that changes when the guest sets the time.
 */
#ifndef RD_TOOLS_DEV_RTC_H
#define RD_TOOLS_DEV_RTC_H

#include "tools/src/vmctl/bus.h"
#include "tools/src/vmctl/irq.h"
#include "tools/src/vmctl/state.h"

#include <pthread.h>
#include <stdint.h>

struct rd_rtc {
	pthread_mutex_t lock;		/* guards everything below */
	struct rd_irq irq;
	int timer_fd;			/* readable when rd_rtc_tick() is due */
	int64_t offset_ns;		/* guest clock minus host clock */
	int64_t last_second;		/* the guest's second seen by the last tick */
	uint8_t index;
	uint8_t reg_c;
	uint8_t cmos[128];
};

/* rd_rtc_init - power-on state, attached to BUS. Returns a status. */
int rd_rtc_init(struct rd_rtc *rtc, struct rd_bus *bus, struct rd_irq irq);
void rd_rtc_destroy(struct rd_rtc *rtc);

/* rd_rtc_tick - timer_fd is readable: raise what is due. Main thread. */
void rd_rtc_tick(struct rd_rtc *rtc);

/* rd_rtc_state - for rd_states_add(). The clock follows the host's, also over a pause. */
extern const struct rd_state_ops rd_rtc_state;

#endif
