/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a function leaves behind on its stack: it runs on one of its own, which is then searched.
 * Invariant: one search at a time.
 */
#ifndef RD_TESTS_UNIT_OWN_STACK_H
#define RD_TESTS_UNIT_OWN_STACK_H

#include "kmod/base.h"

void own_stack_run(void (*fn)(void));
/* Are these bytes somewhere on the stack that fn ran on? */
bool own_stack_has(const void *bytes, size_t len);

#endif
