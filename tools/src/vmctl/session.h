/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One `vmctl run`: it outlives the machine, which is built anew at every guest reset, and owns
 * what belongs to the process: console, control socket, signals, timeout.
 */
#ifndef RD_TOOLS_SESSION_H
#define RD_TOOLS_SESSION_H

#include "tools/src/vmctl/machine.h"

/* rd_session_run - run the VM to its end. Returns the exit status of vmctl. */
int rd_session_run(const struct rd_config *config);

#endif
