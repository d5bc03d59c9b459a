/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this directory share. Invariant: nobody else includes it. */
#ifndef RD_TESTS_UNIT_PROT_TESTS_H
#define RD_TESTS_UNIT_PROT_TESTS_H

#include "tests/unit/unit.h"

void add_map_tests(Suite *s);

#endif
