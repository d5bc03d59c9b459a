/* SPDX-License-Identifier: GPL-2.0-only */
/* An enclave's ELF file, and what it measures. */
#ifndef RD_TOOLS_ENCLAVE_FILE_H
#define RD_TOOLS_ENCLAVE_FILE_H

#include "tools/enclave-kit/layout.h"

#define RD_MRENCLAVE_BYTES 32u

struct rd_enclave_file {
	uint8_t *data;
	size_t len;
	struct rd_kit_layout layout;
};

/* rd_enclave_open - read PATH; RAW as for rd_kit_layout_open(). A status. Close it if it is 0. */
int rd_enclave_open(struct rd_enclave_file *f, const char *path, const struct rd_kit_raw *raw);
void rd_enclave_close(struct rd_enclave_file *f);

/*
 * rd_enclave_measure - MRENCLAVE as ECREATE, EADD and EEXTEND make it of these pages. A status.
 */
int rd_enclave_measure(const struct rd_kit_layout *l, uint8_t mrenclave[RD_MRENCLAVE_BYTES]);

#endif
