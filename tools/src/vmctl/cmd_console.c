// SPDX-License-Identifier: GPL-2.0-only
/*
 * vmctl console: the serial console of a running VM on this terminal. Ctrl-A x leaves it, the
 * machine goes on. End of input does not: the output is shown until the machine ends.
 */
#include "tools/src/vmctl/ask.h"
#include "tools/src/vmctl/client.h"
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define KEY_ESCAPE 0x01		/* Ctrl-A */

struct viewer {
	int fd;
	int in_fd;		/* -1: no more input */
	bool json;
	bool keys;		/* a person types: Ctrl-A has a meaning */
	bool escaped;
	bool left;
	struct termios saved;
};

static bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* A console speaks bytes and JSON does not: each byte is the character of its number. */
static bool show_json(const unsigned char *data, size_t len)
{
	char text[2 * 4096];
	size_t n = 0;
	json_t *o;

	for (size_t i = 0; i < len; i++) {
		if (data[i] >= 0x80)
			text[n++] = (char)(0xc0 | data[i] >> 6);
		text[n++] = (char)(data[i] >= 0x80 ? 0x80 | (data[i] & 0x3f) : data[i]);
	}
	o = json_pack("{s:s%}", "output", text, n);
	rd_ask_print(o);
	json_decref(o);
	return !fflush(stdout);
}

static bool show(const struct viewer *v, const char *data, size_t len)
{
	if (!len)
		return true;
	return v->json ? show_json((const unsigned char *)data, len) :
			 write_all(STDOUT_FILENO, data, len);
}

/* Take escape sequences out of the LEN bytes of input. Returns how many are left. */
static size_t filter(struct viewer *v, char *in, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len && !v->left; i++) {
		if (v->escaped) {
			v->escaped = false;
			v->left = in[i] == 'x' || in[i] == 'X' || in[i] == 'd';
			if (in[i] == KEY_ESCAPE)
				in[n++] = in[i];
		} else if (v->keys && in[i] == KEY_ESCAPE) {
			v->escaped = true;
		} else {
			in[n++] = in[i];
		}
	}
	return n;
}

static bool on_input(struct viewer *v)
{
	char in[512];
	ssize_t n = read(v->in_fd, in, sizeof(in));
	size_t len;

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0) {
		v->in_fd = -1;
		return true;
	}
	len = filter(v, in, (size_t)n);
	return !len || write_all(v->fd, in, len);
}

/* False: the machine ended, or nobody takes the output. */
static bool on_output(const struct viewer *v)
{
	char out[4096];
	ssize_t n = recv(v->fd, out, sizeof(out), 0);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	return n > 0 && show(v, out, (size_t)n);
}

static int view(struct viewer *v)
{
	bool more = true;

	while (more && !v->left) {
		struct pollfd p[2] = {
			{ .fd = v->fd, .events = POLLIN }, { .fd = v->in_fd, .events = POLLIN },
		};

		if (poll(p, 2, -1) < 0 && errno != EINTR)
			return rd_fail(RD_HOST_ERROR, "poll: %s", strerror(errno));
		if (p[0].revents)
			more = on_output(v);
		if (p[1].revents)
			more = on_input(v) && more;
	}
	return RD_OK;
}

static bool make_raw(struct viewer *v)
{
	struct termios t;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &v->saved))
		return false;
	t = v->saved;
	cfmakeraw(&t);
	return !tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct viewer v = { .in_fd = STDIN_FILENO };
	struct rd_client c;
	json_t *answer = NULL;
	int status = rd_ask_parse(self, &v.json, argc, argv);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	status = rd_client_open(&c, argv[0]);
	if (!status)
		status = rd_client_call(&c, json_pack("{s:s}", "command", "console"), NULL, NULL,
					&answer);
	json_decref(answer);
	if (!status) {
		v.fd = c.fd;
		v.keys = make_raw(&v);
		if (show(&v, c.buf, c.len))
			status = view(&v);
		if (v.keys)
			tcsetattr(STDIN_FILENO, TCSANOW, &v.saved);
	}
	rd_client_close(&c);
	return status;
}

static const struct rd_opt console_opts[] = {
	{ "json", NULL, "output as JSON objects, a byte being the character of its number",
	  rd_ask_set_json },
	{ NULL, NULL, NULL, NULL },
};

const struct rd_command rd_cmd_console = {
	.name = "console",
	.args = "NAME|PID [--json]",
	.summary = "Show and type on the serial console; Ctrl-A x leaves it",
	.opts = console_opts,
	.run = run,
};
