// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and measuring enclaves. The measurement is written down here from the architecture's
 * definition alone, on libcrypto's SHA-256: the module has its own, and each checks the other.
 */
#include "tools/src/vmctl/enclave_file.h"

#include "enclave/arch.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/whole_file.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX ((size_t)RD_GIB)
#define BLOCK 64u /* what one step of a measurement takes in */

int rd_enclave_open(struct rd_enclave_file *f, const char *path, const struct rd_kit_raw *raw)
{
	int status = rd_file_read(path, FILE_MAX, &f->data, &f->len);

	if (status)
		return status;
	if (rd_kit_layout_open(&f->layout, f->data, f->len, raw))
		return RD_OK;
	rd_enclave_close(f);
	return rd_fail(RD_USAGE, "%s: %s", path, f->layout.error);
}

void rd_enclave_close(struct rd_enclave_file *f)
{
	free(f->data);
	f->data = NULL;
}

/* One block: the leaf's name as 8 bytes, and up to two numbers behind it. */
static bool block(EVP_MD_CTX *md, const char name[8], const void *fields, size_t len)
{
	uint8_t b[BLOCK] = { 0 };

	memcpy(b, name, 8);
	memcpy(b + 8, fields, len);
	return EVP_DigestUpdate(md, b, sizeof(b)) == 1;
}

static bool measure_create(EVP_MD_CTX *md, const struct rd_kit_layout *l)
{
	struct {
		uint32_t ssa_frame_size;
		uint64_t size;
	} __attribute__((packed)) f = { l->image.ssa_frame_pages, l->size };

	return block(md, "ECREATE", &f, sizeof(f));
}

static bool measure_contents(EVP_MD_CTX *md, uint64_t offset, const uint8_t *data)
{
	for (unsigned int n = 0; n < RD_SGX_PAGE; n += RD_SGX_CHUNK) {
		uint64_t at = offset + n;

		if (!block(md, "EEXTEND", &at, sizeof(at)) ||
		    EVP_DigestUpdate(md, data + n, RD_SGX_CHUNK) != 1)
			return false;
	}
	return true;
}

static int measure_page(void *ctx, const struct rd_kit_page *page)
{
	static const uint8_t zeros[RD_SGX_PAGE];
	uint64_t fields[2] = { page->offset, page->secinfo };

	if (!block(ctx, "EADD\0\0\0", fields, sizeof(fields)))
		return RD_HOST_ERROR;
	if (page->measured && !measure_contents(ctx, page->offset, page->data ? page->data : zeros))
		return RD_HOST_ERROR;
	return RD_OK;
}

int rd_enclave_measure(const struct rd_kit_layout *l, uint8_t mrenclave[RD_MRENCLAVE_BYTES])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 && measure_create(md, l) &&
		  !rd_kit_layout_walk(l, measure_page, md) &&
		  EVP_DigestFinal_ex(md, mrenclave, NULL) == 1;

	EVP_MD_CTX_free(md);
	return ok ? RD_OK : rd_fail(RD_HOST_ERROR, "libcrypto cannot compute SHA-256");
}
