// SPDX-License-Identifier: GPL-2.0-only
/* Writing and reading of snapshot files. Checksums are zlib's CRC-32. */
#include "tools/src/vmctl/stream.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

_Static_assert(sizeof(struct rd_stream_header) == 32, "written as it is");
_Static_assert(sizeof(struct rd_section_head) == 24, "written as it is");

static uint32_t checksum(uint32_t sum, const void *data, size_t len)
{
	return (uint32_t)crc32_z(sum, data, len);
}

/* --- writing --- */

static int write_all(struct rd_stream *s, const void *data, size_t len)
{
	errno = 0;
	if (len && fwrite(data, 1, len, s->file) != len)
		return rd_fail(RD_HOST_ERROR, "%s: %s", s->name, strerror(errno ? errno : EIO));
	s->bytes += len;
	return RD_OK;
}

int rd_stream_create(struct rd_stream *s, FILE *file, const char *name)
{
	struct rd_stream_header h = {
		.magic = { 'R', 'D', 'B', 'T', 'S', 'N', 'A', 'P' },
		.version = RD_STREAM_VERSION,
		.header_size = sizeof(h),
		.page_size = RD_STREAM_PAGE,
	};

	memset(s, 0, sizeof(*s));
	s->file = file;
	s->name = name;
	h.checksum = checksum(0, &h, offsetof(struct rd_stream_header, checksum));
	return write_all(s, &h, sizeof(h));
}

int rd_stream_put(struct rd_stream *s, enum rd_section_type type, uint32_t instance,
		  const void *part1, size_t len1, const void *part2, size_t len2)
{
	struct rd_section_head head = {
		.type = type, .instance = instance, .length = (uint64_t)len1 + len2,
	};
	int status;

	if (head.length > RD_SECTION_MAX)
		return rd_fail(RD_HOST_ERROR, "%s: a part of the machine is too large to save",
			       s->name);
	head.payload_checksum = checksum(0, part1, len1);
	if (len2)
		head.payload_checksum = checksum(head.payload_checksum, part2, len2);
	head.checksum = checksum(0, &head, offsetof(struct rd_section_head, checksum));
	status = write_all(s, &head, sizeof(head));
	if (!status)
		status = write_all(s, part1, len1);
	if (!status)
		status = write_all(s, part2, len2);
	s->sections++;
	return status;
}

int rd_stream_finish(struct rd_stream *s)
{
	uint64_t count = s->sections;
	int status = rd_stream_put(s, RD_SECTION_END, 0, &count, sizeof(count), NULL, 0);

	if (!status && fflush(s->file))
		status = rd_fail(RD_HOST_ERROR, "%s: %s", s->name, strerror(errno));
	return status;
}

/* --- reading --- */

int rd_stream_damaged(const struct rd_stream *s, const char *what)
{
	return rd_fail(RD_USAGE, "%s: damaged near byte %llu: %s", s->name,
		       (unsigned long long)s->bytes, what);
}

static int read_all(struct rd_stream *s, void *data, size_t len)
{
	size_t n;

	errno = 0;
	n = len ? fread(data, 1, len, s->file) : 0;
	s->bytes += n;
	if (n == len)
		return RD_OK;
	if (ferror(s->file))
		return rd_fail(RD_HOST_ERROR, "%s: %s", s->name, strerror(errno ? errno : EIO));
	return rd_fail(RD_USAGE, "%s: truncated after %llu bytes", s->name,
		       (unsigned long long)s->bytes);
}

static int check_header(struct rd_stream *s, const struct rd_stream_header *h)
{
	if (checksum(0, h, offsetof(struct rd_stream_header, checksum)) != h->checksum)
		return rd_stream_damaged(s, "the header's checksum is wrong");
	if (h->version != RD_STREAM_VERSION)
		return rd_fail(RD_USAGE, "%s: snapshot of version %u, this vmctl reads version %u",
			       s->name, h->version, RD_STREAM_VERSION);
	if (h->header_size != sizeof(*h) || h->flags || h->reserved)
		return rd_stream_damaged(s, "the header is not one of this version");
	if (h->page_size != RD_STREAM_PAGE)
		return rd_fail(RD_USAGE, "%s: pages of %u bytes, only %u are possible", s->name,
			       h->page_size, RD_STREAM_PAGE);
	return RD_OK;
}

int rd_stream_open(struct rd_stream *s, FILE *file, const char *name)
{
	struct rd_stream_header h;
	int status;

	memset(s, 0, sizeof(*s));
	s->file = file;
	s->name = name;
	memset(&h, 0, sizeof(h));
	if (fread(h.magic, 1, sizeof(h.magic), file) != sizeof(h.magic) ||
	    memcmp(h.magic, RD_STREAM_MAGIC, sizeof(h.magic)) != 0)
		return rd_fail(RD_USAGE, "%s: not a snapshot of vmctl", name);
	s->bytes = sizeof(h.magic);
	status = read_all(s, (uint8_t *)&h + sizeof(h.magic), sizeof(h) - sizeof(h.magic));
	return status ? status : check_header(s, &h);
}

static int make_room(struct rd_stream *s, size_t len)
{
	uint8_t *buf;

	if (len <= s->room)
		return RD_OK;
	buf = realloc(s->buf, len);
	if (!buf)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	s->buf = buf;
	s->room = len;
	return RD_OK;
}

static int check_end(struct rd_stream *s, const struct rd_section *section)
{
	uint64_t count;

	if (section->len != sizeof(count))
		return rd_stream_damaged(s, "the last section has the wrong length");
	memcpy(&count, section->data, sizeof(count));
	if (count != s->sections)
		return rd_stream_damaged(s, "sections are missing");
	if (fgetc(s->file) != EOF)
		return rd_stream_damaged(s, "something follows the end");
	s->ended = true;
	return RD_OK;
}

int rd_stream_next(struct rd_stream *s, struct rd_section *section)
{
	struct rd_section_head head;
	int status;

	if (s->ended)
		return rd_stream_damaged(s, "something is missing");
	status = read_all(s, &head, sizeof(head));
	if (status)
		return status;
	if (checksum(0, &head, offsetof(struct rd_section_head, checksum)) != head.checksum)
		return rd_stream_damaged(s, "the checksum of a section's head is wrong");
	if (head.length > RD_SECTION_MAX || head.type < RD_SECTION_DESCRIPTION ||
	    head.type >= RD_SECTION_TYPES)
		return rd_stream_damaged(s, "a section of an unknown kind");
	status = make_room(s, head.length);
	if (!status)
		status = read_all(s, s->buf, head.length);
	if (status)
		return status;
	if (checksum(0, s->buf, head.length) != head.payload_checksum)
		return rd_stream_damaged(s, "the checksum of a section is wrong");
	*section = (struct rd_section){
		.type = head.type, .instance = head.instance, .data = s->buf, .len = head.length,
	};
	if (section->type == RD_SECTION_END)
		return check_end(s, section);
	s->sections++;
	return RD_OK;
}

void rd_stream_close(struct rd_stream *s)
{
	free(s->buf);
	s->buf = NULL;
	s->room = 0;
}
