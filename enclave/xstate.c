// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extended state of a vCPU to and from an enclave's save area (K).
 * Invariant: the guest's registers are in the CPU while they are looked at, with all that the host
 * has in XCR0, of which XFRM is a part.
 */
#include <asm/fpu/api.h>
#include <asm/asm.h>
#include "enclave/enclave.h"

#define LEGACY_HEADER 576
#define MXCSR_OFFSET 24
#define MXCSR_RESET 0x1f80

static void begin(void)
{
	fpregs_lock();
	if (test_thread_flag(TIF_NEED_FPU_LOAD))
		switch_fpu_return();
}

void rd_enclave_xsave(struct rd_leaf *l, u8 *area, u64 xfrm)
{
	/* XSAVE leaves bits of the header alone that it was not asked for. */
	memset(area + LEGACY_HEADER - 64, 0, 64);
	begin();
	asm volatile("xsave64 %0"
		     : "+m"(*area)
		     : "a"((u32)xfrm), "d"((u32)(xfrm >> 32))
		     : "memory");
	fpregs_unlock();
}

/* The area may hold an MXCSR that no CPU takes: then nothing is loaded. */
static bool restore(const u8 *area, u64 xfrm)
{
	int bad = 1;

	begin();
	asm volatile("1: xrstor64 %[area]\n"
		     "xor %[bad], %[bad]\n"
		     "2:\n" _ASM_EXTABLE(1b, 2b)
		     : [bad] "+r"(bad)
		     : [area] "m"(*area), "a"((u32)xfrm), "d"((u32)(xfrm >> 32))
		     : "memory");
	fpregs_unlock();
	return !bad;
}

bool rd_enclave_xrstor(struct rd_leaf *l, const u8 *area, u64 xfrm)
{
	return restore(area, xfrm);
}

void rd_enclave_xinit(struct rd_leaf *l, u64 xfrm)
{
	u32 mxcsr = MXCSR_RESET;

	/* No component is present: all become what they are after a reset. */
	memset(l->xbuf, 0, LEGACY_HEADER);
	memcpy(l->xbuf + MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
	restore(l->xbuf, xfrm);
}
