/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small helpers that every part of vmctl uses: exit statuses, one-line messages, number parsing.
 *
 * Convention of the whole tool: a function that can fail returns 0 or one of the statuses below,
 * and whoever returns a status first has already printed the one line that explains it.
 */
#ifndef RD_TOOLS_UTIL_H
#define RD_TOOLS_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Exit statuses of vmctl. They are documented in vmctl.8 and never change their meaning. */
enum rd_status {
	RD_OK = 0,		/* success; for run: the guest powered itself off */
	RD_HOST_ERROR = 1,	/* the host refused something: a file, the device node, memory */
	RD_USAGE = 2,		/* the command line or an input file is wrong */
	RD_GUEST_PANIC = 3,	/* the guest reported a panic */
	RD_GUEST_RESET = 4,	/* the guest asked for a reset and --no-reboot was given */
	RD_TRIPLE_FAULT = 5,	/* the guest shut down on a triple fault */
	RD_TIMEOUT = 6,		/* --timeout ran out */
	RD_STOPPED = 7,		/* somebody ended the VM: vmctl kill, or Ctrl-A x */
	RD_VM_ERROR = 8,	/* the hypervisor could not go on with the guest */
	RD_SIGNALLED = 128,	/* plus the number of the signal that ended the run */
};

#define RD_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define RD_KIB (1ull << 10)
#define RD_MIB (1ull << 20)
#define RD_GIB (1ull << 30)

/* rd_fail - print "vmctl: MESSAGE" as one line on stderr and return STATUS. */
int rd_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* rd_warn - print "vmctl: warning: MESSAGE" as one line on stderr. */
void rd_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * rd_messages_capture - messages of the calling thread go to BUF of LEN bytes from now on, the last
 * one counts; NULL: to standard error again.
 */
void rd_messages_capture(char *buf, size_t len);

/* rd_messages_mute - the calling thread says nothing: the caller has a better message. */
void rd_messages_mute(bool mute);

/* rd_messages_raw - standard error may be a terminal that does not turn \n into \r\n now. */
void rd_messages_raw(bool raw);

/*
 * rd_parse_size - parse a byte count: decimal digits and an optional suffix K, M, G or T (powers
 * of 1024, either case). Returns false on anything else and on overflow.
 */
bool rd_parse_size(const char *s, uint64_t *out);

/* rd_parse_u32 - parse a whole string as a decimal number between MIN and MAX. */
bool rd_parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *out);

/* rd_pread_full - read exactly LEN bytes at OFF. Returns false with errno set (0 at early EOF). */
bool rd_pread_full(int fd, void *buf, size_t len, off_t off);

/*
 * rd_absolute - the name FILE as it is from every working directory, to PATH of LEN bytes. A
 * status; WHO is named in the message.
 */
int rd_absolute(const char *who, char *path, size_t len, const char *file);

/* rd_align_down, rd_align_up - round to a power of two. */
static inline uint64_t rd_align_down(uint64_t v, uint64_t align)
{
	return v & ~(align - 1);
}

static inline uint64_t rd_align_up(uint64_t v, uint64_t align)
{
	return (v + align - 1) & ~(align - 1);
}

#endif
