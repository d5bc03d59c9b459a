/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What passes between an enclave of the kit and its loader in registers: of entry.S as well.
 *
 * In (EENTER at CSSA 0): RDI what to do, RSI address and RDX size of the argument, R8 address and
 * R9 size of the exchange area, which is outside and stays the host's for the time of the call. Out
 * (EEXIT): RDI why, RSI and RDX as below. All else is zero.
 *
 * Neither side believes the other: what comes in is checked inside, and what comes out is no
 * address that the loader would follow.
 */
#ifndef RD_KIT_ABI_H
#define RD_KIT_ABI_H

/* RDI on the way in is the number of an ECALL, or this: back from an OCALL, its result in RSI. */
#define RD_KIT_IN_BACK 0xffffffffffffffff

/* RDI on the way out. */
#define RD_KIT_OUT_RETURN 1 /* of an ECALL: RSI its result */
#define RD_KIT_OUT_OCALL 2 /* RSI its number, RDX bytes of argument in the exchange area */
#define RD_KIT_OUT_RESUME 3 /* ERESUME: RSI 1, an exception was dealt with; 0, there was none */
#define RD_KIT_OUT_REFUSED 4 /* RSI which of the reasons below */
#define RD_KIT_OUT_DEAD 5 /* this enclave answers no more: RSI the vector of an exception, or */
#define RD_KIT_DEAD_BY_ITSELF 0x100

#define RD_KIT_NO_SUCH_CALL 1
#define RD_KIT_BAD_SIZE 2
#define RD_KIT_BAD_ADDRESS 3 /* not all of it outside */
#define RD_KIT_IN_OCALL 4 /* the thread waits for the end of an OCALL */
#define RD_KIT_NOT_IN_OCALL 5

#define RD_KIT_ARGS_MAX 1024 /* bytes of an argument */

/* Places in a thread's page that assembly uses; what lies below 256 is struct rd_kit_thread's. */
#define RD_KIT_T_LINEAR 0 /* runtime[0]: the page's address, as compilers expect it at FS */
#define RD_KIT_T_CANARY 40 /* runtime[5]: the stack protector's */
#define RD_KIT_T_SELF 64
#define RD_KIT_T_TCS 72
#define RD_KIT_T_STACK 88
#define RD_KIT_T_STACK_SIZE 96
#define RD_KIT_T_OUT_SP 256 /* the host's, to go back to */
#define RD_KIT_T_OUT_BP 264
#define RD_KIT_T_OUT_IP 272
#define RD_KIT_T_EXC_SP 280 /* the same, of the stay that deals with an exception */
#define RD_KIT_T_EXC_BP 288
#define RD_KIT_T_EXC_IP 296
#define RD_KIT_T_OCALL_SP 304 /* the thread's own, while it waits for the end of an OCALL */
#define RD_KIT_T_AREA 312
#define RD_KIT_T_AREA_SIZE 320

/* Bytes at the end of a thread's stack for exceptions alone: what was interrupted may have none. */
#define RD_KIT_EXC_STACK 4096

#endif
