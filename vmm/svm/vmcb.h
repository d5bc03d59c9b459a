/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The virtual machine control block as the CPU reads it (APM volume 2, "Layout of VMCB"), the exit
 * codes and the bits of each word. Invariant: the structs match the hardware layout byte for byte;
 * the asserts below prove it.
 */
#ifndef RD_SVM_VMCB_H
#define RD_SVM_VMCB_H

#include "kmod/base.h"

struct rd_vmcb_seg {
	u16 sel;
	u16 attr; /* type 0-3, S 4, DPL 5-6, P 7, AVL 8, L 9, D/B 10, G 11 */
	u32 limit;
	u64 base;
};

struct rd_vmcb_control {
	u16 cr_read, cr_write;
	u16 dr_read, dr_write;
	u32 exceptions;
	u32 misc1, misc2, misc3;
	u8 rsvd0[0x3c - 0x18];
	u16 pause_threshold, pause_count;
	u64 iopm_pa, msrpm_pa;
	u64 tsc_offset;
	u32 asid;
	u8 tlb_control;
	u8 rsvd1[3];
	u32 int_ctl;
	u32 int_vector;
	u64 int_state;
	u64 exit_code;
	u64 exit_info1, exit_info2;
	u64 exit_int_info;
	u64 np_control;
	u64 avic_bar;
	u64 ghcb;
	u64 event_inj;
	u64 n_cr3;
	u64 virt_ext;
	u32 clean;
	u32 rsvd2;
	u64 next_rip;
	u8 insn_len;
	u8 insn[15];
	u8 rsvd3[0x400 - 0xe0];
};

struct rd_vmcb_save {
	struct rd_vmcb_seg es, cs, ss, ds, fs, gs, gdtr, ldtr, idtr, tr;
	u8 rsvd0[0xcb - 0xa0];
	u8 cpl;
	u32 rsvd1;
	u64 efer;
	u8 rsvd2[0x148 - 0xd8];
	u64 cr4, cr3, cr0, dr7, dr6, rflags, rip;
	u8 rsvd3[0x1d8 - 0x180];
	u64 rsp, s_cet, ssp, isst, rax;
	u64 star, lstar, cstar, sfmask, kernel_gs_base;
	u64 sysenter_cs, sysenter_esp, sysenter_eip;
	u64 cr2;
	u8 rsvd4[0x268 - 0x248];
	u64 g_pat, dbgctl, br_from, br_to, last_excp_from, last_excp_to;
	u8 rsvd5[0x2e0 - 0x298];
	u64 spec_ctrl;
};

struct rd_vmcb {
	struct rd_vmcb_control c;
	struct rd_vmcb_save s;
	u8 rsvd[0x1000 - 0x400 - sizeof(struct rd_vmcb_save)];
};

_Static_assert(sizeof(struct rd_vmcb_control) == 0x400, "control area");
_Static_assert(offsetof(struct rd_vmcb_control, pause_threshold) == 0x3c, "pause filter");
_Static_assert(offsetof(struct rd_vmcb_control, asid) == 0x58, "ASID");
_Static_assert(offsetof(struct rd_vmcb_control, exit_code) == 0x70, "EXITCODE");
_Static_assert(offsetof(struct rd_vmcb_control, event_inj) == 0xa8, "EVENTINJ");
_Static_assert(offsetof(struct rd_vmcb_control, clean) == 0xc0, "clean bits");
_Static_assert(offsetof(struct rd_vmcb_control, next_rip) == 0xc8, "nRIP");
_Static_assert(offsetof(struct rd_vmcb_control, insn) == 0xd1, "guest instruction bytes");
_Static_assert(offsetof(struct rd_vmcb_save, cpl) == 0xcb, "CPL");
_Static_assert(offsetof(struct rd_vmcb_save, efer) == 0xd0, "EFER");
_Static_assert(offsetof(struct rd_vmcb_save, cr4) == 0x148, "CR4");
_Static_assert(offsetof(struct rd_vmcb_save, rip) == 0x178, "RIP");
_Static_assert(offsetof(struct rd_vmcb_save, rsp) == 0x1d8, "RSP");
_Static_assert(offsetof(struct rd_vmcb_save, rax) == 0x1f8, "RAX");
_Static_assert(offsetof(struct rd_vmcb_save, cr2) == 0x240, "CR2");
_Static_assert(offsetof(struct rd_vmcb_save, g_pat) == 0x268, "G_PAT");
_Static_assert(offsetof(struct rd_vmcb_save, spec_ctrl) == 0x2e0, "SPEC_CTRL");
_Static_assert(sizeof(struct rd_vmcb) == 0x1000, "VMCB");

/* misc1 intercepts */
#define SVM_I_INTR BIT(0)
#define SVM_I_NMI BIT(1)
#define SVM_I_SMI BIT(2)
#define SVM_I_INIT BIT(3)
#define SVM_I_VINTR BIT(4)
#define SVM_I_CR0_SEL BIT(5) /* writes of CR0 that change more than TS and MP */
#define SVM_I_RDPMC BIT(15)
#define SVM_I_CPUID BIT(18)
#define SVM_I_RSM BIT(19)
#define SVM_I_IRET BIT(20)
#define SVM_I_INTN BIT(21)
#define SVM_I_INVD BIT(22)
#define SVM_I_PAUSE BIT(23)
#define SVM_I_HLT BIT(24)
#define SVM_I_INVLPGA BIT(26)
#define SVM_I_IOIO BIT(27)
#define SVM_I_MSR BIT(28)
#define SVM_I_TASK_SWITCH BIT(29)
#define SVM_I_SHUTDOWN BIT(31)
/* misc2 intercepts */
#define SVM_I2_VMRUN BIT(0)
#define SVM_I2_VMMCALL BIT(1)
#define SVM_I2_VMLOAD BIT(2)
#define SVM_I2_VMSAVE BIT(3)
#define SVM_I2_STGI BIT(4)
#define SVM_I2_CLGI BIT(5)
#define SVM_I2_SKINIT BIT(6)
#define SVM_I2_WBINVD BIT(9)
#define SVM_I2_MONITOR BIT(10)
#define SVM_I2_MWAIT BIT(11)
#define SVM_I2_MWAIT_ARMED BIT(12)
#define SVM_I2_XSETBV BIT(13)
#define SVM_I2_RDPRU BIT(14)

/* int_ctl */
#define SVM_V_IRQ BIT(8)
#define SVM_V_GIF BIT(9)
#define SVM_V_PRIO_SHIFT 16
#define SVM_V_IGN_TPR BIT(20)
/* A virtual interrupt above every task priority. */
#define SVM_V_IRQ_NOW (SVM_V_IRQ | SVM_V_IGN_TPR | (0xfU << SVM_V_PRIO_SHIFT))
#define SVM_V_INTR_MASKING BIT(24)
#define SVM_V_GIF_ENABLE BIT(25)
#define SVM_INT_SHADOW BIT_ULL(0)

/* EVENTINJ and EXITINTINFO */
#define SVM_EVT_VECTOR 0xffU
#define SVM_EVT_TYPE(t) ((t) << 8)
#define SVM_EVT_TYPE_MASK (7U << 8)
#define SVM_EVT_INTR SVM_EVT_TYPE(0U)
#define SVM_EVT_NMI SVM_EVT_TYPE(2U)
#define SVM_EVT_EXCEPTION SVM_EVT_TYPE(3U)
#define SVM_EVT_SOFT SVM_EVT_TYPE(4U)
#define SVM_EVT_HAS_ERROR BIT_ULL(11)
#define SVM_EVT_VALID BIT_ULL(31)

/* clean bits: the CPU may use its cached copy of the group */
#define SVM_CLEAN_INTERCEPTS BIT(0)
#define SVM_CLEAN_IOPM BIT(1)
#define SVM_CLEAN_ASID BIT(2)
#define SVM_CLEAN_INTR BIT(3)
#define SVM_CLEAN_NPT BIT(4)
#define SVM_CLEAN_CR BIT(5)
#define SVM_CLEAN_DR BIT(6)
#define SVM_CLEAN_DT BIT(7)
#define SVM_CLEAN_SEG BIT(8)
#define SVM_CLEAN_CR2 BIT(9)
#define SVM_CLEAN_LBR BIT(10)
/* INTR is written on most entries, CR2 is written by us always: never claimed clean. */
#define SVM_CLEAN_ALL                                                                              \
	(SVM_CLEAN_INTERCEPTS | SVM_CLEAN_IOPM | SVM_CLEAN_ASID | SVM_CLEAN_NPT | SVM_CLEAN_CR |   \
	 SVM_CLEAN_DR | SVM_CLEAN_DT | SVM_CLEAN_SEG | SVM_CLEAN_LBR)

#define SVM_TLB_NONE 0
#define SVM_TLB_ALL 1
#define SVM_TLB_ASID 3

/* #VMEXIT codes */
enum {
	SVM_EXIT_CR0_READ = 0x00,
	SVM_EXIT_CR0_WRITE = 0x10,
	SVM_EXIT_CR8_WRITE = 0x18,
	SVM_EXIT_DR0_READ = 0x20,
	SVM_EXIT_DR7_WRITE = 0x37,
	SVM_EXIT_EXCP = 0x40,
	SVM_EXIT_INTR = 0x60,
	SVM_EXIT_NMI,
	SVM_EXIT_SMI,
	SVM_EXIT_INIT,
	SVM_EXIT_VINTR,
	SVM_EXIT_CR0_SEL_WRITE,
	SVM_EXIT_RDPMC = 0x6f,
	SVM_EXIT_CPUID = 0x72,
	SVM_EXIT_RSM,
	SVM_EXIT_IRET,
	SVM_EXIT_SWINT,
	SVM_EXIT_INVD,
	SVM_EXIT_PAUSE,
	SVM_EXIT_HLT,
	SVM_EXIT_INVLPG,
	SVM_EXIT_INVLPGA,
	SVM_EXIT_IOIO,
	SVM_EXIT_MSR,
	SVM_EXIT_TASK_SWITCH,
	SVM_EXIT_SHUTDOWN = 0x7f,
	SVM_EXIT_VMRUN,
	SVM_EXIT_VMMCALL,
	SVM_EXIT_VMLOAD,
	SVM_EXIT_VMSAVE,
	SVM_EXIT_STGI,
	SVM_EXIT_CLGI,
	SVM_EXIT_SKINIT,
	SVM_EXIT_WBINVD = 0x89,
	SVM_EXIT_MONITOR,
	SVM_EXIT_MWAIT,
	SVM_EXIT_MWAIT_ARMED,
	SVM_EXIT_XSETBV,
	SVM_EXIT_RDPRU,
	SVM_NR_EXITS = 0x90,
	SVM_EXIT_NPF = 0x400,
};

/* EXITINFO1 of a nested page fault */
#define SVM_NPF_PRESENT BIT_ULL(0)
#define SVM_NPF_WRITE BIT_ULL(1)
#define SVM_NPF_FETCH BIT_ULL(4)
#define SVM_NPF_FINAL                                                                              \
	BIT_ULL(32) /* the fault is on the final address, not on a table of the guest's walk */

/* EXITINFO1 of IOIO */
#define SVM_IO_IN BIT(0)
#define SVM_IO_STRING BIT(2)
#define SVM_IO_REP BIT(3)
#define SVM_IO_SIZE_SHIFT 4
#define SVM_IO_PORT_SHIFT 16

/* CPUID 0x8000000a EDX */
#define SVM_F_NPT BIT(0)
#define SVM_F_NRIPS BIT(3)
#define SVM_F_TSC_RATE BIT(4)
#define SVM_F_CLEAN BIT(5)
#define SVM_F_FLUSH_ASID BIT(6)
#define SVM_F_DECODE BIT(7)
#define SVM_F_PAUSE_FILTER BIT(10)
#define SVM_F_PAUSE_THRESHOLD BIT(12)
#define SVM_F_VGIF BIT(16)

#endif
