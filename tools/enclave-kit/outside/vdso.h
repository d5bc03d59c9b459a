/* SPDX-License-Identifier: GPL-2.0-only */
/* Functions of a vDSO (pure). */
#ifndef RD_KIT_VDSO_H
#define RD_KIT_VDSO_H

#include <stddef.h>
#include <stdint.h>

/* rd_kit_vdso_size - how long the image is whose first HAVE bytes are at IMAGE; 0: not one. */
size_t rd_kit_vdso_size(const void *image, size_t have);

/* rd_kit_vdso_find - the function NAME in an image of LEN bytes, all of them readable, or NULL. */
const void *rd_kit_vdso_find(const void *image, size_t len, const char *name);

#endif
