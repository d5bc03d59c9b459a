// SPDX-License-Identifier: GPL-2.0-only
/*
 * The image's environment: calls of the hypervisor, and what the compiler expects to be there.
 * Invariant: no library is linked to the image: these are all it has.
 */
#include "tools/guest/image.h"

long image_hypercall(u64 nr, u64 first, u64 second)
{
	long ret;

	if (image_setup.vmcall)
		asm volatile("vmcall"
			     : "=a"(ret)
			     : "a"(nr), "b"(first), "c"(second)
			     : "memory");
	else
		asm volatile("vmmcall"
			     : "=a"(ret)
			     : "a"(nr), "b"(first), "c"(second)
			     : "memory");
	return ret;
}

void *image_memory(u64 gpa)
{
	return (void *)(RD_MODE_MEMORY + gpa);
}

void *memcpy(void *to, const void *from, size_t n)
{
	void *start = to;

	asm volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	return start;
}

void *memset(void *to, int c, size_t n)
{
	void *start = to;

	asm volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(c) : "memory");
	return start;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const u8 *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
