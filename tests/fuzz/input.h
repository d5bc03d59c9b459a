/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The input of a fuzz target, taken from front to back. Invariant: an input that is used up goes on
 * as zeros, so every input is a whole one.
 */
#ifndef RD_TESTS_FUZZ_INPUT_H
#define RD_TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	const uint8_t *data;
	size_t size, at;
} in;

static inline void fuzz_begin(const uint8_t *data, size_t size)
{
	in.data = data;
	in.size = size;
	in.at = 0;
}

static inline int fuzz_more(void)
{
	return in.at < in.size;
}

static inline uint8_t take(void)
{
	return in.at < in.size ? in.data[in.at++] : 0;
}

static inline uint64_t take_n(unsigned int n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | take();
	return v;
}

static inline void take_bytes(void *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		((uint8_t *)to)[i] = take();
}

/* N bytes of state that make sense, with a few of them changed: what a file nearly says. */
static inline void take_damage(void *state, size_t n)
{
	for (unsigned int i = take() & 7; i && n; i--) {
		size_t at = take_n(2) % n;

		((uint8_t *)state)[at] = take();
	}
}

static inline void fuzz_die(const char *what)
{
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

#endif
