// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmctl enclave: keys, measurements and signatures of enclaves. Needs no hypervisor. sign is
 * cmd_enclave_sign.c, dump is cmd_enclave_dump.c.
 */
#include "tools/src/vmctl/cmd_enclave.h"

#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/enclave_file.h"
#include "tools/src/vmctl/signing_key.h"
#include "tools/src/vmctl/sigstruct.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* --- for all parts --- */

int rd_enclave_set_raw_tcs(void *ctx, const char *v)
{
	uint32_t n;

	if (!rd_parse_u32(v, 1, RD_KIT_THREADS_MAX, &n))
		return rd_fail(RD_USAGE, "--raw-tcs: a number from 1 to %u, not \"%s\"",
			       RD_KIT_THREADS_MAX, v);
	((struct rd_enclave_options *)ctx)->raw.tcs_pages = n;
	return RD_OK;
}

int rd_enclave_set_raw_heap(void *ctx, const char *v)
{
	uint64_t size;

	if (!rd_parse_size(v, &size) || size % RD_SGX_PAGE || size > 4 * RD_GIB)
		return rd_fail(RD_USAGE, "--raw-heap: whole pages up to 4G, not \"%s\"", v);
	((struct rd_enclave_options *)ctx)->raw.heap_pages = size / RD_SGX_PAGE;
	return RD_OK;
}

int rd_enclave_parse(const struct rd_command *self, struct rd_enclave_options *o, int argc,
		     char **argv, int operands, const char *what)
{
	int n, status = rd_opts_parse(self, o, argc, argv, &n);

	if (status)
		return status;
	if (n != operands)
		return rd_fail(RD_USAGE, "%s: %s needed", self->name, what);
	if (o->raw.heap_pages && !o->raw.tcs_pages)
		return rd_fail(RD_USAGE, "--raw-heap is for --raw-tcs");
	return RD_OK;
}

json_t *rd_enclave_hex(const uint8_t *bytes, size_t n)
{
	char text[2 * RD_RSA_BYTES + 1] = "";

	for (size_t i = 0; i < n && i < RD_RSA_BYTES; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_string(text);
}

void rd_enclave_print(json_t *o, bool json)
{
	const char *name;
	json_t *v;

	if (json) {
		rd_ask_print(o);
		json_decref(o);
		return;
	}
	json_object_foreach(o, name, v)
	{
		if (json_is_string(v))
			printf("%-16s %s\n", name, json_string_value(v));
		else if (json_is_integer(v))
			printf("%-16s %lld\n", name, (long long)json_integer_value(v));
		else
			printf("%-16s %s\n", name, json_is_true(v) ? "ok" : "wrong");
	}
	json_decref(o);
}

/* --- measure --- */

static int run_measure(const struct rd_command *self, int argc, char **argv)
{
	struct rd_enclave_options o = { 0 };
	struct rd_enclave_file f;
	uint8_t mrenclave[RD_MRENCLAVE_BYTES];
	int status = rd_enclave_parse(self, &o, argc, argv, 1, "one ELF file is");

	if (!status)
		status = rd_enclave_open(&f, argv[0], &o.raw);
	if (status)
		return status;
	status = rd_enclave_measure(&f.layout, mrenclave);
	if (!status && o.json)
		rd_enclave_print(json_pack("{s:o, s:I, s:I}", "mrenclave",
					   rd_enclave_hex(mrenclave, sizeof(mrenclave)), "size",
					   (json_int_t)f.layout.size, "pages",
					   (json_int_t)f.layout.pages),
				 true);
	else if (!status)
		for (size_t i = 0; i < sizeof(mrenclave); i++)
			printf("%02x%s", mrenclave[i], i + 1 < sizeof(mrenclave) ? "" : "\n");
	rd_enclave_close(&f);
	return status;
}

/* --- verify --- */

static int compare(const struct rd_sigstruct *s, const char *sig, const char *elf,
		   const struct rd_enclave_options *o)
{
	struct rd_sigstruct_verdict v;
	struct rd_enclave_file f;
	uint8_t mrenclave[RD_MRENCLAVE_BYTES], mrsigner[32];
	int status = rd_enclave_open(&f, elf, &o->raw);

	if (status)
		return status;
	status = rd_enclave_measure(&f.layout, mrenclave);
	rd_enclave_close(&f);
	if (!status)
		status = rd_sigstruct_mrsigner(s, mrsigner);
	if (status)
		return status;
	if (!rd_sigstruct_check(s, &v))
		return rd_fail(RD_USAGE, "%s: does not verify (see vmctl enclave dump)", sig);
	if (memcmp(mrenclave, s->enclavehash, sizeof(mrenclave)) != 0)
		return rd_fail(RD_USAGE, "%s: is not the enclave that %s was made for", elf, sig);
	rd_enclave_print(json_pack("{s:o, s:o}", "mrenclave",
				   rd_enclave_hex(mrenclave, sizeof(mrenclave)), "mrsigner",
				   rd_enclave_hex(mrsigner, sizeof(mrsigner))),
			 o->json);
	return RD_OK;
}

static int run_verify(const struct rd_command *self, int argc, char **argv)
{
	struct rd_enclave_options o = { 0 };
	struct rd_sigstruct s;
	int status = rd_enclave_parse(self, &o, argc, argv, 2, "a signature and an ELF file are");

	if (!status)
		status = rd_sigstruct_load(argv[0], &s);
	return status ? status : compare(&s, argv[0], argv[1], &o);
}

/* --- genkey --- */

static int run_genkey(const struct rd_command *self, int argc, char **argv)
{
	struct rd_enclave_options o = { 0 };
	EVP_PKEY *key;
	int status = rd_enclave_parse(self, &o, argc, argv, 1, "the file to make is");

	if (status)
		return status;
	status = rd_signing_key_new(&key);
	if (!status)
		status = rd_signing_key_save(argv[0], key);
	EVP_PKEY_free(key);
	return status;
}

/* --- the command --- */

static const struct rd_opt read_opts[] = {
	{ "json", NULL, "print one JSON object", rd_ask_set_json },
	RD_ENCLAVE_RAW_OPTS,
	{ NULL, NULL, NULL, NULL },
};

static const struct rd_command measure = {
	"enclave measure", "ELF [OPTION]...", "Print the MRENCLAVE of an enclave",
	read_opts,	   run_measure,
};

static const struct rd_command verify = {
	"enclave verify",
	"SIG ELF [OPTION]...",
	"Check a signature, and that it is this enclave's",
	read_opts,
	run_verify,
};

static const struct rd_command genkey = {
	"enclave genkey", "FILE", "Make a key to sign enclaves with, without a passphrase", NULL,
	run_genkey,
};

static const struct rd_command *const parts[] = {
	&genkey, &measure, &rd_enclave_sign, &rd_enclave_dump, &verify,
};

static const char *word_of(const struct rd_command *part)
{
	return strchr(part->name, ' ') + 1;
}

static void help(const struct rd_command *self)
{
	printf("usage: vmctl %s %s\n%s.\n", self->name, self->args, self->summary);
	for (size_t i = 0; i < RD_ARRAY_SIZE(parts); i++)
		printf("  %-12s %s\n", word_of(parts[i]), parts[i]->summary);
	printf("vmctl enclave WORD --help says more about one.\n");
}

/* A measurement that did not get out is no success. */
static int flushed(int status)
{
	if (!status && (fflush(stdout) || ferror(stdout)))
		return rd_fail(RD_HOST_ERROR, "standard output: %s", strerror(errno));
	return status;
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	if (argc < 2)
		return rd_fail(RD_USAGE,
			       "enclave: what to do is needed (see vmctl enclave --help)");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		help(self);
		return RD_OK;
	}
	for (size_t i = 0; i < RD_ARRAY_SIZE(parts); i++) {
		int status;

		if (strcmp(word_of(parts[i]), argv[1]) != 0)
			continue;
		status = parts[i]->run(parts[i], argc - 1, argv + 1);
		return status == RD_OPTS_HELP ? RD_OK : flushed(status);
	}
	return rd_fail(RD_USAGE, "enclave: no \"%s\" (see vmctl enclave --help)", argv[1]);
}

const struct rd_command rd_cmd_enclave = {
	.name = "enclave",
	.args = "genkey|measure|sign|dump|verify [ARGUMENT]...",
	.summary = "Measure and sign enclaves, and look at their signatures",
	.run = run,
};
