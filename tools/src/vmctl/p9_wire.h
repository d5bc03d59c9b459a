/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * 9P messages, byte by byte: numbers are little-endian, strings have a length of two bytes before
 * them. A reader never leaves its message and remembers the first error; a writer never leaves its
 * buffer and remembers that it was full. Neither needs a check after each step.
 */
#ifndef RD_TOOLS_P9_WIRE_H
#define RD_TOOLS_P9_WIRE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define RD_P9_HEAD 7u /* size[4] type[1] tag[2] */
#define RD_P9_QID_LEN 13u
#define RD_P9_NO_TAG 0xffffu
#define RD_P9_NO_FID 0xffffffffu
#define RD_P9_WALK_MAX 16u

/* Requests; the answer to each is one more. */
enum rd_p9_type {
	RD_P9_RLERROR = 7,
	RD_P9_TSTATFS = 8,
	RD_P9_TLOPEN = 12,
	RD_P9_TLCREATE = 14,
	RD_P9_TSYMLINK = 16,
	RD_P9_TMKNOD = 18,
	RD_P9_TRENAME = 20,
	RD_P9_TREADLINK = 22,
	RD_P9_TGETATTR = 24,
	RD_P9_TSETATTR = 26,
	RD_P9_TXATTRWALK = 30,
	RD_P9_TXATTRCREATE = 32,
	RD_P9_TREADDIR = 40,
	RD_P9_TFSYNC = 50,
	RD_P9_TLOCK = 52,
	RD_P9_TGETLOCK = 54,
	RD_P9_TLINK = 70,
	RD_P9_TMKDIR = 72,
	RD_P9_TRENAMEAT = 74,
	RD_P9_TUNLINKAT = 76,
	RD_P9_TVERSION = 100,
	RD_P9_TAUTH = 102,
	RD_P9_TATTACH = 104,
	RD_P9_TFLUSH = 108,
	RD_P9_TWALK = 110,
	RD_P9_TREAD = 116,
	RD_P9_TWRITE = 118,
	RD_P9_TCLUNK = 120,
	RD_P9_TREMOVE = 122,
};

struct rd_p9_in {
	const uint8_t *p;
	size_t len, at;
	int err; /* errno of the first thing that was wrong */
};

struct rd_p9_out {
	uint8_t *p;
	size_t room, at;
	bool full;
};

/* rd_p9_get - a number of N bytes, 0 after an error. */
static inline uint64_t rd_p9_get(struct rd_p9_in *in, unsigned int n)
{
	uint64_t v = 0;

	if (in->err || n > in->len - in->at) {
		in->err = in->err ? in->err : EINVAL;
		return 0;
	}
	for (unsigned int i = 0; i < n; i++)
		v |= (uint64_t)in->p[in->at++] << 8 * i;
	return v;
}

static inline uint32_t rd_p9_get32(struct rd_p9_in *in)
{
	return (uint32_t)rd_p9_get(in, 4);
}

/* rd_p9_bytes - the next LEN bytes where they are, NULL after an error. */
static inline const uint8_t *rd_p9_bytes(struct rd_p9_in *in, size_t len)
{
	if (in->err || len > in->len - in->at) {
		in->err = in->err ? in->err : EINVAL;
		return NULL;
	}
	in->at += len;
	return in->p + in->at - len;
}

/* rd_p9_string - copy a string to TO, ended by a zero; "" after an error. */
static inline void rd_p9_string(struct rd_p9_in *in, char *to, size_t room)
{
	size_t len = rd_p9_get(in, 2);
	const uint8_t *from = rd_p9_bytes(in, len);

	to[0] = 0;
	if (!from)
		return;
	if (memchr(from, 0, len))
		in->err = EINVAL;
	else if (len >= room)
		in->err = ENAMETOOLONG;
	else
		memcpy(to, from, len), to[len] = 0;
}

/* rd_p9_end - the message must be over. Returns the errno of what was wrong with it, or 0. */
static inline int rd_p9_end(struct rd_p9_in *in)
{
	if (!in->err && in->at != in->len)
		in->err = EINVAL;
	return in->err;
}

/* rd_p9_space - room for LEN bytes, which the caller fills; NULL: there is none. */
static inline uint8_t *rd_p9_space(struct rd_p9_out *out, size_t len)
{
	if (out->full || len > out->room - out->at) {
		out->full = true;
		return NULL;
	}
	out->at += len;
	return out->p + out->at - len;
}

static inline void rd_p9_put(struct rd_p9_out *out, unsigned int n, uint64_t v)
{
	uint8_t *to = rd_p9_space(out, n);

	for (unsigned int i = 0; to && i < n; i++)
		to[i] = (uint8_t)(v >> 8 * i);
}

/* rd_p9_put_string - LEN bytes as a string; at most 65535. */
static inline void rd_p9_put_string(struct rd_p9_out *out, const char *s, size_t len)
{
	uint8_t *to;

	rd_p9_put(out, 2, len);
	to = rd_p9_space(out, len);
	if (to)
		memcpy(to, s, len);
}

#endif
