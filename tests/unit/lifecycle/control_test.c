// SPDX-License-Identifier: GPL-2.0-only
/* The server side of the control socket against clients of all kinds. */
#include "tests/unit/lifecycle/lifecycle_test.h"
#include "tools/src/vmctl/control.h"
#include "tools/src/vmctl/rundir.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct rd_control control;
static struct rd_control_client *waiting;
static unsigned int served, gone;
static int taken;
static size_t answer_len;

static json_t *on_request(void *ctx, struct rd_control_client *client,
			  const struct rd_request *request)
{
	char *big;
	json_t *o;

	(void)ctx;
	served++;
	switch (request->command) {
	case RD_REQ_SNAPSHOT:
		waiting = client;
		return NULL;
	case RD_REQ_CONSOLE:
		taken = rd_control_take(&control, client, request, json_pack("{s:b}", "ok", 1));
		return NULL;
	case RD_REQ_STATS:
		big = calloc(1, answer_len + 1);
		memset(big, 'x', answer_len);
		o = json_pack("{s:b, s:s}", "ok", 1, "big", big);
		free(big);
		return o;
	default:
		return json_pack("{s:b}", "ok", 1);
	}
}

static void on_gone(void *ctx, struct rd_control_client *client)
{
	(void)ctx;
	gone++;
	if (client == waiting)
		waiting = NULL;
}

static const struct rd_control_ops ops = { .request = on_request, .gone = on_gone };

static void setup(void)
{
	catch_messages();
	waiting = NULL;
	served = gone = 0;
	taken = -1;
	answer_len = 10;
	rd_control_init(&control, &ops, NULL);
}

static void teardown(void)
{
	rd_control_close(&control);
	rd_messages_capture(NULL, 0);
}

static int connect_client(void)
{
	int fds[2];

	ck_assert(!socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fcntl(fds[1], F_SETFL, O_NONBLOCK);
	rd_control_add(&control, fds[0]);
	return fds[1];
}

/* Let the server do all that it has to. */
static void run(void)
{
	struct pollfd p[RD_CONTROL_POLL_MAX];

	for (unsigned int i = 0; i < 100; i++) {
		unsigned int n = rd_control_poll(&control, p);

		if (poll(p, n, 0) <= 0)
			return;
		rd_control_handle(&control, p, n);
	}
}

static void say(int fd, const char *text)
{
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	run();
}

/* What the server sent; "" for nothing, "closed" for the end. */
static const char *hear(int fd)
{
	static char text[4096];
	ssize_t n = read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return errno == EAGAIN ? "" : "closed";
	text[n] = 0;
	return n ? text : "closed";
}

START_TEST(answers_in_order)
{
	int fd = connect_client();

	say(fd, "{\"command\":\"status\",\"id\":1}\n{\"command\":\"fly\",\"id\":2}\n{\"comm");
	ck_assert_str_eq(hear(fd), "{\"ok\":true,\"id\":1}\n"
				   "{\"ok\":false,\"code\":\"command\","
				   "\"error\":\"no command \\\"fly\\\"\",\"id\":2}\n");
	say(fd, "and\":\"status\"}\n");
	ck_assert_str_eq(hear(fd), "{\"ok\":true}\n");
	close(fd);
	run();
	ck_assert_int_eq(control.clients[0].fd, -1);
	ck_assert_uint_eq(gone, 0);
}
END_TEST

START_TEST(late_answer)
{
	int fd = connect_client();

	say(fd, "{\"command\":\"snapshot\",\"file\":\"/x\",\"id\":\"s\"}\n"
		"{\"command\":\"status\"}\n");
	ck_assert_str_eq(hear(fd), "");
	ck_assert_ptr_nonnull(waiting);
	rd_control_event(&control, waiting, json_pack("{s:s}", "event", "progress"));
	ck_assert_str_eq(hear(fd), "{\"event\":\"progress\",\"id\":\"s\"}\n");
	ck_assert_uint_eq(served, 1);
	rd_control_answer(&control, waiting, json_pack("{s:b}", "ok", 1));
	rd_control_handle(&control, (struct pollfd[RD_CONTROL_POLL_MAX]){ { .fd = -1 } },
			  RD_CONTROL_POLL_MAX);
	ck_assert_str_eq(hear(fd), "{\"ok\":true,\"id\":\"s\"}\n{\"ok\":true}\n");
	ck_assert_uint_eq(served, 2);
	close(fd);
	run();
	ck_assert_uint_eq(gone, 0);
}
END_TEST

START_TEST(gone_while_waiting)
{
	int fd = connect_client();

	say(fd, "{\"command\":\"snapshot\",\"file\":\"/x\"}\n");
	ck_assert_ptr_nonnull(waiting);
	close(fd);
	run();
	ck_assert_uint_eq(gone, 1);
	ck_assert_ptr_null(waiting);
}
END_TEST

START_TEST(half_closed_still_gets_answers)
{
	int fd = connect_client();

	say(fd, "{\"command\":\"snapshot\",\"file\":\"/x\"}\n");
	shutdown(fd, SHUT_WR);
	run();
	ck_assert_ptr_nonnull(waiting);
	rd_control_answer(&control, waiting, json_pack("{s:b}", "ok", 1));
	run();
	ck_assert_str_eq(hear(fd), "{\"ok\":true}\n");
	ck_assert_str_eq(hear(fd), "closed");
	close(fd);
}
END_TEST

START_TEST(long_line)
{
	static char line[RD_PROTO_LINE_MAX];
	int fd = connect_client();

	memset(line, ' ', sizeof(line));
	ck_assert_int_eq(write(fd, line, sizeof(line)), (ssize_t)sizeof(line));
	run();
	ck_assert_ptr_nonnull(strstr(hear(fd), "at most 8192 bytes"));
	ck_assert_str_eq(hear(fd), "closed");
	close(fd);
	/* One byte less than the limit, newline included, is served. */
	fd = connect_client();
	memcpy(line, "{\"command\":\"status\"}", 20);
	line[sizeof(line) - 1] = '\n';
	ck_assert_int_eq(write(fd, line, sizeof(line)), (ssize_t)sizeof(line));
	run();
	ck_assert_str_eq(hear(fd), "{\"ok\":true}\n");
	close(fd);
}
END_TEST

START_TEST(too_many_clients)
{
	int fds[RD_CONTROL_CLIENTS], more;

	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++)
		fds[i] = connect_client();
	more = connect_client();
	ck_assert_ptr_nonnull(strstr(hear(more), "too many connections"));
	ck_assert_str_eq(hear(more), "closed");
	say(fds[3], "{\"command\":\"status\"}\n");
	ck_assert_str_eq(hear(fds[3]), "{\"ok\":true}\n");
	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++)
		close(fds[i]);
	close(more);
}
END_TEST

/* Answers larger than the socket takes are sent as they are read, and requests wait for that. */
START_TEST(large_answers)
{
	int fd = connect_client();
	size_t total = 0;

	answer_len = 3u << 20;
	say(fd, "{\"command\":\"stats\"}\n{\"command\":\"status\"}\n");
	ck_assert_uint_eq(served, 1);
	while (served < 2 || control.clients[0].out_len) {
		total += strlen(hear(fd));
		run();
	}
	ck_assert_uint_gt(total, answer_len - 300000);
	ck_assert_uint_eq(served, 2);
	close(fd);
	run();
}
END_TEST

START_TEST(answers_that_nobody_reads)
{
	int fd = connect_client();

	answer_len = RD_CONTROL_QUEUE_MAX + 1;
	say(fd, "{\"command\":\"stats\"}\n");
	ck_assert_int_eq(control.clients[0].fd, -1);
	ck_assert_str_eq(hear(fd), "closed");
	close(fd);
}
END_TEST

START_TEST(connection_goes_on_as_a_console)
{
	int fd = connect_client();

	say(fd, "{\"command\":\"console\",\"id\":1}\n");
	ck_assert_str_eq(hear(fd), "{\"ok\":true,\"id\":1}\n");
	ck_assert_int_ge(taken, 0);
	ck_assert_int_eq(control.clients[0].fd, -1);
	ck_assert_uint_eq(gone, 0);
	ck_assert_int_eq(write(taken, "hi", 2), 2);
	ck_assert_str_eq(hear(fd), "hi");
	close(taken);
	close(fd);
}
END_TEST

START_TEST(noise)
{
	for (unsigned int round = 0; round < 300; round++) {
		int fd = connect_client();
		char junk[512];

		random_seed(round);
		for (unsigned int i = 0; i < 40; i++) {
			size_t n = random_u32() % sizeof(junk) + 1;

			for (size_t j = 0; j < n; j++)
				junk[j] = random_u32() % 20 ? (char)random_u32() : '\n';
			if (write(fd, junk, n) < 0)
				break;
			run();
			hear(fd);
		}
		close(fd);
		run();
		ck_assert_int_eq(control.clients[0].fd, -1);
	}
	ck_assert_uint_eq(served, 0);
}
END_TEST

static char dir[64];

static void dir_setup(void)
{
	setup();
	strcpy(dir, "/tmp/lifecycle-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	rmdir(dir);
	setenv("REDOUBT_RUN_DIR", dir, 1);
}

static void dir_teardown(void)
{
	teardown();
	rmdir(dir);
}

static unsigned int mode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_mode & 07777;
}

START_TEST(socket_modes)
{
	ck_assert_int_eq(rd_control_open(&control, "vm"), 0);
	ck_assert_uint_eq(mode_of(dir), 0700);
	ck_assert_uint_eq(mode_of(control.addr.sun_path), 0600);
	rd_control_close(&control);
	ck_assert_uint_eq(mode_of(control.addr.sun_path), 0);
	/* A directory made for a group. */
	chmod(dir, 0770);
	ck_assert_int_eq(rd_control_open(&control, "vm"), 0);
	ck_assert_uint_eq(mode_of(control.addr.sun_path), 0660);
	rd_control_close(&control);
	/* One in which anybody can replace files is not used. */
	chmod(dir, 0777);
	ck_assert_int_eq(rd_control_open(&control, "vm"), RD_HOST_ERROR);
	ck_assert_ptr_nonnull(strstr(message, "not permitted"));
}
END_TEST

START_TEST(stale_sockets)
{
	struct rd_control second;
	struct sockaddr_un addr;
	int fd;

	ck_assert_int_eq(rd_control_open(&control, "vm"), 0);
	rd_control_init(&second, &ops, NULL);
	ck_assert_int_eq(rd_control_open(&second, "vm"), RD_USAGE);
	ck_assert_ptr_nonnull(strstr(message, "is running"));
	rd_control_close(&control);
	/* A socket file without a listener, as SIGKILL leaves it. */
	ck_assert(rd_run_address(&addr, "vm"));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert(!bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	close(fd);
	ck_assert_int_eq(rd_control_open(&second, "vm"), 0);
	ck_assert_uint_eq(mode_of(addr.sun_path), 0600);
	rd_control_close(&second);
}
END_TEST

TCase *control_case(void)
{
	TCase *t = tcase_create("control");

	tcase_add_checked_fixture(t, dir_setup, dir_teardown);
	tcase_add_test(t, answers_in_order);
	tcase_add_test(t, late_answer);
	tcase_add_test(t, gone_while_waiting);
	tcase_add_test(t, half_closed_still_gets_answers);
	tcase_add_test(t, long_line);
	tcase_add_test(t, too_many_clients);
	tcase_add_test(t, large_answers);
	tcase_add_test(t, answers_that_nobody_reads);
	tcase_add_test(t, connection_goes_on_as_a_console);
	tcase_add_test(t, noise);
	tcase_add_test(t, socket_modes);
	tcase_add_test(t, stale_sockets);
	return t;
}
