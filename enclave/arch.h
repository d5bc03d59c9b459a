/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the SGX architecture lays down (P): leaf numbers, error codes, and the structures that
 * software and the CPU hand each other.  SDM, volume 3D, "Enclave Access Control and Data
 * Structures" and "SGX Instruction References".
 * Invariant: sizes and offsets are asserted here, next to the declarations.
 */
#ifndef RD_ENCLAVE_ARCH_H
#define RD_ENCLAVE_ARCH_H

#include "kmod/base.h"

enum rd_encls_leaf {
	RD_ECREATE,
	RD_EADD,
	RD_EINIT,
	RD_EREMOVE,
	RD_EDBGRD,
	RD_EDBGWR,
	RD_EEXTEND,
	RD_ELDB,
	RD_ELDU,
	RD_EBLOCK,
	RD_EPA,
	RD_EWB,
	RD_ETRACK,
	RD_EAUG,
	RD_EMODPR,
	RD_EMODT,
	RD_NR_ENCLS,
};

enum rd_enclu_leaf {
	RD_EREPORT,
	RD_EGETKEY,
	RD_EENTER,
	RD_ERESUME,
	RD_EEXIT,
	RD_EACCEPT,
	RD_EMODPE,
	RD_EACCEPTCOPY,
	RD_EDECCSSA = 9,
	RD_NR_ENCLU,
};

/* What a leaf returns in RAX. */
enum rd_sgx_error {
	RD_SGX_OK = 0,
	RD_SGX_INVALID_SIG_STRUCT = 1,
	RD_SGX_INVALID_ATTRIBUTE = 2,
	RD_SGX_BLKSTATE = 3,
	RD_SGX_INVALID_MEASUREMENT = 4,
	RD_SGX_NOTBLOCKABLE = 5,
	RD_SGX_PG_INVLD = 6,
	RD_SGX_EPC_PAGE_CONFLICT = 7,
	RD_SGX_INVALID_SIGNATURE = 8,
	RD_SGX_MAC_COMPARE_FAIL = 9,
	RD_SGX_PAGE_NOT_BLOCKED = 10,
	RD_SGX_NOT_TRACKED = 11,
	RD_SGX_VA_SLOT_OCCUPIED = 12,
	RD_SGX_CHILD_PRESENT = 13,
	RD_SGX_ENCLAVE_ACT = 14,
	RD_SGX_ENTRYEPOCH_LOCKED = 15,
	RD_SGX_INVALID_EINITTOKEN = 16,
	RD_SGX_PREV_TRK_INCMPL = 17,
	RD_SGX_PG_IS_SECS = 18,
	RD_SGX_PAGE_ATTRIBUTES_MISMATCH = 19,
	RD_SGX_PAGE_NOT_MODIFIABLE = 20,
	RD_SGX_PAGE_NOT_DEBUGGABLE = 21,
	RD_SGX_INVALID_COUNTER = 25,
	RD_SGX_PG_NONEPC = 26,
	RD_SGX_TRACK_NOT_REQUIRED = 27,
	RD_SGX_INVALID_CPUSVN = 32,
	RD_SGX_INVALID_ISVSVN = 64,
	RD_SGX_UNMASKED_EVENT = 128,
	RD_SGX_INVALID_KEYNAME = 256,
};

enum rd_page_type { RD_PT_SECS, RD_PT_TCS, RD_PT_REG, RD_PT_VA, RD_PT_TRIM, RD_NR_PT };

#define RD_SGX_PAGE 4096U
#define RD_SGX_CHUNK 256U /* what one EEXTEND measures */
#define RD_SGX_MIN_SIZE (2 * RD_SGX_PAGE)

/* #PF: an access that the EPCM refused, besides the bits of vmm/gwalk.h. */
#define RD_PF_SGX BIT(15)

struct rd_attributes {
	u64 flags, xfrm;
};

#define RD_ATTR_INIT BIT_ULL(0)
#define RD_ATTR_DEBUG BIT_ULL(1)
#define RD_ATTR_MODE64 BIT_ULL(2)
#define RD_ATTR_PROVISIONKEY BIT_ULL(4)
#define RD_ATTR_EINITTOKENKEY BIT_ULL(5)
#define RD_ATTR_KSS BIT_ULL(7)
#define RD_ATTR_AEXNOTIFY BIT_ULL(10)

#define RD_MISC_EXINFO BIT(0)

#define RD_XFRM_X87_SSE 3ULL

/* The enclave's control structure, the contents of a page of type PT_SECS. */
struct rd_secs {
	u64 size, base;
	u32 ssa_frame_size; /* pages */
	u32 miscselect;
	u8 reserved1[24];
	struct rd_attributes attributes;
	u8 mrenclave[32];
	u8 reserved2[32];
	u8 mrsigner[32];
	u8 reserved3[32];
	u8 configid[64];
	u16 isvprodid, isvsvn, configsvn;
	u8 reserved4[3834];
} __packed __aligned(8);

struct rd_tcs {
	u64 state; /* the CPU's */
	u64 flags;
	u64 ossa; /* offsets from the enclave's base */
	u32 cssa, nssa;
	u64 oentry;
	u64 aep; /* the CPU's */
	u64 ofsbase, ogsbase;
	u32 fslimit, gslimit;
	u8 reserved[4024];
} __packed __aligned(8);

#define RD_TCS_DBGOPTIN BIT_ULL(0)
#define RD_TCS_AEXNOTIFY BIT_ULL(1)

struct rd_pageinfo {
	u64 linaddr;
	u64 srcpge;
	u64 secinfo; /* or PCMD */
	u64 secs;
};

struct rd_secinfo {
	u64 flags;
	u8 reserved[56];
};

#define RD_SI_R BIT_ULL(0)
#define RD_SI_W BIT_ULL(1)
#define RD_SI_X BIT_ULL(2)
#define RD_SI_RWX (RD_SI_R | RD_SI_W | RD_SI_X)
#define RD_SI_PENDING BIT_ULL(3)
#define RD_SI_MODIFIED BIT_ULL(4)
#define RD_SI_PR BIT_ULL(5)
#define RD_SI_PT_SHIFT 8
#define RD_SI_PT(pt) ((u64)(pt) << RD_SI_PT_SHIFT)
#define RD_SI_PT_MASK RD_SI_PT(0xff)
#define RD_SI_STATE (RD_SI_PENDING | RD_SI_MODIFIED | RD_SI_PR)
#define RD_SI_DEFINED (RD_SI_RWX | RD_SI_STATE | RD_SI_PT_MASK)

/* What goes with an evicted page. */
struct rd_pcmd {
	struct rd_secinfo secinfo;
	u64 enclave_id;
	u8 reserved[40];
	u8 mac[16];
};

#define RD_RSA_BYTES 384U

struct rd_sigstruct {
	u8 header[16];
	u32 vendor, date;
	u8 header2[16];
	u32 swdefined;
	u8 reserved1[84];
	u8 modulus[RD_RSA_BYTES]; /* little endian, as the other numbers */
	u32 exponent;
	u8 signature[RD_RSA_BYTES];
	u32 miscselect, miscmask;
	u8 cet_attributes, cet_mask;
	u8 reserved2[2];
	u8 isvfamilyid[16];
	struct rd_attributes attributes, attributemask;
	u8 enclavehash[32];
	u8 reserved3[16];
	u8 isvextprodid[16];
	u16 isvprodid, isvsvn;
	u8 reserved4[12];
	u8 q1[RD_RSA_BYTES], q2[RD_RSA_BYTES];
} __packed;

/* Two ranges are signed: the header, and the body from miscselect to isvsvn. */
#define RD_SIG_HEAD 128U
#define RD_SIG_BODY offsetof(struct rd_sigstruct, miscselect)
#define RD_SIG_BODY_LEN 128U

struct rd_einittoken {
	u32 valid;
	u8 reserved1[44];
	struct rd_attributes attributes;
	u8 mrenclave[32];
	u8 reserved2[32];
	u8 mrsigner[32];
	u8 reserved3[32];
	u8 cpusvnle[16];
	u16 isvprodidle, isvsvnle;
	u8 cet_masked_attributesle;
	u8 reserved4[23];
	u32 maskedmiscselectle;
	struct rd_attributes maskedattributesle;
	u8 keyid[32];
	u8 mac[16];
} __packed;

#define RD_EINITTOKEN_MACED 192U

struct rd_report {
	u8 cpusvn[16];
	u32 miscselect;
	u8 reserved1[12];
	u8 isvextprodid[16];
	struct rd_attributes attributes;
	u8 mrenclave[32];
	u8 reserved2[32];
	u8 mrsigner[32];
	u8 reserved3[32];
	u8 configid[64];
	u16 isvprodid, isvsvn, configsvn;
	u8 reserved4[42];
	u8 isvfamilyid[16];
	u8 reportdata[64];
	u8 keyid[32];
	u8 mac[16];
} __packed;

#define RD_REPORT_MACED 384U

struct rd_targetinfo {
	u8 measurement[32];
	struct rd_attributes attributes;
	u8 cet_attributes;
	u8 reserved1;
	u16 configsvn;
	u32 miscselect;
	u8 reserved2[8];
	u8 configid[64];
	u8 reserved3[384];
} __packed;

struct rd_keyrequest {
	u16 keyname, keypolicy, isvsvn;
	u8 cet_attributes_mask;
	u8 reserved1;
	u8 cpusvn[16];
	struct rd_attributes attributemask;
	u8 keyid[32];
	u32 miscmask;
	u16 configsvn;
	u8 reserved2[434];
} __packed;

enum rd_keyname {
	RD_KEY_EINITTOKEN,
	RD_KEY_PROVISION,
	RD_KEY_PROVISION_SEAL,
	RD_KEY_REPORT,
	RD_KEY_SEAL,
};

#define RD_POLICY_MRENCLAVE BIT(0)
#define RD_POLICY_MRSIGNER BIT(1)
#define RD_POLICY_NOISVPRODID BIT(2)
#define RD_POLICY_CONFIGID BIT(3)
#define RD_POLICY_ISVFAMILYID BIT(4)
#define RD_POLICY_ISVEXTPRODID BIT(5)
#define RD_POLICY_KSS                                                                              \
	(RD_POLICY_NOISVPRODID | RD_POLICY_CONFIGID | RD_POLICY_ISVFAMILYID |                      \
	 RD_POLICY_ISVEXTPRODID)

/* The end of an SSA frame; the MISC region lies below it, the XSAVE area at the frame's start. */
struct rd_gprsgx {
	u64 rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	u64 r8_15[8];
	u64 rflags, rip, ursp, urbp;
	u32 exitinfo;
	u8 reserved[3];
	u8 aexnotify;
	u64 fsbase, gsbase;
};

#define RD_EXITINFO_VALID BIT(31)
#define RD_EXITINFO_HARDWARE (3U << 8)
#define RD_EXITINFO_SOFTWARE (6U << 8)

struct rd_exinfo {
	u64 maddr;
	u32 errcd, reserved;
};

_Static_assert(sizeof(struct rd_secs) == RD_SGX_PAGE, "SECS");
_Static_assert(offsetof(struct rd_secs, attributes) == 48, "SECS.ATTRIBUTES");
_Static_assert(offsetof(struct rd_secs, mrenclave) == 64, "SECS.MRENCLAVE");
_Static_assert(offsetof(struct rd_secs, mrsigner) == 128, "SECS.MRSIGNER");
_Static_assert(offsetof(struct rd_secs, configid) == 192, "SECS.CONFIGID");
_Static_assert(offsetof(struct rd_secs, isvprodid) == 256, "SECS.ISVPRODID");
_Static_assert(sizeof(struct rd_tcs) == RD_SGX_PAGE, "TCS");
_Static_assert(offsetof(struct rd_tcs, oentry) == 32, "TCS.OENTRY");
_Static_assert(offsetof(struct rd_tcs, gslimit) == 68, "TCS.GSLIMIT");
_Static_assert(sizeof(struct rd_pageinfo) == 32, "PAGEINFO");
_Static_assert(sizeof(struct rd_secinfo) == 64, "SECINFO");
_Static_assert(sizeof(struct rd_pcmd) == 128, "PCMD");
_Static_assert(offsetof(struct rd_pcmd, mac) == 112, "PCMD.MAC");
_Static_assert(sizeof(struct rd_sigstruct) == 1808, "SIGSTRUCT");
_Static_assert(offsetof(struct rd_sigstruct, modulus) == 128, "SIGSTRUCT.MODULUS");
_Static_assert(offsetof(struct rd_sigstruct, miscselect) == 900, "SIGSTRUCT.MISCSELECT");
_Static_assert(offsetof(struct rd_sigstruct, attributes) == 928, "SIGSTRUCT.ATTRIBUTES");
_Static_assert(offsetof(struct rd_sigstruct, isvprodid) == 1024, "SIGSTRUCT.ISVPRODID");
_Static_assert(offsetof(struct rd_sigstruct, q1) == 1040, "SIGSTRUCT.Q1");
_Static_assert(sizeof(struct rd_einittoken) == 304, "EINITTOKEN");
_Static_assert(offsetof(struct rd_einittoken, cpusvnle) == 192, "EINITTOKEN.CPUSVNLE");
_Static_assert(offsetof(struct rd_einittoken, keyid) == 256, "EINITTOKEN.KEYID");
_Static_assert(sizeof(struct rd_report) == 432, "REPORT");
_Static_assert(offsetof(struct rd_report, reportdata) == 320, "REPORT.REPORTDATA");
_Static_assert(sizeof(struct rd_targetinfo) == 512, "TARGETINFO");
_Static_assert(sizeof(struct rd_keyrequest) == 512, "KEYREQUEST");
_Static_assert(offsetof(struct rd_keyrequest, keyid) == 40, "KEYREQUEST.KEYID");
_Static_assert(sizeof(struct rd_gprsgx) == 184, "GPRSGX");
_Static_assert(offsetof(struct rd_gprsgx, exitinfo) == 160, "GPRSGX.EXITINFO");
_Static_assert(sizeof(struct rd_exinfo) == 16, "EXINFO");

#endif
