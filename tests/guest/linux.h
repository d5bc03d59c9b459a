/* SPDX-License-Identifier: GPL-2.0-only */
/* What linux.S and the payload behind it agree on. */
#ifndef RD_TEST_LINUX_H
#define RD_TEST_LINUX_H

#define RDL_TIMER	0x40		/* vector of the local APIC's timer */

#ifndef __ASSEMBLER__

#include "tests/guest/guest.h"	/* for its types and instructions, not its reports */

extern volatile u32 rdl_ticks;		/* counted by the timer's interrupt */
extern char rdl_timer[];

/* rdl_main - the payload. ZERO_PAGE: Linux' boot parameters. */
void __attribute__((noreturn)) rdl_main(const u8 *zero_page);

#endif
#endif
