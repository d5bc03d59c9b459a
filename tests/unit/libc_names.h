/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Included before everything else: libc's own __always_inline gives way to the definition of
 * kmod/base_user.h, which -Werror would otherwise reject as a redefinition.
 */
#ifndef RD_TESTS_UNIT_LIBC_NAMES_H
#define RD_TESTS_UNIT_LIBC_NAMES_H

#include <features.h>

#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))

#endif
