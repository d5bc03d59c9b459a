// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory is written as it lies in the mapping, an address in the file being an offset into it:
 * where the guest sees a byte follows from the size alone.
 */
#include "tools/src/vmctl/mem_save.h"

#include "tools/src/vmctl/util.h"

#include <string.h>

#define RUN_MAX (1u << 20)

static bool page_is_zero(const uint8_t *page)
{
	const uint64_t *word = (const uint64_t *)page;

	for (unsigned int i = 0; i < RD_STREAM_PAGE / sizeof(*word); i += 8)
		if (word[i] | word[i + 1] | word[i + 2] | word[i + 3] | word[i + 4] | word[i + 5] |
		    word[i + 6] | word[i + 7])
			return false;
	return true;
}

/* From START: where the pages that are not zero begin (not beyond END), and how many bytes. */
static uint64_t find_run(const uint8_t *host, uint64_t *start, uint64_t end)
{
	uint64_t len = 0;

	while (*start < end && page_is_zero(host + *start))
		*start += RD_STREAM_PAGE;
	while (*start + len < end && len < RUN_MAX &&
	       (!len || !page_is_zero(host + *start + len)))
		len += RD_STREAM_PAGE;
	return len;
}

int rd_mem_save(const struct rd_ram *ram, struct rd_stream *s, const struct rd_mem_save *how)
{
	uint64_t start = 0;

	while (start < ram->size) {
		/* In steps, so that memory full of zeros shows progress, too. */
		uint64_t end = start + 16 * RUN_MAX < ram->size ? start + 16 * RUN_MAX : ram->size;
		uint64_t len = find_run(ram->host, &start, end);
		int status;

		if (__atomic_load_n(how->cancel, __ATOMIC_RELAXED))
			return RD_STOPPED;
		if (len) {
			status = rd_stream_put(s, RD_SECTION_MEMORY, 0, &start, sizeof(start),
					       ram->host + start, len);
			if (status)
				return status;
		}
		start += len;
		__atomic_store_n(how->done, start, __ATOMIC_RELAXED);
	}
	return RD_OK;
}

int rd_mem_load(const struct rd_ram *ram, const struct rd_stream *s,
		const struct rd_section *section, uint64_t *next)
{
	uint64_t start, len;

	if (section->len <= sizeof(start))
		return rd_stream_damaged(s, "memory without pages");
	memcpy(&start, section->data, sizeof(start));
	len = section->len - sizeof(start);
	if (start % RD_STREAM_PAGE || len % RD_STREAM_PAGE || start < *next ||
	    start > ram->size || len > ram->size - start)
		return rd_stream_damaged(s, "memory that the machine does not have");
	memcpy(ram->host + start, section->data + sizeof(start), len);
	*next = start + len;
	return RD_OK;
}
