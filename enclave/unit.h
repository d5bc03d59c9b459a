/* SPDX-License-Identifier: GPL-2.0-only */
/* The subsystem of enclaves, for kmod/main.c (K). Invariant: nobody else includes it. */
#ifndef RD_ENCLAVE_UNIT_H
#define RD_ENCLAVE_UNIT_H

struct rd_unit;

extern const struct rd_unit rd_enclave_unit;

#endif
