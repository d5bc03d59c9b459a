// SPDX-License-Identifier: GPL-2.0-only
/* The 9P server: what it does for a client that behaves, and for one that wants out. */
#include "tests/unit/tools/p9_client.h"
#include "tests/unit/tools/tools_test.h"
#include "tests/unit/tools/virtio_driver.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static struct p9_client c;

static void begin(bool read_only)
{
	p9_begin(&c, read_only, 64);
	p9_session(&c);
}

static int walk1(unsigned int from, unsigned int to, const char *name)
{
	return p9_ask(&c, RD_P9_TWALK, "ddws", from, to, 1, name);
}

static int setattr(unsigned int fid, unsigned int valid, unsigned int mode, uint64_t size)
{
	return p9_ask(&c, RD_P9_TSETATTR, "dddddqqqqq", fid, valid, mode, 0, 0, size, 0ull, 0ull,
		      0ull, 0ull);
}

/* The whole of a file of the host, as a string. */
static const char *host_file(const char *name)
{
	static char text[64];
	int fd = open(p9_path(&c, name), O_RDONLY | O_NOFOLLOW);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
	return text;
}

START_TEST(nothing_before_the_version)
{
	p9_begin(&c, false, 64);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TATTACH, "ddssd", 0, RD_P9_NO_FID, "", "", 0), EPROTO);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TVERSION, "ds", 4095, "9P2000.L"), EMSGSIZE);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TVERSION, "ds", 8192, "9P2000"), 0);
	ck_assert_int_eq(memcmp(c.answer + RD_P9_HEAD + 6, "unknown", 7), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TCLUNK, "d", 0), EPROTO);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TVERSION, "ds", 1u << 30, "9P2000.L"), 0);
	ck_assert_uint_eq(p9_number(&c, 0, 4), RD_P9_MESSAGE_MAX);
	p9_session(&c);
	/* A new version is a new session. */
	ck_assert_int_eq(p9_ask(&c, RD_P9_TVERSION, "ds", 8192, "9P2000.L"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TCLUNK, "d", 0), EBADF);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TATTACH, "ddssd", 0, 5, "", "", 0), EOPNOTSUPP);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TATTACH, "ddssd", 0, RD_P9_NO_FID, "", "/etc", 0),
			 ENOENT);
	p9_end(&c);
}
END_TEST

START_TEST(files_are_read)
{
	begin(false);
	ck_assert_int_eq(walk1(0, 1, "file"), 0);
	ck_assert_uint_eq(p9_number(&c, 0, 2), 1);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREAD, "dqd", 1, 0ull, 100), EBADF);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), EBUSY);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREAD, "dqd", 1, 4ull, 3), 0);
	ck_assert_uint_eq(p9_number(&c, 0, 4), 3);
	ck_assert_int_eq(memcmp(c.answer + RD_P9_HEAD + 4, "456", 3), 0);
	/* Everything that there is; nothing behind the end; no offset that cannot be. */
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREAD, "dqd", 1, 0ull, 0xffffffff), 0);
	ck_assert_uint_eq(p9_number(&c, 0, 4), 10);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREAD, "dqd", 1, 10ull, 5), 0);
	ck_assert_uint_eq(p9_number(&c, 0, 4), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREAD, "dqd", 1, ~0ull, 5), EINVAL);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWRITE, "dqds", 1, 0ull, 3, "x"), EBADF);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TGETATTR, "dq", 1, ~0ull), 0);
	ck_assert_uint_eq(p9_number(&c, 8 + 13 + 12 + 8 + 8, 8), 10);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TCLUNK, "d", 1), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TCLUNK, "d", 1), EBADF);
	p9_end(&c);
}
END_TEST

START_TEST(files_are_made_and_changed)
{
	struct stat st;

	begin(false);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddw", 0, 1, 0), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLCREATE, "dsddd", 1, "new", O_RDWR | O_EXCL, 0606, 0),
			 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWRITE, "dqdbbbb", 1, 2ull, 4, 'a', 'b', 'c', 'd'), 0);
	ck_assert_uint_eq(p9_number(&c, 0, 4), 4);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TFSYNC, "dd", 1, 0), 0);
	ck_assert_int_eq(memcmp(host_file("in/new"), "\0\0abcd", 7), 0);
	ck_assert_int_eq(stat(p9_path(&c, "in/new"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0606);
	ck_assert_int_eq(setattr(1, 0x9, 0640, 3), 0);
	ck_assert_int_eq(stat(p9_path(&c, "in/new"), &st), 0);
	ck_assert(st.st_size == 3 && (st.st_mode & 07777) == 0640);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TSETATTR,
				"ddddd"
				"qqqqq",
				1, 0x120, 0, 0, 0, 0ull, 0ull, 0ull, 1000ull, 5ull),
			 0);
	ck_assert_int_eq(stat(p9_path(&c, "in/new"), &st), 0);
	ck_assert_int_eq(st.st_mtim.tv_sec, 1000);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLINK, "dds", 0, 1, "hard"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TMKDIR, "dsdd", 0, "d", 0711, 0), 0);
	ck_assert_int_eq(walk1(0, 2, "d"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TRENAMEAT, "dsds", 0, "hard", 2, "moved"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TSYMLINK, "dssd", 2, "link", "moved", 0), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TUNLINKAT, "dsd", 0, "d", AT_REMOVEDIR), ENOTEMPTY);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TUNLINKAT, "dsd", 0, "new", 0), 0);
	ck_assert_int_eq(memcmp(host_file("in/d/moved"), "\0\0a", 4), 0);
	ck_assert_int_eq(walk1(2, 3, "link"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREADLINK, "d", 3), 0);
	ck_assert_int_eq(memcmp(c.answer + RD_P9_HEAD, "\5\0moved", 7), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TSTATFS, "d", 3), 0);
	p9_end(&c);
}
END_TEST

static const char *const bad_names[] = { "", ".", "..", "/", "a/b", "../secret", "/etc/passwd" };

START_TEST(names_lead_nowhere_else)
{
	const char *bad = bad_names[_i];

	begin(false);
	ck_assert_int_eq(walk1(0, 1, bad), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddwss", 0, 1, 2, "sub", bad), 0);
	ck_assert_uint_eq(p9_number(&c, 0, 2), 1);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TCLUNK, "d", 1), EBADF);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TMKDIR, "dsdd", 0, bad, 0755, 0), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TMKNOD, "dsdddd", 0, bad, S_IFREG, 0, 0, 0), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TSYMLINK, "dssd", 0, bad, "x", 0), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TUNLINKAT, "dsd", 0, bad, 0), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TRENAMEAT, "dsds", 0, bad, 0, "x"), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TRENAMEAT, "dsds", 0, "file", 0, bad), EPERM);
	ck_assert_int_eq(walk1(0, 2, "file"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLINK, "dds", 0, 2, bad), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLCREATE, "dsddd", 0, bad, O_RDWR, 0600, 0), EPERM);
	ck_assert_str_eq(host_file("secret"), "secret");
	ck_assert_str_eq(host_file("in/file"), "0123456789");
	p9_end(&c);
}
END_TEST

START_TEST(links_are_not_followed)
{
	begin(false);
	ck_assert_int_eq(walk1(0, 1, "out"), 0);
	ck_assert_uint_eq(p9_number(&c, 2, 1), 2);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), ENXIO);
	ck_assert_int_eq(setattr(1, 8, 0, 0), ENXIO);
	ck_assert_int_eq(setattr(1, 1, 0777, 0), EOPNOTSUPP);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLINK, "dds", 0, 1, "hard"), 0);
	ck_assert_str_eq(host_file("in/hard"), "");
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddwss", 0, 2, 2, "dirout", "secret"), 0);
	ck_assert_uint_eq(p9_number(&c, 0, 2), 1);
	ck_assert_int_eq(walk1(0, 3, "dirout"), 0);
	ck_assert_int_eq(walk1(3, 4, "secret"), ENOTDIR);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TMKDIR, "dsdd", 3, "x", 0755, 0), ENOTDIR);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TUNLINKAT, "dsd", 3, "secret", 0), ENOTDIR);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLCREATE, "dsddd", 0, "out", O_RDWR | O_TRUNC, 0600, 0),
			 ENXIO);
	ck_assert_str_eq(host_file("secret"), "secret");
	p9_end(&c);
}
END_TEST

START_TEST(special_files_stay_shut)
{
	struct stat st;

	begin(false);
	ck_assert_int_eq(walk1(0, 1, "pipe"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), ENXIO);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TMKNOD, "dsdddd", 0, "dev", S_IFBLK | 0666, 8, 0, 0),
			 EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TMKNOD, "dsdddd", 0, "f", S_IFIFO | 0600, 0, 0, 0), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TMKNOD, "dsdddd", 0, "s", S_IFREG | 04755, 0, 0, 0),
			 EPERM);
	ck_assert_int_eq(walk1(0, 2, "file"), 0);
	ck_assert_int_eq(setattr(2, 1, 04755, 0), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLCREATE, "dsddd", 0, "s", O_RDWR, 02755, 0), EPERM);
	ck_assert_int_eq(stat(p9_path(&c, "in/file"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 06000, 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREMOVE, "d", 2), EOPNOTSUPP);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TCLUNK, "d", 2), EBADF);
	p9_end(&c);
}
END_TEST

/* Root's writes would leave the bits, and the guest's program would run as their owner. */
START_TEST(set_id_files_are_not_written)
{
	begin(false);
	ck_assert_int_eq(chmod(p9_path(&c, "in/file"), 04755), 0);
	ck_assert_int_eq(walk1(0, 1, "file"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDWR), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY | O_TRUNC), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLCREATE, "dsddd", 0, "file", O_WRONLY, 0600, 0), EPERM);
	ck_assert_int_eq(setattr(1, 8, 0, 0), EPERM);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), 0);
	ck_assert_str_eq(host_file("in/file"), "0123456789");
	p9_end(&c);
}
END_TEST

START_TEST(read_only_is)
{
	begin(true);
	ck_assert_int_eq(walk1(0, 1, "file"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDWR), EROFS);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY | O_TRUNC), EROFS);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLCREATE, "dsddd", 0, "n", O_RDWR, 0600, 0), EROFS);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TMKDIR, "dsdd", 0, "n", 0755, 0), EROFS);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TMKNOD, "dsdddd", 0, "n", S_IFREG, 0, 0, 0), EROFS);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TSYMLINK, "dssd", 0, "n", "x", 0), EROFS);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLINK, "dds", 0, 1, "n"), EROFS);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TUNLINKAT, "dsd", 0, "file", 0), EROFS);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TRENAMEAT, "dsds", 0, "file", 0, "n"), EROFS);
	ck_assert_int_eq(setattr(1, 8, 0, 0), EROFS);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWRITE, "dqdb", 1, 0ull, 1, 'x'), EROFS);
	ck_assert_str_eq(host_file("in/file"), "0123456789");
	p9_end(&c);
}
END_TEST

/* Names of one directory, in answers that hold only some: each once, and never an end too early. */
START_TEST(directories_come_in_parts)
{
	unsigned int seen = 0;
	uint64_t off = 0;

	begin(false);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddw", 0, 1, 0), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREADDIR, "dqd", 1, 0ull, 100), EBADF);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREADDIR, "dqd", 1, 0ull, 10), EINVAL);
	for (;;) {
		size_t at = 4, end;

		ck_assert_int_eq(p9_ask(&c, RD_P9_TREADDIR, "dqd", 1, off, 64), 0);
		end = 4 + p9_number(&c, 0, 4);
		ck_assert_uint_le(end, 4 + 64);
		for (; at < end; seen++) {
			off = p9_number(&c, at + 13, 8);
			at += 13 + 8 + 1;
			at += 2 + p9_number(&c, at, 2);
		}
		ck_assert_uint_eq(at, end);
		if (end == 4)
			break;
	}
	/* ".", "..", file, sub, out, dirout, pipe */
	ck_assert_uint_eq(seen, 7);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREAD, "dqd", 1, 0ull, 10), EBADF);
	p9_end(&c);
}
END_TEST

START_TEST(handles_are_limited)
{
	unsigned int n = 1;

	p9_begin(&c, false, 10);
	p9_session(&c);
	while (n < 100 && !walk1(0, n, "file"))
		n++;
	ck_assert_uint_eq(n, 10);
	ck_assert_int_eq(walk1(0, n, "file"), EMFILE);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), EMFILE);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLCREATE, "dsddd", 0, "n", O_RDWR, 0600, 0), EMFILE);
	ck_assert_int_eq(walk1(0, 1, "file"), EBADF);
	ck_assert_int_eq(walk1(77, 78, "file"), EBADF);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TCLUNK, "d", 2), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), 0);
	/* A handle that is led elsewhere is closed first. */
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddw", 1, 1, 0), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREAD, "dqd", 1, 0ull, 1), EBADF);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddw", 0, RD_P9_NO_FID, 0), EBADF);
	p9_end(&c);
}
END_TEST

/* Each message cut off at each place, with a size that says so and one that does not. */
START_TEST(messages_are_whole)
{
	begin(false);
	p9_build(&c, RD_P9_TMKDIR, "dsdd", 0, "dir", 0755, 0);
	for (size_t len = 0; len < c.len; len++) {
		ck_assert_int_eq(p9_send(&c, len), -1);
		if (len >= RD_P9_HEAD) {
			uint8_t whole = c.message[0];

			c.message[0] = (uint8_t)len;
			ck_assert_int_eq(p9_send(&c, c.len), EINVAL);
			c.message[0] = whole;
		}
	}
	p9_build(&c, RD_P9_TMKDIR, "dsddb", 0, "dir", 0755, 0, 1);
	ck_assert_int_eq(p9_send(&c, c.len), EINVAL);
	p9_build(&c, RD_P9_TMKDIR, "dsdd", 0, "dir", 0755, 0);
	c.message[RD_P9_HEAD + 5] = 0xff;
	ck_assert_int_eq(p9_send(&c, c.len), EINVAL);
	p9_build(&c, RD_P9_TMKDIR, "dwbbbdd", 0, 3, 'a', 0, 'b', 0755, 0);
	ck_assert_int_eq(p9_send(&c, c.len), EINVAL);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddw", 0, 1, 17), EINVAL);
	ck_assert_int_eq(p9_ask(&c, 99, "d", 0), EOPNOTSUPP);
	ck_assert_int_eq(p9_ask(&c, 255, "d", 0), EOPNOTSUPP);
	ck_assert_int_eq(access(p9_path(&c, "in/dir"), F_OK), -1);
	/* No room for the answer. */
	p9_build(&c, RD_P9_TGETATTR, "dq", 0, 0ull);
	ck_assert_uint_eq(rd_p9_serve(c.server, c.message, c.len, c.answer, 10), 0);
	ck_assert_uint_eq(rd_p9_serve(c.server, c.message, c.len, c.answer, 20), 11);
	ck_assert_uint_eq(c.answer[7], EMSGSIZE);
	p9_end(&c);
}
END_TEST

START_TEST(a_driver_gets_answers)
{
	struct rd_share_config config = { .tag = "data" };
	struct driver_part p[2] = { { .gpa = DRIVER_DATA },
				    { .gpa = DRIVER_DATA + 0x1000, .len = 64, .in = true } };
	static struct driver d;
	struct rd_virtio_slot *slot;
	const uint8_t *got;

	p9_begin(&c, false, 64);
	config.path = p9_path(&c, "in");
	config.path_len = strlen(config.path);
	driver_memory(&d);
	ck_assert_int_eq(rd_share_new(&d.ram, &config, &slot), 0);
	ck_assert_uint_eq(slot->v.config_len, 6);
	ck_assert_int_eq(memcmp(slot->v.config, "\4\0data", 6), 0);
	driver_bind(&d, &slot->v, 1);
	p9_build(&c, RD_P9_TVERSION, "ds", 8192, "9P2000.L");
	memcpy(driver_at(&d, DRIVER_DATA), c.message, c.len);
	p[0].len = (uint32_t)c.len;
	driver_send(&d, 0, p, 2);
	ck_assert_uint_eq(driver_used(&d, 0, 1), 1);
	ck_assert_uint_eq(driver_used_len(&d, 0, 0), c.len);
	got = driver_at(&d, DRIVER_DATA + 0x1000);
	ck_assert_uint_eq(got[4], RD_P9_TVERSION + 1);
	/* What is no message at all comes back empty. */
	p[0].len = 3;
	driver_send(&d, 0, p, 2);
	ck_assert_uint_eq(driver_used(&d, 0, 2), 2);
	ck_assert_uint_eq(driver_used_len(&d, 0, 1), 0);
	driver_free(&d);
	config.path_len--;
	ck_assert_int_eq(rd_share_new(&d.ram, &config, &slot), RD_HOST_ERROR);
	p9_end(&c);
}
END_TEST

static const struct {
	const char *text, *tag;
	size_t path_len;
	bool read_only;
} options[] = {
	{ "/srv", "share", 4, false },
	{ ".,ro", "share", 1, true },
	{ "/srv,tag=a-1_.B", "a-1_.B", 4, false },
	{ "/srv,ro,tag=x", "x", 4, true },
	{ "", NULL, 0, false },
	{ ",ro", NULL, 0, false },
	{ "/srv,", NULL, 0, false },
	{ "/srv,rw", NULL, 0, false },
	{ "/srv,tag=", NULL, 0, false },
	{ "/srv,tag=a b", NULL, 0, false },
	{ "/srv,tag=0123456789012345678901234567890", "0123456789012345678901234567890", 4, false },
	{ "/srv,tag=01234567890123456789012345678901", NULL, 0, false },
};

START_TEST(options_are_checked)
{
	struct rd_share_config config;
	int status = rd_share_parse(options[_i].text, &config);

	ck_assert_int_eq(status, options[_i].tag ? RD_OK : RD_USAGE);
	if (status)
		return;
	ck_assert_str_eq(config.tag, options[_i].tag);
	ck_assert_uint_eq(config.path_len, options[_i].path_len);
	ck_assert(config.read_only == options[_i].read_only);
}
END_TEST

TCase *p9_case(void)
{
	TCase *t = tcase_create("p9");

	tcase_add_test(t, nothing_before_the_version);
	tcase_add_test(t, files_are_read);
	tcase_add_test(t, files_are_made_and_changed);
	tcase_add_loop_test(t, names_lead_nowhere_else, 0, (int)RD_ARRAY_SIZE(bad_names));
	tcase_add_test(t, links_are_not_followed);
	tcase_add_test(t, special_files_stay_shut);
	tcase_add_test(t, set_id_files_are_not_written);
	tcase_add_test(t, read_only_is);
	tcase_add_test(t, directories_come_in_parts);
	tcase_add_test(t, handles_are_limited);
	tcase_add_test(t, messages_are_whole);
	tcase_add_test(t, a_driver_gets_answers);
	tcase_add_loop_test(t, options_are_checked, 0, (int)RD_ARRAY_SIZE(options));
	return t;
}
