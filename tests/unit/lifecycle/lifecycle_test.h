/* SPDX-License-Identifier: GPL-2.0-only */
/* The cases of this program, put together in suite.c; and what they share. */
#ifndef RD_TESTS_UNIT_LIFECYCLE_TEST_H
#define RD_TESTS_UNIT_LIFECYCLE_TEST_H

#include <check.h>
#include <stdint.h>

TCase *control_case(void);
TCase *proto_case(void);
TCase *state_case(void);
TCase *stream_case(void);
TCase *views_case(void);

/* Pseudo-random numbers, the same in every run. */
uint32_t random_u32(void);
void random_seed(uint64_t seed);

/* Messages of the functions under test do not go to standard error, but here. */
extern char message[256];
void catch_messages(void);

#endif
