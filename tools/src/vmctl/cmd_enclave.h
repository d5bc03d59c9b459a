/* SPDX-License-Identifier: GPL-2.0-only */
/* The parts of `vmctl enclave`: each is a command of its own, whose name is "enclave WORD". */
#ifndef RD_TOOLS_CMD_ENCLAVE_H
#define RD_TOOLS_CMD_ENCLAVE_H

#include "tools/enclave-kit/layout.h"
#include "tools/src/vmctl/opts.h"

#include <jansson.h>
#include <stdbool.h>

extern const struct rd_command rd_enclave_sign, rd_enclave_dump;

/* What commands that read an enclave have in common; the context of their options begins so. */
struct rd_enclave_options {
	bool json; /* first: rd_ask_set_json() */
	struct rd_kit_raw raw;
};

int rd_enclave_set_raw_tcs(void *ctx, const char *value);
int rd_enclave_set_raw_heap(void *ctx, const char *value);

/* Rows of a table of options. */
#define RD_ENCLAVE_RAW_OPTS                                                                        \
	{ "raw-tcs", "N", "no note: the first segment is N pages of type TCS",                     \
	  rd_enclave_set_raw_tcs },                                                                \
	{                                                                                          \
		"raw-heap", "SIZE", "and so much heap follows, which is not measured",             \
			rd_enclave_set_raw_heap                                                    \
	}

/*
 * rd_enclave_parse - options, and as many operands as WHAT names. Returns a status or RD_OPTS_HELP.
 */
int rd_enclave_parse(const struct rd_command *self, struct rd_enclave_options *o, int argc,
		     char **argv, int operands, const char *what);

/* rd_enclave_hex - bytes as they lie there, as a JSON string. */
json_t *rd_enclave_hex(const uint8_t *bytes, size_t n);

/* rd_enclave_print - an object of strings, numbers and verdicts, which is released. */
void rd_enclave_print(json_t *o, bool json);

#endif
