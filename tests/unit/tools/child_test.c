// SPDX-License-Identifier: GPL-2.0-only
/* Programs that vmctl runs: output, exit status, a signal in the middle. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/child.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct heard {
	char text[256];
	int interrupt_with;	/* when the word "now" comes */
};

static void on_line(void *ctx, const char *line)
{
	struct heard *h = ctx;
	size_t len = strlen(h->text);

	snprintf(h->text + len, sizeof(h->text) - len, "%.100s|", line);
	if (!strcmp(line, "now") && h->interrupt_with)
		kill(getpid(), h->interrupt_with);
}

static int run_script(const char *script, struct heard *h, int *result)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct rd_child c = { .argv = argv, .line = on_line, .ctx = h, .dir = "/" };
	struct rd_interrupt in;
	int status;

	ck_assert_int_eq(rd_interrupt_open(&in), RD_OK);
	status = rd_child_run(&c, &in, result);
	rd_interrupt_close(&in);
	return status;
}

START_TEST(lines_and_status)
{
	struct heard h = { .text = "" };
	int result;

	ck_assert_int_eq(run_script("pwd; echo; printf 'a\\rb'; sleep 0.1; echo c >&2; printf end; "
				    "exit 3", &h, &result), RD_OK);
	ck_assert_int_eq(result, 3);
	ck_assert_str_eq(h.text, "/|a|bc|end|");
	ck_assert_int_eq(run_script("kill -9 $$", &h, &result), RD_OK);
	ck_assert_int_eq(result, 137);
}
END_TEST

START_TEST(program_is_missing)
{
	const char *const argv[] = { "no-such-program-anywhere", NULL };
	struct heard h = { .text = "" };
	struct rd_child c = { .argv = argv, .line = on_line, .ctx = &h };
	struct rd_interrupt in;
	int result;

	ck_assert_int_eq(rd_interrupt_open(&in), RD_OK);
	ck_assert_int_eq(rd_child_run(&c, &in, &result), RD_OK);
	ck_assert_int_eq(result, 127);
	rd_interrupt_close(&in);
}
END_TEST

/* The program hears of the signal once, has the time to clean up, and what it started ends, too. */
START_TEST(signal_is_passed_on)
{
	struct heard h = { .text = "", .interrupt_with = SIGTERM };
	int result;

	ck_assert_int_eq(run_script("trap 'echo cleaned; exit 9' TERM; echo now; sleep 60 & wait",
				    &h, &result), RD_SIGNALLED + SIGTERM);
	ck_assert_int_eq(result, 9);
	ck_assert_ptr_nonnull(strstr(h.text, "cleaned|"));
}
END_TEST

/* Nothing is started after a signal. */
START_TEST(signal_before_the_start)
{
	struct heard h = { .text = "" };
	const char *const argv[] = { "echo", "started", NULL };
	struct rd_child c = { .argv = argv, .line = on_line, .ctx = &h };
	struct rd_interrupt in;
	int result;

	ck_assert_int_eq(rd_interrupt_open(&in), RD_OK);
	kill(getpid(), SIGINT);
	ck_assert_int_eq(rd_child_run(&c, &in, &result), RD_SIGNALLED + SIGINT);
	ck_assert_str_eq(h.text, "");
	rd_interrupt_close(&in);
}
END_TEST

TCase *child_case(void)
{
	TCase *c = tcase_create("child");

	tcase_add_test(c, lines_and_status);
	tcase_add_test(c, program_is_missing);
	tcase_add_test(c, signal_is_passed_on);
	tcase_add_test(c, signal_before_the_start);
	return c;
}
