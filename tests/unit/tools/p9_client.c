// SPDX-License-Identifier: GPL-2.0-only
/* A 9P client for tests, and the folder that it is let into. */
#include "tests/unit/tools/p9_client.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *p9_path(const struct p9_client *c, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", c->dir, name);
	return path;
}

static void write_file(const struct p9_client *c, const char *name, const char *text)
{
	FILE *f = fopen(p9_path(c, name), "w");

	ck_assert(f && fputs(text, f) >= 0 && !fclose(f));
}

void p9_begin(struct p9_client *c, bool read_only, unsigned int files_max)
{
	int root;

	memset(c, 0, sizeof(*c));
	strcpy(c->dir, "/tmp/rd-p9-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(c->dir));
	ck_assert(!mkdir(p9_path(c, "in"), 0755) && !mkdir(p9_path(c, "in/sub"), 0755));
	write_file(c, "secret", "secret");
	write_file(c, "in/file", "0123456789");
	write_file(c, "in/sub/deep", "deep");
	ck_assert_int_eq(symlink("../secret", p9_path(c, "in/out")), 0);
	ck_assert_int_eq(symlink("..", p9_path(c, "in/dirout")), 0);
	ck_assert_int_eq(mkfifo(p9_path(c, "in/pipe"), 0600), 0);
	root = open(p9_path(c, "in"), O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(root, 0);
	c->server = rd_p9_new(root, read_only, files_max);
	ck_assert_ptr_nonnull(c->server);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void p9_end(struct p9_client *c)
{
	rd_p9_free(c->server);
	nftw(c->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void p9_build(struct p9_client *c, uint8_t type, const char *form, ...)
{
	struct rd_p9_out out = { .p = c->message, .room = sizeof(c->message), .at = 4 };
	va_list ap;

	rd_p9_put(&out, 1, type);
	rd_p9_put(&out, 2, 7);
	va_start(ap, form);
	for (; *form; form++) {
		const char *s;

		if (*form == 'q') {
			rd_p9_put(&out, 8, va_arg(ap, uint64_t));
		} else if (*form == 's') {
			s = va_arg(ap, const char *);
			rd_p9_put_string(&out, s, strlen(s));
		} else {
			rd_p9_put(&out,
				  *form == 'b'	 ? 1
				  : *form == 'w' ? 2
						 : 4,
				  va_arg(ap, unsigned int));
		}
	}
	va_end(ap);
	ck_assert(!out.full);
	c->len = out.at;
	out.at = 0;
	rd_p9_put(&out, 4, c->len);
}

int p9_send(struct p9_client *c, size_t len)
{
	c->answer_len = rd_p9_serve(c->server, c->message, len, c->answer, sizeof(c->answer));
	if (!c->answer_len)
		return -1;
	ck_assert_uint_eq(c->answer[0] | c->answer[1] << 8, c->answer_len);
	ck_assert_uint_eq(c->answer[5], 7);
	if (c->answer[4] == RD_P9_RLERROR)
		return (int)p9_number(c, 0, 4);
	ck_assert_uint_eq(c->answer[4], c->message[4] + 1u);
	return 0;
}

uint64_t p9_number(const struct p9_client *c, size_t at, unsigned int n)
{
	struct rd_p9_in in = { .p = c->answer, .len = c->answer_len, .at = RD_P9_HEAD + at };
	uint64_t v = rd_p9_get(&in, n);

	ck_assert_int_eq(in.err, 0);
	return v;
}

void p9_session(struct p9_client *c)
{
	ck_assert_int_eq(p9_ask(c, RD_P9_TVERSION, "ds", 8192, "9P2000.L"), 0);
	ck_assert_uint_eq(p9_number(c, 0, 4), 8192);
	ck_assert_int_eq(p9_ask(c, RD_P9_TATTACH, "ddssd", 0, RD_P9_NO_FID, "root", "", 0), 0);
	ck_assert_uint_eq(p9_number(c, 0, 1), 0x80);
}
