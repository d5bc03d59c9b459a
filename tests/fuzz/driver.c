// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stands in for libFuzzer where clang does not have it: feeds random input for -max_total_time
 * seconds.
 * Invariant: the sequence of inputs is the same in every run; an input that breaks the target is
 * left in the file `crash`.
 */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t input[512];
static size_t input_len;

static void save_input(int sig)
{
	FILE *f = fopen("crash", "wb");

	if (f) {
		fwrite(input, 1, input_len, f);
		fclose(f);
	}
	signal(sig, SIG_DFL);
	raise(sig);
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

int main(int argc, char **argv)
{
	time_t end = time(NULL) + 10;
	uint64_t state = 88172645463325252ULL;
	unsigned long runs = 0;
	size_t k;
	int n;

	for (n = 1; n < argc; n++)
		if (!strncmp(argv[n], "-max_total_time=", 16))
			end = time(NULL) + atoi(argv[n] + 16);
	signal(SIGABRT, save_input);
	for (; runs % 1024 || time(NULL) < end; runs++) {
		input_len = next(&state) % sizeof(input);
		for (k = 0; k < input_len; k++)
			input[k] = (uint8_t)(next(&state) >> 32);
		LLVMFuzzerTestOneInput(input, input_len);
	}
	printf("stat::number_of_executed_units: %lu\n", runs);
	return 0;
}
