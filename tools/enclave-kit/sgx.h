/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structures of the architecture that code in enclaves uses, for programs that have nothing but the
 * kit's headers. Invariant: the same as in enclave/arch.h, which a unit test compares.
 */
#ifndef RD_KIT_SGX_H
#define RD_KIT_SGX_H

#include <stddef.h>
#include <stdint.h>

struct rd_kit_attributes {
	uint64_t flags, xfrm;
};

struct rd_kit_report {
	uint8_t cpusvn[16];
	uint32_t miscselect;
	uint8_t reserved1[12];
	uint8_t isvextprodid[16];
	struct rd_kit_attributes attributes;
	uint8_t mrenclave[32];
	uint8_t reserved2[32];
	uint8_t mrsigner[32];
	uint8_t reserved3[32];
	uint8_t configid[64];
	uint16_t isvprodid, isvsvn, configsvn;
	uint8_t reserved4[42];
	uint8_t isvfamilyid[16];
	uint8_t reportdata[64];
	uint8_t keyid[32];
	uint8_t mac[16];
} __attribute__((aligned(512)));

struct rd_kit_targetinfo {
	uint8_t mrenclave[32];
	struct rd_kit_attributes attributes;
	uint8_t cet_attributes;
	uint8_t reserved1;
	uint16_t configsvn;
	uint32_t miscselect;
	uint8_t reserved2[8];
	uint8_t configid[64];
	uint8_t reserved3[384];
} __attribute__((aligned(512)));

struct rd_kit_keyrequest {
	uint16_t keyname, keypolicy, isvsvn;
	uint8_t cet_attributes_mask;
	uint8_t reserved1;
	uint8_t cpusvn[16];
	struct rd_kit_attributes attributemask;
	uint8_t keyid[32];
	uint32_t miscmask;
	uint16_t configsvn;
	uint8_t reserved2[434];
} __attribute__((aligned(512)));

#define RD_KIT_KEY_REPORT 3
#define RD_KIT_KEY_SEAL 4
#define RD_KIT_POLICY_MRENCLAVE 1
#define RD_KIT_POLICY_MRSIGNER 2

/* The end of an SSA frame. */
struct rd_kit_gprs {
	uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	uint64_t r8_15[8];
	uint64_t rflags, rip, ursp, urbp;
	uint32_t exitinfo;
	uint8_t reserved[3];
	uint8_t aexnotify;
	uint64_t fsbase, gsbase;
};

#define RD_KIT_EXITINFO_VALID 0x80000000U

/* Right below, with MISCSELECT.EXINFO. */
struct rd_kit_exinfo {
	uint64_t maddr;
	uint32_t errcd, reserved;
};

/* Reports are 432 bytes; aligned, they fill 512. */
#define RD_KIT_REPORT_BYTES 432
#define RD_KIT_REPORT_MACED 384

_Static_assert(offsetof(struct rd_kit_report, mac) + 16 == RD_KIT_REPORT_BYTES, "report");
_Static_assert(sizeof(struct rd_kit_targetinfo) == 512, "targetinfo");
_Static_assert(sizeof(struct rd_kit_keyrequest) == 512, "keyrequest");
_Static_assert(sizeof(struct rd_kit_gprs) == 184, "gprs");
_Static_assert(sizeof(struct rd_kit_exinfo) == 16, "exinfo");

#endif
