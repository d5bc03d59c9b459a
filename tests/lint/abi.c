// SPDX-License-Identifier: GPL-2.0-only
/*
 * What user space relies on, as numbers: if this does not compile, an interface has changed.
 * Invariant: a line here is never edited, only added; a changed structure gets a new call.
 */
#include <stddef.h>
#include <linux/kvm.h>
#include "kmod/uapi/redoubt.h"
#include "kmod/uapi/redoubt_tree.h"
#include "kmod/uapi/redoubt_guest.h"
#include "kmod/uapi/redoubt_trace.h"

#define NUMBER(call, value) _Static_assert((call) == (value), #call " has another number")
#define SIZE(type, value) _Static_assert(sizeof(struct type) == (value), #type " has another size")
#define AT(type, field, value) \
	_Static_assert(offsetof(struct type, field) == (value), #type "." #field " has moved")

NUMBER(RD_IOC_TYPE, 0xd7);
NUMBER(RD_UAPI_VERSION, 1);
NUMBER(RD_GET_VERSION, 0x0000d700);
NUMBER(RD_VM_SET_NAME, 0x4020d740);
NUMBER(RD_VM_GET_STATUS, 0x8080d741);

SIZE(rd_vm_name, 32);
AT(rd_vm_name, name, 0);

SIZE(rd_vm_status, 128);
AT(rd_vm_status, id, 0);
AT(rd_vm_status, dead, 8);
AT(rd_vm_status, nr_vcpus, 12);
AT(rd_vm_status, name, 16);
AT(rd_vm_status, reason, 48);

NUMBER(RD_VM_TRACE_ADD, 0x4028d750);
NUMBER(RD_VM_TRACE_REMOVE, 0x4028d751);
NUMBER(RD_VM_TRACE_NEXT, 0xc028d752);
NUMBER(RD_VM_TRACE_STATS, 0x80a0d753);
NUMBER(RD_VM_TRACE_EVENTS, 0x0000d754);
NUMBER(RD_VM_TRACE_WRITE, 0x4028d755);
NUMBER(RD_VM_TRACE_SERVE, 0x0000d756);
NUMBER(RD_VM_TRACE_GET_GUEST, 0x80b0d757);
NUMBER(RD_VM_TRACE_SET_GUEST, 0x40b0d758);
NUMBER(RD_HC_INFO, 0x52440000);
NUMBER(RD_HC_TRACE_ATTACH, 0x52440001);
NUMBER(RD_HC_TRACE_QUERY, 0x52440002);
NUMBER(RD_HC_TRACE_UNPROTECT, 0x52440003);
NUMBER(RD_HC_TRACE_DETACH, 0x52440004);
SIZE(rd_guest_attach, 176);
AT(rd_guest_attach, root, 0);
AT(rd_guest_attach, nr_lists, 8);
AT(rd_guest_attach, node_action, 16);
AT(rd_guest_attach, list, 24);
SIZE(rd_trace_range, 40);
AT(rd_trace_range, action, 16);
AT(rd_trace_range, tag, 24);
AT(rd_trace_range, reserved, 32);
SIZE(rd_trace_stats, 160);
AT(rd_trace_stats, lost, 112);
SIZE(rd_trace_event, 152);
AT(rd_trace_event, vcpu, 24);
AT(rd_trace_event, rip, 32);
AT(rd_trace_event, gpa, 48);
AT(rd_trace_event, linear, 56);
AT(rd_trace_event, len, 64);
AT(rd_trace_event, decision, 68);
AT(rd_trace_event, action, 72);
AT(rd_trace_event, outcome, 80);
AT(rd_trace_event, old_bytes, 88);
AT(rd_trace_event, new_bytes, 120);
SIZE(rd_trace_exit, 160);
NUMBER(RD_VM_TRACE_WANT, 0x4048d759);
NUMBER(RD_VM_TRACE_DRIVER, 0x8048d75a);
NUMBER(RD_HC_GUEST_DRIVER, 0x5244000a);
SIZE(rd_guest_driver, 64);
AT(rd_guest_driver, version, 0);
AT(rd_guest_driver, error, 8);
AT(rd_guest_driver, own_pages, 28);
AT(rd_guest_driver, want, 32);
AT(rd_guest_driver, allow, 36);
AT(rd_guest_driver, action, 40);
AT(rd_guest_driver, reserved, 48);
SIZE(rd_guest_driver_status, 72);
AT(rd_guest_driver_status, driver, 8);

/* The calls that share a number but for direction and size: the dispatcher tells them apart. */
NUMBER(KVM_IRQ_LINE_STATUS, 0xc008ae67);
NUMBER(KVM_REGISTER_COALESCED_MMIO, 0x4010ae67);
NUMBER(KVM_GET_PIT2, 0x8070ae9f);
NUMBER(KVM_GET_VCPU_EVENTS, 0x8040ae9f);
NUMBER(KVM_SET_PIT2, 0x4070aea0);
NUMBER(KVM_SET_VCPU_EVENTS, 0x4040aea0);
NUMBER(KVM_SET_DEBUGREGS, 0x4080aea2);
NUMBER(KVM_SET_TSC_KHZ, 0x0000aea2);
NUMBER(KVM_ENABLE_CAP, 0x4068aea3);
NUMBER(KVM_GET_TSC_KHZ, 0x0000aea3);
NUMBER(KVM_SET_XSAVE, 0x5000aea5);
NUMBER(KVM_SIGNAL_MSI, 0x4020aea5);

/* Structures that cross the boundary as they are. */
SIZE(kvm_regs, 144);
SIZE(kvm_sregs, 312);
SIZE(kvm_sregs2, 320);
SIZE(kvm_segment, 24);
SIZE(kvm_fpu, 416);
SIZE(kvm_xcrs, 392);
SIZE(kvm_debugregs, 128);
SIZE(kvm_vcpu_events, 64);
SIZE(kvm_lapic_state, 1024);
SIZE(kvm_irqchip, 520);
SIZE(kvm_pit_state2, 112);
SIZE(kvm_clock_data, 48);
SIZE(kvm_cpuid_entry2, 40);
SIZE(kvm_irq_routing_entry, 48);
SIZE(kvm_userspace_memory_region, 32);
SIZE(kvm_ioeventfd, 64);
SIZE(kvm_irqfd, 32);
SIZE(kvm_coalesced_mmio, 24);
SIZE(kvm_stats_header, 24);
AT(kvm_run, exit_reason, 8);
AT(kvm_run, if_flag, 13);
AT(kvm_run, cr8, 16);
AT(kvm_run, mmio, 32);

/* Nodes of the write-trace tree. */
NUMBER(RD_TREE_MAGIC, 0x45525452);
NUMBER(RD_TREE_VERSION, 1);
NUMBER(RD_TREE_RESTLESS, 14);
NUMBER(RD_TREE_CHILD_MASK, 0x000ffffffffff000);
NUMBER(RD_TREE_FLAGS, 0xe);
NUMBER(RD_TREE_RANGE_MASK, 0x000000ff00000000);
SIZE(rd_tree_header, 64);
AT(rd_tree_header, version, 4);
AT(rd_tree_header, level, 5);
AT(rd_tree_header, count, 6);
AT(rd_tree_header, generation, 8);
AT(rd_tree_header, first, 16);
AT(rd_tree_header, self, 24);
SIZE(rd_tree_range, 8);
AT(rd_tree_range, len, 2);
AT(rd_tree_range, next, 4);
AT(rd_tree_range, entry, 5);
AT(rd_tree_range, tag, 6);
