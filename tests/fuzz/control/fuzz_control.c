// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients of the control socket that send pieces of requests, nearly requests and anything else, in
 * any grain, read late or never, and hang up; and answers that come at once, late or in pieces.
 * Invariant checked: no crash; a client that waits is told so when it goes; no connection is left,
 * and none is served beyond their number.
 */
#include "tests/fuzz/input.h"
#include "tools/src/vmctl/control.h"
#include "tools/src/vmctl/util.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#define PEERS (RD_CONTROL_CLIENTS + 2)

static struct rd_control control;
static int peers[PEERS];
static struct rd_control_client *late[RD_CONTROL_CLIENTS];
static unsigned int n_late;

static const char *const words[] = {
	"{", "}", "[", "]", ",", ":", "\n", "}\n", "\"command\":", "\"id\":", "\"protocol\":1",
	"\"protocol\":2", "\"hello\"", "\"status\"", "\"show\"", "\"stats\"", "\"pause\"",
	"\"resume\"", "\"stop\"", "\"kill\"", "\"console\"", "\"snapshot\"", "\"balloon\"",
	"\"file\":\"/x\"", "\"stop\":true", "\"memory\":", "\"vcpus\":false", "1", "-1", "null",
	"9999999999999999999", "\"\\u0000\"", "\xff", " ", "\"",
	"{\"command\":\"status\",\"id\":1}\n", "{\"command\":\"snapshot\",\"file\":\"/y\"}\n",
	"{\"command\":\"console\"}\n", "{\"command\":\"stats\",\"id\":\"a\"}\n",
	"\"trace_add\"", "\"trace_remove\"", "\"trace_list\"", "\"ranges\":", "\"actions\":",
	"\"tag\":", "\"all\":true", "\"log\"",
	"{\"command\":\"trace_add\",\"ranges\":[{\"gpa\":0,\"size\":1}]}\n",
	"{\"command\":\"trace_remove\",\"all\":true}\n",
	"\"trace_guard\"", "\"allow\":", "\"ftrace\"",
	"{\"command\":\"trace_guard\",\"allow\":[\"kprobes\"],\"actions\":[\"log\"]}\n",
};

static json_t *answer(void)
{
	return json_pack("{s:b, s:s}", "ok", 1, "text", "an answer");
}

static json_t *on_request(void *ctx, struct rd_control_client *client,
			  const struct rd_request *request)
{
	int fd;

	(void)ctx;
	switch (request->command) {
	case RD_REQ_SNAPSHOT:
		if (!request->file)
			fuzz_die("a snapshot without a file");
		if (n_late == RD_CONTROL_CLIENTS)
			fuzz_die("more clients wait than there are");
		late[n_late++] = client;
		return NULL;
	case RD_REQ_CONSOLE:
		fd = rd_control_take(&control, client, request, answer());
		if (fd >= 0)
			close(fd);
		return NULL;
	case RD_REQ_TRACE_ADD:
		if (!json_is_array(request->ranges))
			fuzz_die("traces without ranges");
		return answer();
	case RD_REQUESTS:
		fuzz_die("no command");
		return NULL;
	default:
		return answer();
	}
}

static void on_gone(void *ctx, struct rd_control_client *client)
{
	unsigned int i = 0;

	(void)ctx;
	while (i < n_late && late[i] != client)
		i++;
	if (i == n_late)
		fuzz_die("one is gone that did not wait");
	late[i] = late[--n_late];
}

static void serve(void)
{
	struct pollfd p[RD_CONTROL_POLL_MAX];
	unsigned int n = rd_control_poll(&control, p);

	if (poll(p, n, 0) > 0)
		rd_control_handle(&control, p, n);
}

static void connect_peer(unsigned int i)
{
	int fds[2];

	if (peers[i] >= 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds))
		return;
	peers[i] = fds[1];
	rd_control_add(&control, fds[0]);
}

static void say(unsigned int i)
{
	uint8_t raw[16];
	uint8_t n = take();
	const char *word = words[n % RD_ARRAY_SIZE(words)];
	size_t len = strlen(word);

	if (n >= 0xf0) {
		len = n & 0xf;
		take_bytes(raw, len);
		word = (const char *)raw;
	}
	/* A full socket and one that the server closed are the peer's own affair. */
	if (peers[i] >= 0 && send(peers[i], word, len, MSG_NOSIGNAL) < 0)
		return;
}

static void hear(unsigned int i)
{
	char text[512];

	if (peers[i] >= 0 && read(peers[i], text, sizeof(text)) == 0) {
		close(peers[i]);
		peers[i] = -1;
	}
}

/* Whoever has waited longest is answered, now and then after an event. */
static void answer_late(bool event)
{
	struct rd_control_client *client = n_late ? late[0] : NULL;

	if (!client)
		return;
	if (event) {
		rd_control_event(&control, client, answer());
		return;
	}
	memmove(late, late + 1, --n_late * sizeof(late[0]));
	rd_control_answer(&control, client, answer());
}

static void one_step(void)
{
	uint8_t what = take();
	unsigned int i = (what >> 4) % 4 ? (what >> 4) % 4 - 1 : take() % PEERS;

	switch (what & 15) {
	case 0:
		connect_peer(i);
		break;
	case 1 ... 8:
		connect_peer(i);
		say(i);
		break;
	case 9:
		hear(i);
		break;
	case 10:
		if (peers[i] >= 0)
			close(peers[i]);
		peers[i] = -1;
		break;
	case 11:
		answer_late(false);
		break;
	case 12:
		answer_late(true);
		break;
	default:
		serve();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct rd_control_ops ops = { .request = on_request, .gone = on_gone };

	fuzz_begin(data, size);
	n_late = 0;
	for (unsigned int i = 0; i < PEERS; i++)
		peers[i] = -1;
	rd_control_init(&control, &ops, NULL);
	while (fuzz_more())
		one_step();
	serve();
	rd_control_close(&control);
	if (n_late)
		fuzz_die("a client was forgotten");
	for (unsigned int i = 0; i < PEERS; i++)
		if (peers[i] >= 0)
			close(peers[i]);
	return 0;
}
