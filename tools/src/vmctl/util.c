// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages and number parsing. Every function may be called from any thread; the only state is
 * where a message goes and how it ends its line.
 */
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool raw_terminal;
static __thread char *captured;
static __thread size_t captured_room;
static __thread bool muted;

void rd_messages_capture(char *buf, size_t len)
{
	captured = buf;
	captured_room = len;
}

void rd_messages_mute(bool mute)
{
	muted = mute;
}

void rd_messages_raw(bool raw)
{
	__atomic_store_n(&raw_terminal, raw && isatty(STDERR_FILENO), __ATOMIC_RELAXED);
}

/* A message is built first and written at once, so that two threads never mix their lines. */
static void say(const char *prefix, const char *fmt, va_list ap)
{
	char line[1024];
	int n = snprintf(line, sizeof(line), "vmctl: %s", prefix);
	size_t left;

	if (muted)
		return;
	if (captured) {
		vsnprintf(captured, captured_room, fmt, ap);
		return;
	}
	vsnprintf(line + n, sizeof(line) - (size_t)n - 2, fmt, ap);
	for (char *p = line; *p; p++)
		if (*p == '\n' || *p == '\r')
			*p = ' ';
	left = strlen(line);
	if (__atomic_load_n(&raw_terminal, __ATOMIC_RELAXED))
		line[left++] = '\r';
	line[left++] = '\n';
	for (char *p = line; left;) {
		ssize_t done = write(STDERR_FILENO, p, left);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			break;
		p += done;
		left -= (size_t)done;
	}
}

int rd_fail(int status, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("", fmt, ap);
	va_end(ap);
	return status;
}

void rd_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say("warning: ", fmt, ap);
	va_end(ap);
}

static bool suffix_shift(char c, unsigned int *shift)
{
	static const char suffixes[] = "kmgt";
	const char *p;

	if (!c) {
		*shift = 0;
		return true;
	}
	p = strchr(suffixes, c | 0x20);
	if (!p)
		return false;
	*shift = 10 * (unsigned int)(p - suffixes + 1);
	return true;
}

bool rd_parse_size(const char *s, uint64_t *out)
{
	uint64_t value = 0;
	unsigned int shift;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*s - '0'), &value))
			return false;
	if (!suffix_shift(*s, &shift) || (*s && s[1]))
		return false;
	if (shift && value >> (64 - shift))
		return false;
	*out = value << shift;
	return true;
}

bool rd_parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;

	if (!*s)
		return false;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		value = value * 10 + (uint64_t)(*s - '0');
		if (value > UINT32_MAX)
			return false;
	}
	if (value < min || value > max)
		return false;
	*out = (uint32_t)value;
	return true;
}

bool rd_pread_full(int fd, void *buf, size_t len, off_t off)
{
	char *p = buf;

	while (len) {
		ssize_t n = pread(fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			if (!n)
				errno = 0;
			return false;
		}
		p += n;
		off += n;
		len -= (size_t)n;
	}
	return true;
}

int rd_absolute(const char *who, char *path, size_t len, const char *file)
{
	char dir[PATH_MAX];
	int n;

	if (!*file)
		return rd_fail(RD_USAGE, "%s: the file has no name", who);
	if (file[0] == '/')
		n = snprintf(path, len, "%s", file);
	else if (getcwd(dir, sizeof(dir)))
		n = snprintf(path, len, "%s/%s", dir, file);
	else
		return rd_fail(RD_HOST_ERROR, "working directory: %s", strerror(errno));
	return n > 0 && (size_t)n < len ? RD_OK : rd_fail(RD_USAGE, "%s: name too long", file);
}
