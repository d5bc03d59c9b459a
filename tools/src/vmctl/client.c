// SPDX-License-Identifier: GPL-2.0-only
/* Client calls. A VM that does not answer within the time below is reported, not waited for. */
#include "tools/src/vmctl/client.h"

#include "tools/src/vmctl/control.h"
#include "tools/src/vmctl/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER_TIMEOUT_S 10
#define ANSWER_MAX (1u << 20)
#define SUFFIX ".sock"

/* -1 with errno. */
static int connect_to(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval tv = { .tv_sec = ANSWER_TIMEOUT_S };
	int fd;
	int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s" SUFFIX, rd_run_dir(), name);

	if (n < 0 || (size_t)n >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	n = errno;
	close(fd);
	errno = n;
	return -1;
}

/* Read one line; free() it. NULL with errno, 0 when the other side closed. */
static char *read_line(int fd)
{
	size_t len = 0, room = 4096;
	char *line = malloc(room);

	while (line) {
		ssize_t n = recv(fd, line + len, room - 1 - len, 0);

		if (n <= 0) {
			int err = n ? errno : 0;

			free(line);
			errno = err;
			return NULL;
		}
		len += (size_t)n;
		line[len] = 0;
		if (line[len - 1] == '\n')
			return line;
		if (len == room - 1) {
			char *more = room < ANSWER_MAX ? realloc(line, room * 2) : NULL;

			if (!more)
				break;
			line = more;
			room *= 2;
		}
	}
	free(line);
	errno = ENOMEM;
	return NULL;
}

/* One exchange on a connected socket. NULL with errno. */
static json_t *exchange(int fd, const char *command)
{
	char request[128];
	int n = snprintf(request, sizeof(request), "{\"command\":\"%s\"}\n", command);
	json_t *reply;
	char *line;

	if (send(fd, request, (size_t)n, MSG_NOSIGNAL) != n)
		return NULL;
	line = read_line(fd);
	if (!line)
		return NULL;
	reply = json_loads(line, 0, NULL);
	free(line);
	if (!reply)
		errno = EPROTO;
	return reply;
}

static int is_socket(const struct dirent *d)
{
	size_t len = strlen(d->d_name);

	return len > strlen(SUFFIX) && !strcmp(d->d_name + len - strlen(SUFFIX), SUFFIX);
}

/* Call FN with each name that has a socket until it returns true. */
static int each_name(bool (*fn)(void *ctx, const char *name), void *ctx)
{
	struct dirent **list;
	bool done = false;
	int n = scandir(rd_run_dir(), &list, is_socket, alphasort);

	if (n < 0 && errno == ENOENT)
		return RD_OK;
	if (n < 0)
		return rd_fail(RD_HOST_ERROR, "%s: %s", rd_run_dir(), strerror(errno));
	for (int i = 0; i < n; i++) {
		list[i]->d_name[strlen(list[i]->d_name) - strlen(SUFFIX)] = 0;
		done = done || fn(ctx, list[i]->d_name);
		free(list[i]);
	}
	free(list);
	return RD_OK;
}

struct by_pid {
	uint32_t pid;
	int fd;		/* connected, or -1 */
};

static bool match_pid(void *ctx, const char *name)
{
	struct by_pid *by = ctx;
	struct ucred cred;
	socklen_t len = sizeof(cred);
	int fd = connect_to(name);

	if (fd < 0)
		return false;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) &&
	    (uint32_t)cred.pid == by->pid) {
		by->fd = fd;
		return true;
	}
	close(fd);
	return false;
}

/* Names are never all digits, so a number is a process id. */
static int open_vm(const char *who, int *fd)
{
	struct by_pid by = { .fd = -1 };
	int status;

	if (rd_parse_u32(who, 1, UINT32_MAX, &by.pid)) {
		status = each_name(match_pid, &by);
		if (status)
			return status;
		*fd = by.fd;
		return by.fd >= 0 ? RD_OK : rd_fail(RD_USAGE, "no VM with process id %s", who);
	}
	if (!rd_valid_name(who))
		return rd_fail(RD_USAGE, "\"%s\" cannot be the name of a VM", who);
	*fd = connect_to(who);
	if (*fd >= 0)
		return RD_OK;
	if (errno == ENOENT || errno == ECONNREFUSED)
		return rd_fail(RD_USAGE, "no VM called %s is running", who);
	return rd_fail(RD_HOST_ERROR, "%s: %s", who, strerror(errno));
}

int rd_client_ask(const char *who, const char *command, json_t **reply)
{
	const char *error;
	int fd = -1;
	int status = open_vm(who, &fd);

	if (status)
		return status;
	*reply = exchange(fd, command);
	close(fd);
	if (!*reply)
		return rd_fail(RD_HOST_ERROR, "%s does not answer: %s", who,
			       errno ? strerror(errno) : "it ended");
	if (json_is_true(json_object_get(*reply, "ok")))
		return RD_OK;
	error = json_string_value(json_object_get(*reply, "error"));
	status = rd_fail(RD_HOST_ERROR, "%s: %s", who, error ? error : "refused");
	json_decref(*reply);
	*reply = NULL;
	return status;
}

struct each {
	void (*fn)(void *ctx, const json_t *status);
	void *ctx;
};

static bool call_each(void *ctx, const char *name)
{
	struct each *each = ctx;
	int fd = connect_to(name);
	json_t *reply = fd >= 0 ? exchange(fd, "status") : NULL;

	if (reply)
		each->fn(each->ctx, reply);
	json_decref(reply);
	if (fd >= 0)
		close(fd);
	return false;
}

int rd_client_each(void (*fn)(void *ctx, const json_t *status), void *ctx)
{
	struct each each = { .fn = fn, .ctx = ctx };

	return each_name(call_each, &each);
}
