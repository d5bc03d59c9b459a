// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread's pending work (reschedule, signals, task work, restartable sequences) on the way into
 * a guest.
 * Invariant: the kernel's one exported function for it wants a struct kvm_vcpu to note a signal in;
 * it gets one of ours that nobody reads.
 */
#include <linux/entry-kvm.h>
#include <linux/kvm_host.h>
#include "kmod/work.h"

static struct kvm_run rd_unread_run;
static struct kvm_vcpu rd_unread_vcpu = { .run = &rd_unread_run };

/* 0, or -EINTR: a signal waits. May sleep. */
int rd_handle_thread_work(void)
{
	return xfer_to_guest_mode_handle_work(&rd_unread_vcpu);
}
