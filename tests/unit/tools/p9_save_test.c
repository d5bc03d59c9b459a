// SPDX-License-Identifier: GPL-2.0-only
/* The 9P server's session, saved and loaded into a server that has just been made. */
#include "tests/unit/tools/p9_client.h"
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/pack.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static struct p9_client c;
static struct rd_pack saved;

static void setup(void)
{
	p9_begin(&c, false, 64);
	p9_session(&c);
}

static void teardown(void)
{
	rd_pack_free(&saved);
	p9_end(&c);
}

static int walk1(unsigned int from, unsigned int to, const char *name)
{
	return p9_ask(&c, RD_P9_TWALK, "ddws", from, to, 1, name);
}

static int read_at(unsigned int fid)
{
	return p9_ask(&c, RD_P9_TREAD, "dqd", fid, 0ull, 4);
}

static void save(void)
{
	rd_pack_save(&saved);
	rd_p9_transfer(c.server, &saved);
	ck_assert(rd_pack_ok(&saved));
}

/* The machine ends, another one begins with what was saved. */
static bool load(bool read_only, unsigned int files_max)
{
	struct rd_pack p;

	rd_p9_free(c.server);
	c.server = rd_p9_new(open(p9_path(&c, "in"), O_PATH | O_DIRECTORY | O_CLOEXEC), read_only,
			     files_max);
	rd_pack_load(&p, saved.data, saved.len);
	rd_p9_transfer(c.server, &p);
	return rd_pack_ok(&p);
}

START_TEST(handles_are_found_again)
{
	setup();
	ck_assert_int_eq(walk1(0, 1, "file"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDWR), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddwss", 0, 257, 2, "sub", "deep"), 0);
	ck_assert_int_eq(walk1(0, 2, "out"), 0);
	ck_assert_int_eq(walk1(0, 3, "sub"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 3, O_RDONLY), 0);
	save();
	ck_assert(load(false, 64));
	ck_assert_int_eq(read_at(1), 0);
	ck_assert_int_eq(memcmp(c.answer + RD_P9_HEAD + 4, "0123", 4), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWRITE, "dqdb", 1, 0ull, 1, 'x'), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREADDIR, "dqd", 3, 0ull, 4096), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TREADLINK, "d", 2), 0);
	ck_assert_int_eq(read_at(257), EBADF); /* not open, as before */
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 257, O_RDONLY), 0);
	ck_assert_int_eq(read_at(257), 0);
	ck_assert_int_eq(memcmp(c.answer + RD_P9_HEAD + 4, "deep", 4), 0);
	ck_assert_int_eq(walk1(0, 9, "sub"), 0);
	teardown();
}
END_TEST

START_TEST(what_is_gone_is_stale)
{
	char deep[64];

	setup();
	snprintf(deep, sizeof(deep), "%s", p9_path(&c, "in/sub/deep"));
	ck_assert_int_eq(walk1(0, 1, "file"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_RDONLY), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddwss", 0, 2, 2, "sub", "deep"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TUNLINKAT, "dsd", 0, "file", 0), 0);
	save();
	/* Another file of that name; the old one holds its inode, so that they differ. */
	ck_assert_int_eq(link(deep, p9_path(&c, "kept")), 0);
	ck_assert_int_eq(unlink(p9_path(&c, "in/sub/deep")), 0);
	ck_assert_int_eq(symlink("../../secret", p9_path(&c, "in/sub/deep")), 0);
	ck_assert(load(false, 64));
	ck_assert_int_eq(read_at(1), ESTALE);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TGETATTR, "dq", 2, 0ull), ESTALE);
	ck_assert_int_eq(walk1(2, 3, "x"), ESTALE);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLINK, "dds", 1, 0, "x"), EBADF);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TRENAMEAT, "dsds", 1, "x", 0, "y"), EBADF);
	/* Still stale the next time, and gone when the client drops them. */
	rd_pack_free(&saved);
	save();
	ck_assert(load(false, 64));
	ck_assert_int_eq(read_at(1), ESTALE);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TCLUNK, "d", 1), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TCLUNK, "d", 2), 0);
	ck_assert_int_eq(read_at(1), EBADF);
	teardown();
}
END_TEST

/* Put TO where the saved session has FROM; both have the same length. */
static void forge(const char *from, const char *to)
{
	uint8_t *at = memmem(saved.data, saved.len, from, strlen(from));

	ck_assert_ptr_nonnull(at);
	memcpy(at, to, strlen(from));
}

START_TEST(a_file_leads_nowhere_else)
{
	setup();
	ck_assert_int_eq(p9_ask(&c, RD_P9_TWALK, "ddwss", 0, 1, 2, "sub", "deep"), 0);
	save();
	forge("sub/deep", "../secre");
	ck_assert(load(false, 64));
	ck_assert_int_eq(p9_ask(&c, RD_P9_TGETATTR, "dq", 1, 0ull), ESTALE);
	forge("../secre", "out/////");
	ck_assert(load(false, 64));
	ck_assert_int_eq(p9_ask(&c, RD_P9_TGETATTR, "dq", 1, 0ull), ESTALE);
	forge("out/////", "sub\0deep");
	ck_assert(!load(false, 64));
	/* A bad session is none. */
	ck_assert_int_eq(p9_ask(&c, RD_P9_TGETATTR, "dq", 0, 0ull), EPROTO);
	teardown();
}
END_TEST

START_TEST(limits_hold)
{
	uint32_t many = 0xffffffff;

	setup();
	ck_assert_int_eq(walk1(0, 1, "file"), 0);
	ck_assert_int_eq(p9_ask(&c, RD_P9_TLOPEN, "dd", 1, O_WRONLY), 0);
	save();
	ck_assert(load(false, 3));
	ck_assert(!load(false, 2));
	ck_assert(!load(true, 64)); /* it writes */
	memcpy(saved.data + 4, &many, sizeof(many));
	ck_assert(!load(false, 64));
	memset(saved.data, 0xff, 4); /* the size of messages */
	ck_assert(!load(false, 64));
	teardown();
}
END_TEST

TCase *p9_save_case(void)
{
	TCase *t = tcase_create("p9_save");

	tcase_add_test(t, handles_are_found_again);
	tcase_add_test(t, what_is_gone_is_stale);
	tcase_add_test(t, a_file_leads_nowhere_else);
	tcase_add_test(t, limits_hold);
	return t;
}
