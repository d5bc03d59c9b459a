/* SPDX-License-Identifier: GPL-2.0-only */
/* A thread's pending work before it enters a guest; see kmod/work.c. Invariant: none of its own. */
#ifndef RD_KMOD_WORK_H
#define RD_KMOD_WORK_H

int rd_handle_thread_work(void);

#endif
