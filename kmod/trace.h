/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoints, system "redoubt" (K). Invariant: arguments are values that the caller has at
 * hand, so that a tracepoint which is off costs one patched-out branch; no event holds a pointer or
 * a string.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM redoubt

#if !defined(RD_KMOD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define RD_KMOD_TRACE_H

#include <linux/tracepoint.h>

TRACE_EVENT(rd_entry,
	TP_PROTO(u32 vcpu, u64 rip),
	TP_ARGS(vcpu, rip),
	TP_STRUCT__entry(
		__field(u64, rip)
		__field(u32, vcpu)
	),
	TP_fast_assign(
		__entry->rip = rip;
		__entry->vcpu = vcpu;
	),
	TP_printk("vcpu %u rip 0x%llx",
		  __entry->vcpu, __entry->rip)
);

/* code: the backend's exit code, as its manual numbers them; info: what the exit says beyond it. */
TRACE_EVENT(rd_exit,
	TP_PROTO(u32 vcpu, u64 code, u64 rip, u64 info),
	TP_ARGS(vcpu, code, rip, info),
	TP_STRUCT__entry(
		__field(u64, rip)
		__field(u64, code)
		__field(u64, info)
		__field(u32, vcpu)
	),
	TP_fast_assign(
		__entry->rip = rip;
		__entry->code = code;
		__entry->info = info;
		__entry->vcpu = vcpu;
	),
	TP_printk("vcpu %u code 0x%llx rip 0x%llx info 0x%llx",
		  __entry->vcpu, __entry->code, __entry->rip, __entry->info)
);

TRACE_EVENT(rd_inject,
	TP_PROTO(u32 vcpu, u32 vector, u32 error),
	TP_ARGS(vcpu, vector, error),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, vector)
		__field(u32, error)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->vector = vector;
		__entry->error = error;
	),
	TP_printk("vcpu %u vector 0x%x error 0x%x",
		  __entry->vcpu, __entry->vector, __entry->error)
);

/* acc: RD_ACC_* bits; result: enum rd_fault_result or a negative errno. */
TRACE_EVENT(rd_nested_fault,
	TP_PROTO(u32 vcpu, u64 gpa, u32 acc, int result),
	TP_ARGS(vcpu, gpa, acc, result),
	TP_STRUCT__entry(
		__field(u64, gpa)
		__field(u32, vcpu)
		__field(u32, acc)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->gpa = gpa;
		__entry->vcpu = vcpu;
		__entry->acc = acc;
		__entry->result = result;
	),
	TP_printk("vcpu %u gpa 0x%llx %s%s%s result %d",
		  __entry->vcpu, __entry->gpa, __entry->acc & 1 ? "r" : "-",
		  __entry->acc & 2 ? "w" : "-", __entry->acc & 4 ? "x" : "-", __entry->result)
);

/* result: enum rd_emul_result. */
TRACE_EVENT(rd_emulate,
	TP_PROTO(u32 vcpu, u64 rip, int result),
	TP_ARGS(vcpu, rip, result),
	TP_STRUCT__entry(
		__field(u64, rip)
		__field(u32, vcpu)
		__field(int, result)
	),
	TP_fast_assign(
		__entry->rip = rip;
		__entry->vcpu = vcpu;
		__entry->result = result;
	),
	TP_printk("vcpu %u rip 0x%llx result %d",
		  __entry->vcpu, __entry->rip, __entry->result)
);

/* result: RD_MSR_*. */
TRACE_EVENT(rd_msr,
	TP_PROTO(u32 vcpu, bool write, u32 msr, u64 val, int result),
	TP_ARGS(vcpu, write, msr, val, result),
	TP_STRUCT__entry(
		__field(u64, val)
		__field(u32, vcpu)
		__field(u32, msr)
		__field(int, result)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->val = val;
		__entry->vcpu = vcpu;
		__entry->msr = msr;
		__entry->result = result;
		__entry->write = write;
	),
	TP_printk("vcpu %u %s 0x%x = 0x%llx result %d",
		  __entry->vcpu, __entry->write ? "write" : "read", __entry->msr,
		  __entry->val, __entry->result)
);

TRACE_EVENT(rd_pio,
	TP_PROTO(u32 vcpu, bool in, u32 port, u32 size, u32 count),
	TP_ARGS(vcpu, in, port, size, count),
	TP_STRUCT__entry(
		__field(u32, vcpu)
		__field(u32, port)
		__field(u32, size)
		__field(u32, count)
		__field(bool, in)
	),
	TP_fast_assign(
		__entry->vcpu = vcpu;
		__entry->port = port;
		__entry->size = size;
		__entry->count = count;
		__entry->in = in;
	),
	TP_printk("vcpu %u %s port 0x%x size %u count %u",
		  __entry->vcpu, __entry->in ? "in" : "out", __entry->port,
		  __entry->size, __entry->count)
);

TRACE_EVENT(rd_mmio,
	TP_PROTO(u32 vcpu, bool write, u64 gpa, u32 len, u64 val),
	TP_ARGS(vcpu, write, gpa, len, val),
	TP_STRUCT__entry(
		__field(u64, gpa)
		__field(u64, val)
		__field(u32, vcpu)
		__field(u32, len)
		__field(bool, write)
	),
	TP_fast_assign(
		__entry->gpa = gpa;
		__entry->val = val;
		__entry->vcpu = vcpu;
		__entry->len = len;
		__entry->write = write;
	),
	TP_printk("vcpu %u %s gpa 0x%llx len %u val 0x%llx",
		  __entry->vcpu, __entry->write ? "write" : "read", __entry->gpa,
		  __entry->len, __entry->val)
);

/* icr: the interrupt command register, destination in the high half. */
TRACE_EVENT(rd_apic_ipi,
	TP_PROTO(u32 vcpu, u64 icr),
	TP_ARGS(vcpu, icr),
	TP_STRUCT__entry(
		__field(u64, icr)
		__field(u32, vcpu)
	),
	TP_fast_assign(
		__entry->icr = icr;
		__entry->vcpu = vcpu;
	),
	TP_printk("vcpu %u dest 0x%llx icr 0x%llx",
		  __entry->vcpu, __entry->icr >> 32, __entry->icr & 0xffffffff)
);

/* A write to a traced page is over. hit, decision: as in kmod/uapi/redoubt_trace.h. */
TRACE_EVENT(rd_trace_hit,
	TP_PROTO(u32 vcpu, u64 gpa, u64 rip, u32 len, u32 hit, u32 decision),
	TP_ARGS(vcpu, gpa, rip, len, hit, decision),
	TP_STRUCT__entry(
		__field(u64, gpa)
		__field(u64, rip)
		__field(u32, vcpu)
		__field(u32, len)
		__field(u32, hit)
		__field(u32, decision)
	),
	TP_fast_assign(
		__entry->gpa = gpa;
		__entry->rip = rip;
		__entry->vcpu = vcpu;
		__entry->len = len;
		__entry->hit = hit;
		__entry->decision = decision;
	),
	TP_printk("vcpu %u gpa 0x%llx rip 0x%llx len %u hit %u decision %u",
		  __entry->vcpu, __entry->gpa, __entry->rip, __entry->len, __entry->hit,
		  __entry->decision)
);

/* A stay in integrity mode is over. what: RDI at its begin; why: enum rd_mode_why, 0: it left. */
TRACE_EVENT(rd_trace_mode,
	TP_PROTO(u32 vcpu, u64 what, u32 entries, u32 why, long result),
	TP_ARGS(vcpu, what, entries, why, result),
	TP_STRUCT__entry(
		__field(u64, what)
		__field(long, result)
		__field(u32, vcpu)
		__field(u32, entries)
		__field(u32, why)
	),
	TP_fast_assign(
		__entry->what = what;
		__entry->result = result;
		__entry->vcpu = vcpu;
		__entry->entries = entries;
		__entry->why = why;
	),
	TP_printk("vcpu %u what 0x%llx entries %u why %u result %ld", __entry->vcpu,
		  __entry->what, __entry->entries, __entry->why, __entry->result)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH kmod
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
