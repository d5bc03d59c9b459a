// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmctl enclave dump: a signature file as people and programs read it. Big numbers are written as
 * numbers, the most significant digit first; hashes and identifiers as their bytes lie there.
 */
#include "tools/src/vmctl/cmd_enclave.h"

#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/sigstruct.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>

static json_t *number(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%llx", (unsigned long long)v);
	return json_string(text);
}

static json_t *big(const uint8_t le[RD_RSA_BYTES])
{
	uint8_t be[RD_RSA_BYTES];

	for (size_t i = 0; i < sizeof(be); i++)
		be[i] = le[sizeof(be) - 1 - i];
	return rd_enclave_hex(be, sizeof(be));
}

static json_t *date(uint32_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%04x-%02x-%02x", v >> 16, v >> 8 & 0xff, v & 0xff);
	return json_string(text);
}

#define BYTES(o, s, field)                                                                         \
	json_object_set_new(o, #field, rd_enclave_hex((s)->field, sizeof((s)->field)))
#define NUMBER(o, s, field) json_object_set_new(o, #field, number((s)->field))

static void add_fields(json_t *o, const struct rd_sigstruct *s)
{
	BYTES(o, s, header);
	NUMBER(o, s, vendor);
	json_object_set_new(o, "date", date(s->date));
	BYTES(o, s, header2);
	NUMBER(o, s, swdefined);
	json_object_set_new(o, "exponent", json_integer(s->exponent));
	NUMBER(o, s, miscselect);
	NUMBER(o, s, miscmask);
	NUMBER(o, s, cet_attributes);
	NUMBER(o, s, cet_mask);
	BYTES(o, s, isvfamilyid);
	json_object_set_new(o, "attributes", number(s->attributes.flags));
	json_object_set_new(o, "attributes_mask", number(s->attributemask.flags));
	json_object_set_new(o, "xfrm", number(s->attributes.xfrm));
	json_object_set_new(o, "xfrm_mask", number(s->attributemask.xfrm));
	json_object_set_new(o, "debug",
			    json_string(s->attributes.flags & RD_ATTR_DEBUG ? "yes" : "no"));
	BYTES(o, s, isvextprodid);
	json_object_set_new(o, "isvprodid", json_integer(s->isvprodid));
	json_object_set_new(o, "isvsvn", json_integer(s->isvsvn));
	json_object_set_new(o, "modulus", big(s->modulus));
	json_object_set_new(o, "signature", big(s->signature));
	json_object_set_new(o, "q1", big(s->q1));
	json_object_set_new(o, "q2", big(s->q2));
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct rd_enclave_options o = { 0 };
	struct rd_sigstruct_verdict v;
	struct rd_sigstruct s;
	uint8_t mrsigner[32];
	json_t *out;
	bool good;
	int status = rd_enclave_parse(self, &o, argc, argv, 1, "one signature is");

	if (!status)
		status = rd_sigstruct_load(argv[0], &s);
	if (!status)
		status = rd_sigstruct_mrsigner(&s, mrsigner);
	if (status)
		return status;
	good = rd_sigstruct_check(&s, &v);
	out = json_pack("{s:o, s:o}", "mrenclave",
			rd_enclave_hex(s.enclavehash, sizeof(s.enclavehash)), "mrsigner",
			rd_enclave_hex(mrsigner, sizeof(mrsigner)));
	add_fields(out, &s);
	json_object_set_new(out, "form_ok", json_boolean(v.form));
	json_object_set_new(out, "signature_ok", json_boolean(v.signature));
	json_object_set_new(out, "q1_ok", json_boolean(v.q1));
	json_object_set_new(out, "q2_ok", json_boolean(v.q2));
	rd_enclave_print(out, o.json);
	return good ? RD_OK : rd_fail(RD_USAGE, "%s: does not verify", argv[0]);
}

const struct rd_command rd_enclave_dump = {
	.name = "enclave dump",
	.args = "SIG [--json]",
	.summary = "Show what a signature says, and whether it verifies",
	.opts = rd_json_opts,
	.run = run,
};
