/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interrupts raised by eventfds.
 * Invariant: rd_irqfd_release() leaves no eventfd's wake-up pointing at the VM.
 */
#ifndef RD_KMOD_IRQFD_H
#define RD_KMOD_IRQFD_H

#include "kmod/base.h"

struct rd_vm;
struct kvm_irqfd;

int rd_irqfd_setup(void);
void rd_irqfd_unsetup(void);
/*
 * KVM_IRQFD. -EINVAL bad flags, no irqchip, or a level GSI without the PIC and IOAPIC in the
 * kernel; -EBADF or -EINVAL not eventfds; -EBUSY the eventfd raises an interrupt of this VM
 * already; -ENOMEM. May sleep.
 */
int rd_irqfd(struct rd_vm *vm, const struct kvm_irqfd *args);
void rd_irqfd_release(struct rd_vm *vm);

#endif
