// SPDX-License-Identifier: GPL-2.0-only
/* vmctl enclave sign: measure an enclave and write the SIGSTRUCT that lets it start. */
#include "tools/src/vmctl/cmd_enclave.h"

#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/enclave_file.h"
#include "tools/src/vmctl/signing_key.h"
#include "tools/src/vmctl/sigstruct.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/whole_file.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct sign_options {
	struct rd_enclave_options common;
	const char *key, *out;
	uint32_t date; /* as digits: 0x20261201 */
	uint32_t prodid, svn;
	uint64_t attributes, attributes_mask, xfrm, xfrm_mask, miscselect, miscmask;
	bool have_xfrm, have_miscselect;
	uint8_t family[16], product[16];
};

/* --- options --- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A whole word of hexadecimal digits, with or without 0x. */
static int hex(const char *option, const char *s, uint64_t max, uint64_t *out)
{
	const char *p = s[0] == '0' && (s[1] | 0x20) == 'x' ? s + 2 : s;
	uint64_t value = 0;
	size_t n;

	for (n = 0; n < 16 && digit(p[n]) >= 0; n++)
		value = value << 4 | (uint64_t)digit(p[n]);
	if (!n || p[n] || value > max)
		return rd_fail(RD_USAGE, "--%s: a hexadecimal number up to %llx, not \"%s\"",
			       option, (unsigned long long)max, s);
	*out = value;
	return RD_OK;
}

/* 16 bytes, in the order in which they are written. */
static int identifier(const char *option, const char *s, uint8_t out[16])
{
	if (strlen(s) != 32 || strspn(s, "0123456789abcdefABCDEF") != 32)
		return rd_fail(RD_USAGE, "--%s: 32 hexadecimal digits, not \"%s\"", option, s);
	for (size_t i = 0; i < 16; i++)
		out[i] = (uint8_t)(digit(s[2 * i]) << 4 | digit(s[2 * i + 1]));
	return RD_OK;
}

static int set_key(void *ctx, const char *v)
{
	((struct sign_options *)ctx)->key = v;
	return RD_OK;
}

static int set_out(void *ctx, const char *v)
{
	((struct sign_options *)ctx)->out = v;
	return *v ? RD_OK : rd_fail(RD_USAGE, "--out: the file has no name");
}

static int set_date(void *ctx, const char *v)
{
	struct sign_options *o = ctx;
	uint64_t date = 0;

	if (strlen(v) == 8 && strspn(v, "0123456789") == 8)
		hex("date", v, UINT32_MAX, &date);
	o->date = (uint32_t)date;
	/* The digits compare as the numbers do. */
	if ((date >> 8 & 0xff) >= 0x01 && (date >> 8 & 0xff) <= 0x12 && (date & 0xff) >= 0x01 &&
	    (date & 0xff) <= 0x31)
		return RD_OK;
	return rd_fail(RD_USAGE, "--date: YYYYMMDD, not \"%s\"", v);
}

static int set_u16(const char *option, const char *v, uint32_t *out)
{
	if (rd_parse_u32(v, 0, UINT16_MAX, out))
		return RD_OK;
	return rd_fail(RD_USAGE, "--%s: a number from 0 to %u, not \"%s\"", option, UINT16_MAX, v);
}

static int set_prodid(void *ctx, const char *v)
{
	return set_u16("prodid", v, &((struct sign_options *)ctx)->prodid);
}

static int set_svn(void *ctx, const char *v)
{
	return set_u16("svn", v, &((struct sign_options *)ctx)->svn);
}

static int set_debug(void *ctx, const char *v)
{
	(void)v;
	((struct sign_options *)ctx)->attributes |= RD_ATTR_DEBUG;
	return RD_OK;
}

static int set_attributes(void *ctx, const char *v)
{
	uint64_t flags = 0;
	int status = hex("attributes", v, UINT64_MAX, &flags);

	if (!status && flags & RD_ATTR_INIT)
		return rd_fail(RD_USAGE, "--attributes: bit 0 is the processor's to set");
	((struct sign_options *)ctx)->attributes |= flags;
	return status;
}

static int set_attributes_mask(void *ctx, const char *v)
{
	return hex("attributes-mask", v, UINT64_MAX,
		   &((struct sign_options *)ctx)->attributes_mask);
}

static int set_xfrm(void *ctx, const char *v)
{
	struct sign_options *o = ctx;
	int status = hex("xfrm", v, UINT64_MAX, &o->xfrm);

	o->have_xfrm = true;
	if (!status && (o->xfrm & RD_XFRM_X87_SSE) != RD_XFRM_X87_SSE)
		return rd_fail(RD_USAGE, "--xfrm: bits 0 and 1 must be set");
	return status;
}

static int set_xfrm_mask(void *ctx, const char *v)
{
	return hex("xfrm-mask", v, UINT64_MAX, &((struct sign_options *)ctx)->xfrm_mask);
}

static int set_miscselect(void *ctx, const char *v)
{
	struct sign_options *o = ctx;

	o->have_miscselect = true;
	return hex("miscselect", v, UINT32_MAX, &o->miscselect);
}

static int set_miscmask(void *ctx, const char *v)
{
	return hex("miscselect-mask", v, UINT32_MAX, &((struct sign_options *)ctx)->miscmask);
}

static int set_family(void *ctx, const char *v)
{
	struct sign_options *o = ctx;

	o->attributes |= RD_ATTR_KSS;
	return identifier("family-id", v, o->family);
}

static int set_product(void *ctx, const char *v)
{
	struct sign_options *o = ctx;

	o->attributes |= RD_ATTR_KSS;
	return identifier("ext-prodid", v, o->product);
}

static const struct rd_opt opts[] = {
	{ "key", "PEM", "RSA key of 3072 bits with exponent 3 (needed; no passphrase)", set_key },
	{ "out", "FILE", "where the signature goes (default: ELF.sig)", set_out },
	{ "date", "YYYYMMDD", "date of the signature (default: today, UTC)", set_date },
	{ "prodid", "N", "ISVPRODID (default: 0)", set_prodid },
	{ "svn", "N", "ISVSVN, the security version (default: 0)", set_svn },
	{ "debug", NULL, "a debug enclave, whose memory is open to debuggers", set_debug },
	{ "attributes", "HEX", "flags besides those that the enclave asks for", set_attributes },
	{ "attributes-mask", "HEX", "flags that must be as they are signed (default: all)",
	  set_attributes_mask },
	{ "xfrm", "HEX", "XFRM instead of the enclave's", set_xfrm },
	{ "xfrm-mask", "HEX", "its bits that must be as they are signed (default: all)",
	  set_xfrm_mask },
	{ "miscselect", "HEX", "MISCSELECT instead of the enclave's", set_miscselect },
	{ "miscselect-mask", "HEX", "its bits that must be as they are signed (default: all)",
	  set_miscmask },
	{ "family-id", "HEX", "ISVFAMILYID, 32 digits (makes it an enclave with KSS)", set_family },
	{ "ext-prodid", "HEX", "ISVEXTPRODID, 32 digits (the same)", set_product },
	RD_ENCLAVE_RAW_OPTS,
	{ "json", NULL, "print one JSON object", rd_ask_set_json },
	{ NULL, NULL, NULL, NULL },
};

/* --- signing --- */

static uint32_t today(void)
{
	char text[16] = "";
	time_t now = time(NULL);
	struct tm tm;
	uint64_t v = 0;

	if (gmtime_r(&now, &tm) && strftime(text, sizeof(text), "%Y%m%d", &tm))
		hex("date", text, UINT32_MAX, &v);
	return (uint32_t)v;
}

/* The TCS pages say whether AEX-Notify is used, and EENTER wants the attribute to agree. */
static int check_options(const struct sign_options *o, const char *elf,
			 const struct rd_kit_layout *l)
{
	if (!l->raw_tcs_pages && o->attributes & ~l->image.attributes & RD_ATTR_AEXNOTIFY)
		return rd_fail(RD_USAGE, "%s: its note does not ask for AEX-Notify", elf);
	return RD_OK;
}

/* What may be meant so, but should be known. */
static void warn(const struct sign_options *o, const char *elf, bool writable_code)
{
	if (writable_code)
		rd_warn("%s: has pages that can be written and executed", elf);
	if (!(o->attributes_mask & RD_ATTR_DEBUG) && !(o->attributes & RD_ATTR_DEBUG))
		rd_warn("--attributes-mask: without bit 1, anybody may start it as a debug "
			"enclave");
}

static void fill(struct rd_sigstruct *s, const struct sign_options *o,
		 const struct rd_kit_layout *l)
{
	rd_sigstruct_init(s);
	s->date = o->date ? o->date : today();
	s->isvprodid = (uint16_t)o->prodid;
	s->isvsvn = (uint16_t)o->svn;
	s->attributes.flags = l->image.attributes | o->attributes;
	s->attributes.xfrm = o->have_xfrm ? o->xfrm : l->image.xfrm;
	s->attributemask.flags = o->attributes_mask;
	s->attributemask.xfrm = o->xfrm_mask;
	s->miscselect = o->have_miscselect ? (uint32_t)o->miscselect : l->image.miscselect;
	s->miscmask = (uint32_t)o->miscmask;
	memcpy(s->isvfamilyid, o->family, sizeof(s->isvfamilyid));
	memcpy(s->isvextprodid, o->product, sizeof(s->isvextprodid));
}

static int sign(const struct sign_options *o, const char *elf, struct rd_sigstruct *s,
		bool *writable_code)
{
	struct rd_enclave_file f;
	EVP_PKEY *key = NULL;
	int status = rd_enclave_open(&f, elf, &o->common.raw);

	if (status)
		return status;
	*writable_code = f.layout.writable_code;
	status = check_options(o, elf, &f.layout);
	if (!status)
		status = rd_signing_key_load(o->key, &key);
	if (!status) {
		fill(s, o, &f.layout);
		status = rd_enclave_measure(&f.layout, s->enclavehash);
	}
	if (!status)
		status = rd_sigstruct_sign(s, key);
	EVP_PKEY_free(key);
	rd_enclave_close(&f);
	return status;
}

/* Where the signature goes: --out, or the name in BESIDE. NULL: a message was printed. */
static const char *out_name(const struct sign_options *o, const char *elf, char beside[PATH_MAX])
{
	const char *out = o->out ? o->out : beside;
	int n = snprintf(beside, PATH_MAX, "%s.sig", elf);

	if (!o->out && (n < 0 || n >= PATH_MAX))
		rd_fail(RD_USAGE, "%s: name too long", elf);
	else if (rd_file_same(out, o->key))
		rd_fail(RD_USAGE, "%s: is the key, and stays what it is", out);
	else if (rd_file_same(out, elf))
		rd_fail(RD_USAGE, "%s: is the enclave, and stays what it is", out);
	else
		return out;
	return NULL;
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct sign_options o = {
		.attributes_mask = UINT64_MAX,
		.xfrm_mask = UINT64_MAX,
		.miscmask = UINT32_MAX,
	};
	char beside[PATH_MAX];
	const char *out = NULL;
	struct rd_sigstruct s;
	uint8_t mrsigner[32];
	bool writable_code = false;
	int status = rd_enclave_parse(self, &o.common, argc, argv, 1, "one ELF file is");

	if (!status && !o.key)
		return rd_fail(RD_USAGE, "%s: --key is required", self->name);
	if (!status) {
		out = out_name(&o, argv[0], beside);
		status = out ? RD_OK : RD_USAGE;
	}
	if (!status)
		status = sign(&o, argv[0], &s, &writable_code);
	if (!status)
		status = rd_sigstruct_mrsigner(&s, mrsigner);
	if (!status)
		status = rd_file_replace(out, &s, sizeof(s));
	if (status)
		return status;
	warn(&o, argv[0], writable_code);
	rd_enclave_print(json_pack("{s:o, s:o}", "mrenclave",
				   rd_enclave_hex(s.enclavehash, sizeof(s.enclavehash)), "mrsigner",
				   rd_enclave_hex(mrsigner, sizeof(mrsigner))),
			 o.common.json);
	return RD_OK;
}

const struct rd_command rd_enclave_sign = {
	.name = "enclave sign",
	.args = "--key PEM ELF [OPTION]...",
	.summary = "Write the signature with which an enclave may start",
	.opts = opts,
	.run = run,
};
