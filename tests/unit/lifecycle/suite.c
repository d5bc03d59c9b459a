// SPDX-License-Identifier: GPL-2.0-only
/* The suite of the life-cycle's pure parts. */
#include "tests/unit/lifecycle/lifecycle_test.h"
#include "tests/unit/unit.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

char message[256];
static uint64_t state = 1;

void random_seed(uint64_t seed)
{
	state = seed * 2654435769u + 1;
}

uint32_t random_u32(void)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33);
}

void catch_messages(void)
{
	memset(message, 0, sizeof(message));
	rd_messages_capture(message, sizeof(message));
}

Suite *rd_suite(void)
{
	Suite *s = suite_create("lifecycle");

	suite_add_tcase(s, control_case());
	suite_add_tcase(s, proto_case());
	suite_add_tcase(s, state_case());
	suite_add_tcase(s, stream_case());
	suite_add_tcase(s, views_case());
	return s;
}
