// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server side, run by the main thread between other events. A client that sends too long a
 * line or does not read its answers is cut off; it never makes the VM wait.
 */
#include "tools/src/vmctl/control.h"

#include "tools/src/vmctl/stats_report.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN_DIR "/run/redoubt"

const char *rd_run_dir(void)
{
	const char *dir = getenv("REDOUBT_RUN_DIR");

	return dir && *dir ? dir : RUN_DIR;
}

bool rd_valid_name(const char *name)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t len = strlen(name);

	return len && len < 48 && name[0] != '.' && strspn(name, allowed) == len &&
	       strspn(name, "0123456789") != len;
}

void rd_control_init(struct rd_control *c)
{
	memset(c, 0, sizeof(*c));
	c->listen_fd = -1;
	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++)
		c->clients[i].fd = -1;
}

static bool somebody_listens(const struct sockaddr_un *addr)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool alive;

	if (fd < 0)
		return true;
	alive = !connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) || errno == EAGAIN;
	close(fd);
	return alive;
}

/* Returns 0, or -1 with errno; EADDRINUSE means that the name is taken. Directory is locked. */
static int bind_locked(struct rd_control *c)
{
	const struct sockaddr *addr = (const struct sockaddr *)&c->addr;

	if (!bind(c->listen_fd, addr, sizeof(c->addr)))
		return listen(c->listen_fd, (int)RD_CONTROL_CLIENTS);
	if (errno != EADDRINUSE)
		return -1;
	if (somebody_listens(&c->addr)) {
		errno = EADDRINUSE;
		return -1;
	}
	if (unlink(c->addr.sun_path) || bind(c->listen_fd, addr, sizeof(c->addr)))
		return -1;
	return listen(c->listen_fd, (int)RD_CONTROL_CLIENTS);
}

/* Open and lock the directory of sockets. -1 with errno. */
static int lock_dir(void)
{
	int fd;

	if (mkdir(rd_run_dir(), 0755) && errno != EEXIST)
		return -1;
	fd = open(rd_run_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 && flock(fd, LOCK_EX)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static int set_address(struct rd_control *c)
{
	int n = snprintf(c->addr.sun_path, sizeof(c->addr.sun_path), "%s/%s.sock", rd_run_dir(),
			 c->name);

	c->addr.sun_family = AF_UNIX;
	if (n < 0 || (size_t)n >= sizeof(c->addr.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

static int listen_on_name(struct rd_control *c)
{
	int dir, ret, err;
	mode_t mask;

	if (set_address(c))
		return -1;
	c->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	dir = c->listen_fd < 0 ? -1 : lock_dir();
	if (dir < 0)
		return -1;
	mask = umask(0077);	/* whoever can connect rules the VM */
	ret = bind_locked(c);
	err = errno;
	umask(mask);
	close(dir);
	errno = err;
	return ret;
}

int rd_control_open(struct rd_control *c, const struct rd_config *config)
{
	clock_gettime(CLOCK_MONOTONIC, &c->started);
	if (config->name)
		snprintf(c->name, sizeof(c->name), "%s", config->name);
	else
		snprintf(c->name, sizeof(c->name), "vm-%d", (int)getpid());
	if (!listen_on_name(c))
		return RD_OK;
	if (c->listen_fd >= 0)
		close(c->listen_fd);
	c->listen_fd = -1;
	if (errno == EADDRINUSE)
		return rd_fail(RD_USAGE, "--name: a VM called %s is running", c->name);
	if (config->name)
		return rd_fail(RD_HOST_ERROR, "control socket in %s: %s", rd_run_dir(),
			       strerror(errno));
	rd_warn("no control socket in %s: %s", rd_run_dir(), strerror(errno));
	return RD_OK;
}

static void drop_client(struct rd_control_client *client)
{
	close(client->fd);
	client->fd = -1;
	client->len = 0;
}

void rd_control_close(struct rd_control *c)
{
	int dir;

	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			drop_client(&c->clients[i]);
	if (c->listen_fd < 0)
		return;
	dir = lock_dir();
	unlink(c->addr.sun_path);
	close(c->listen_fd);
	c->listen_fd = -1;
	if (dir >= 0)
		close(dir);
}

unsigned int rd_control_poll(const struct rd_control *c, struct pollfd *p)
{
	p[0] = (struct pollfd){ .fd = c->listen_fd, .events = POLLIN };
	for (unsigned int i = 0; i < RD_CONTROL_CLIENTS; i++)
		p[i + 1] = (struct pollfd){ .fd = c->clients[i].fd, .events = POLLIN };
	return RD_CONTROL_POLL_MAX;
}

static void accept_client(struct rd_control *c)
{
	int fd = accept4(c->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	for (unsigned int i = 0; fd >= 0 && i < RD_CONTROL_CLIENTS; i++) {
		if (c->clients[i].fd < 0) {
			c->clients[i].fd = fd;
			c->clients[i].len = 0;
			return;
		}
	}
	if (fd >= 0)
		close(fd);
}

static json_t *status_reply(const struct rd_control *c, const struct rd_machine *m)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return json_pack("{s:b, s:s, s:i, s:s, s:I, s:I, s:I}", "ok", 1, "name", c->name, "pid",
			 (int)getpid(), "device", m->kvm->node, "cpus", (json_int_t)m->n_cpus,
			 "memory", (json_int_t)m->ram.size, "uptime_s",
			 (json_int_t)(now.tv_sec - c->started.tv_sec));
}

static json_t *stats_reply(const struct rd_control *c, const struct rd_machine *m,
			   const struct rd_stats *earlier)
{
	struct rd_stats sum;
	json_t *reply;

	rd_stats_init(&sum);
	rd_stats_copy(&sum, earlier);
	rd_stats_add_machine(&sum, m);
	reply = rd_stats_json(&sum);
	rd_stats_free(&sum);
	if (reply) {
		json_object_set_new(reply, "ok", json_true());
		json_object_set_new(reply, "name", json_string(c->name));
		json_object_set_new(reply, "pid", json_integer(getpid()));
	}
	return reply;
}

static json_t *error_reply(const char *text)
{
	return json_pack("{s:b, s:s}", "ok", 0, "error", text);
}

static void send_reply(struct rd_control_client *client, json_t *reply)
{
	char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	size_t len = text ? strlen(text) : 0;
	bool sent = false;

	if (text) {
		text[len] = '\n';	/* over the terminating zero */
		sent = send(client->fd, text, len + 1, MSG_NOSIGNAL) == (ssize_t)(len + 1);
	}
	if (!sent)
		drop_client(client);
	free(text);
	json_decref(reply);
}

static enum rd_control_event serve(struct rd_control *c, struct rd_control_client *client,
				   const struct rd_machine *m, const struct rd_stats *earlier)
{
	enum rd_control_event event = RD_CONTROL_NOTHING;
	json_t *request = json_loads(client->line, 0, NULL);
	const char *command = json_string_value(json_object_get(request, "command"));
	json_t *reply;

	if (!command) {
		reply = error_reply("a line must be an object with a string \"command\"");
	} else if (!strcmp(command, "status")) {
		reply = status_reply(c, m);
	} else if (!strcmp(command, "stats")) {
		reply = stats_reply(c, m, earlier);
	} else if (!strcmp(command, "stop")) {
		event = RD_CONTROL_POWER_BUTTON;
		reply = json_pack("{s:b}", "ok", 1);
	} else if (!strcmp(command, "quit")) {
		event = RD_CONTROL_QUIT;
		reply = json_pack("{s:b}", "ok", 1);
	} else {
		reply = error_reply("unknown command");
	}
	json_decref(request);
	send_reply(client, reply);
	return event;
}

static enum rd_control_event read_client(struct rd_control *c, struct rd_control_client *client,
					 const struct rd_machine *m,
					 const struct rd_stats *earlier)
{
	enum rd_control_event event = RD_CONTROL_NOTHING;
	ssize_t n = read(client->fd, client->line + client->len,
			 sizeof(client->line) - 1 - client->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return event;
	if (n <= 0) {
		drop_client(client);
		return event;
	}
	client->len += (size_t)n;
	while (client->fd >= 0) {
		char *end = memchr(client->line, '\n', client->len);
		enum rd_control_event e;
		size_t used;

		if (!end)
			break;
		*end = 0;
		used = (size_t)(end + 1 - client->line);
		e = serve(c, client, m, earlier);
		event = e > event ? e : event;
		if (client->fd < 0)
			break;
		client->len -= used;
		memmove(client->line, client->line + used, client->len);
	}
	if (client->fd >= 0 && client->len == sizeof(client->line) - 1)
		drop_client(client);
	return event;
}

enum rd_control_event rd_control_handle(struct rd_control *c, const struct pollfd *p,
					unsigned int n, const struct rd_machine *m,
					const struct rd_stats *earlier)
{
	enum rd_control_event event = RD_CONTROL_NOTHING;

	for (unsigned int i = 0; i + 1 < n; i++) {
		enum rd_control_event e = RD_CONTROL_NOTHING;

		if (p[i + 1].revents && c->clients[i].fd >= 0)
			e = read_client(c, &c->clients[i], m, earlier);
		event = e > event ? e : event;
	}
	if (n && p[0].revents)
		accept_client(c);
	return event;
}
