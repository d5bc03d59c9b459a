/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the library share among themselves. */
#ifndef RDT_PRIV_H
#define RDT_PRIV_H

#include "tests/selftests/lib/rdt.h"

#include <signal.h>

extern volatile sig_atomic_t rdt_expired;	/* the test's time is over */
void rdt_kick_all(void);			/* async-signal-safe: every KVM_RUN returns soon */

#endif
