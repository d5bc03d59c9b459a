/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For user space and free-standing code, included before everything else: libc's own
 * __always_inline gives way to the definition of kmod/base_user.h, which -Werror would otherwise
 * reject as a redefinition.
 */
#ifndef RD_KMOD_LIBC_NAMES_H
#define RD_KMOD_LIBC_NAMES_H

#include <features.h>

#undef __always_inline
#define __always_inline inline __attribute__((__always_inline__))

#endif
