/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The snapshot file: a header, then sections, the last of which says how many there were.
 *
 * Each section has a type, an instance, a length and two checksums, one of its own head and one of
 * its payload, and nothing of a payload is handed out before its checksum was right. A file that is
 * cut off, altered, or followed by anything is refused. Layout: docs/snapshot.md.
 *
 * A stream is used by one thread at a time.
 */
#ifndef RD_TOOLS_STREAM_H
#define RD_TOOLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RD_STREAM_MAGIC "RDBTSNAP"
#define RD_STREAM_VERSION 1u
#define RD_STREAM_PAGE 4096u

/* More than any section has: a length beyond it is damage, not a reason to allocate. */
#define RD_SECTION_MAX (2u << 20)

enum rd_section_type {
	RD_SECTION_DESCRIPTION = 1,	/* JSON: what machine to build; always the first */
	RD_SECTION_VCPU,		/* instance: the index */
	RD_SECTION_CHIP,		/* instance: KVM_IRQCHIP_… */
	RD_SECTION_CLOCKS,
	RD_SECTION_DEVICE,		/* name, version, state */
	RD_SECTION_MEMORY,		/* address, then whole pages */
	RD_SECTION_END,			/* how many sections came before */
	RD_SECTION_TRACES,		/* write traces; only of a machine that has any */
	RD_SECTION_TREE,		/* of a guest that guards itself by a trace tree */
	RD_SECTION_GUARD,		/* of a guest whose driver is to guard its kernel */
	RD_SECTION_TYPES
};

struct rd_stream_header {
	char magic[8];
	uint32_t version;
	uint32_t header_size;
	uint32_t page_size;
	uint32_t flags;			/* none yet */
	uint32_t reserved;
	uint32_t checksum;		/* of all before it */
};

struct rd_section_head {
	uint32_t type;
	uint32_t instance;
	uint64_t length;		/* of the payload */
	uint32_t payload_checksum;
	uint32_t checksum;		/* of all before it */
};

struct rd_section {
	enum rd_section_type type;
	uint32_t instance;
	const uint8_t *data;		/* until the next one is read */
	size_t len;
};

struct rd_stream {
	const char *name;		/* for messages */
	FILE *file;
	uint64_t sections;
	uint64_t bytes;			/* position in the file */
	uint8_t *buf;			/* reading: payload */
	size_t room;
	bool ended;
};

/* rd_stream_create - write the header to FILE, which stays the caller's. A status. */
int rd_stream_create(struct rd_stream *s, FILE *file, const char *name);

/* rd_stream_put - write a section whose payload is the two parts after each other. A status. */
int rd_stream_put(struct rd_stream *s, enum rd_section_type type, uint32_t instance,
		  const void *part1, size_t len1, const void *part2, size_t len2);

/* rd_stream_finish - write the end and hand all to the kernel. A status. */
int rd_stream_finish(struct rd_stream *s);

/* rd_stream_open - read and check the header. Close in either case. A status. */
int rd_stream_open(struct rd_stream *s, FILE *file, const char *name);

/*
 * rd_stream_next - the next section, checked. After the last one *SECTION is RD_SECTION_END and the
 * file is known to be whole. A status.
 */
int rd_stream_next(struct rd_stream *s, struct rd_section *section);

/* rd_stream_damaged - say that what is in the stream cannot be. Returns RD_USAGE. */
int rd_stream_damaged(const struct rd_stream *s, const char *what);

/* rd_stream_close - free the buffer. */
void rd_stream_close(struct rd_stream *s);

#endif
