// SPDX-License-Identifier: GPL-2.0-only
/* Numbers and options from the command line. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/opts.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

START_TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t want;
	} good[] = {
		{ "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "1k", 1024 }, { "1K", 1024 },
		{ "512M", 512 * RD_MIB }, { "3g", 3 * RD_GIB }, { "1T", 1ull << 40 },
		{ "18446744073709551615", UINT64_MAX }, { "16777215T", 16777215ull << 40 },
	};
	uint64_t v;

	for (size_t i = 0; i < RD_ARRAY_SIZE(good); i++) {
		ck_assert(rd_parse_size(good[i].text, &v));
		ck_assert_uint_eq(v, good[i].want);
	}
}
END_TEST

START_TEST(bad_sizes)
{
	static const char *const bad[] = {
		"", "M", "-1", "+1", " 1", "1 ", "1MB", "1MM", "0x10", "1.5G", "1P",
		"18446744073709551616", "16777216T", "18446744073709551615K",
		"99999999999999999999999999",
	};
	uint64_t v;

	for (size_t i = 0; i < RD_ARRAY_SIZE(bad); i++)
		ck_assert_msg(!rd_parse_size(bad[i], &v), "\"%s\" was taken", bad[i]);
}
END_TEST

START_TEST(numbers)
{
	uint32_t v;

	ck_assert(rd_parse_u32("1", 1, 4, &v));
	ck_assert_uint_eq(v, 1);
	ck_assert(rd_parse_u32("4294967295", 0, UINT32_MAX, &v));
	ck_assert_uint_eq(v, UINT32_MAX);
	ck_assert(!rd_parse_u32("0", 1, 4, &v));
	ck_assert(!rd_parse_u32("5", 1, 4, &v));
	ck_assert(!rd_parse_u32("", 0, 4, &v));
	ck_assert(!rd_parse_u32("1x", 0, 4, &v));
	ck_assert(!rd_parse_u32("-1", 0, 4, &v));
	ck_assert(!rd_parse_u32("4294967296", 0, UINT32_MAX, &v));
	ck_assert(!rd_parse_u32("99999999999999999999", 0, UINT32_MAX, &v));
}
END_TEST

struct seen {
	const char *file;
	unsigned int flags;
};

static int set_file(void *ctx, const char *v)
{
	((struct seen *)ctx)->file = v;
	return RD_OK;
}

static int set_flag(void *ctx, const char *v)
{
	ck_assert_ptr_null(v);
	((struct seen *)ctx)->flags++;
	return RD_OK;
}

static const struct rd_opt opts[] = {
	{ "file", "FILE", "a file", set_file },
	{ "flag", NULL, "a flag", set_flag },
	{ NULL, NULL, NULL, NULL },
};
static const struct rd_command command = { .name = "test", .args = "", .summary = "A test",
					   .opts = opts };

static int parse(struct seen *seen, int *operands, int argc, const char **words)
{
	char *argv[8] = { (char *)"test" };

	memset(seen, 0, sizeof(*seen));
	for (int i = 0; i < argc; i++)
		argv[i + 1] = (char *)words[i];
	return rd_opts_parse(&command, seen, argc + 1, argv, operands);
}

#define PARSE(...) parse(&seen, &operands, (int)RD_ARRAY_SIZE(((const char *[]){ __VA_ARGS__ })), \
			 (const char *[]){ __VA_ARGS__ })

START_TEST(options)
{
	struct seen seen;
	int operands;

	ck_assert_int_eq(PARSE("--file", "a", "--flag", "x", "y"), RD_OK);
	ck_assert_str_eq(seen.file, "a");
	ck_assert_uint_eq(seen.flags, 1);
	ck_assert_int_eq(operands, 2);
	ck_assert_int_eq(PARSE("--file=b=c"), RD_OK);
	ck_assert_str_eq(seen.file, "b=c");
	ck_assert_int_eq(PARSE("--", "--flag"), RD_OK);
	ck_assert_uint_eq(seen.flags, 0);
	ck_assert_int_eq(operands, 1);
	ck_assert_int_eq(PARSE("-"), RD_OK);
	ck_assert_int_eq(operands, 1);
}
END_TEST

START_TEST(bad_options)
{
	struct seen seen;
	int operands;

	ck_assert_int_eq(PARSE("--file"), RD_USAGE);
	ck_assert_int_eq(PARSE("--flag=1"), RD_USAGE);
	ck_assert_int_eq(PARSE("--fil", "x"), RD_USAGE);
	ck_assert_int_eq(PARSE("--files", "x"), RD_USAGE);
	ck_assert_int_eq(PARSE("-f"), RD_USAGE);
	ck_assert_int_eq(PARSE("--=x"), RD_USAGE);
}
END_TEST

TCase *util_case(void)
{
	TCase *tc = tcase_create("util");

	tcase_add_test(tc, sizes);
	tcase_add_test(tc, bad_sizes);
	tcase_add_test(tc, numbers);
	tcase_add_test(tc, options);
	tcase_add_test(tc, bad_options);
	return tc;
}
