// SPDX-License-Identifier: GPL-2.0-only
/*
 * A stack to be searched.
 * Invariant: as in own_stack.h.
 */
#include "tests/unit/own_stack.h"

static u8 stack[1 << 20] __aligned(4096);

/* Far enough down that the thread's end does not write over what is left. */
static void *call(void *fn)
{
	volatile u8 gap[65536];

	gap[0] = 0;
	(*(void (**)(void))fn)();
	return (void *)(uintptr_t)gap[0];
}

void own_stack_run(void (*fn)(void))
{
	pthread_attr_t attr;
	pthread_t thread;

	memset(stack, 0, sizeof(stack));
	if (pthread_attr_init(&attr) || pthread_attr_setstack(&attr, stack, sizeof(stack)) ||
	    pthread_create(&thread, &attr, call, &fn) || pthread_join(thread, NULL)) {
		fprintf(stderr, "own_stack: no thread\n");
		abort();
	}
	pthread_attr_destroy(&attr);
}

/* Between its frames the stack is nobody's, and the sanitizer may still say whose it was. */
__attribute__((no_sanitize_address)) bool own_stack_has(const void *bytes, size_t len)
{
	const u8 *want = bytes;
	size_t at, i;

	for (at = 0; at + len <= sizeof(stack); at++) {
		for (i = 0; i < len && stack[at + i] == want[i]; i++)
			;
		if (i == len)
			return true;
	}
	return false;
}
