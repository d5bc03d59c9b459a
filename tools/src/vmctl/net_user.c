// SPDX-License-Identifier: GPL-2.0-only
/*
 * User-mode network: libslirp plays router, DHCP and name server, and opens the host's sockets.
 *
 * All of libslirp runs in one thread; frames pass through a pair of queues, so neither the device
 * nor a vCPU ever waits for it, and a round of frames wakes the device once. While the device takes
 * nothing, the thread reads nothing from the host's sockets either, until the queue is three
 * quarters empty; what a single round produces beyond its room is dropped, as on any network.
 */
#include "tools/src/vmctl/frames.h"
#include "tools/src/vmctl/net.h"
#include "tools/src/vmctl/util.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <slirp/libslirp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define FRAMES_PER_ROUND 64u
#define OWN_POLLS 2u
#define POLLS_MAX 1024u
#define SETTLE_MS 1000u		/* the longest sleep, for what libslirp does not announce */

struct user {
	struct rd_netdev nd;
	struct rd_frames to_device, to_thread;
	int end_fd;		/* eventfd: the thread is to end */
	Slirp *slirp;
	pthread_t thread;
	bool started;
	struct pollfd polls[POLLS_MAX];
	unsigned int n_polls;
	uint8_t frame[RD_FRAME_MAX];
};

static ssize_t send_packet(const void *buf, size_t len, void *opaque)
{
	struct user *u = opaque;

	/* No room: the frame is lost, and TCP sends it again. */
	if (len && len <= RD_FRAME_MAX)
		(void)rd_frames_put(&u->to_device, buf, len);
	return (ssize_t)len;
}

static void guest_error(const char *msg, void *opaque)
{
	(void)msg;
	(void)opaque;
}

static int64_t clock_get_ns(void *opaque)
{
	struct timespec t;

	(void)opaque;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

/* Timers are used for IPv6 only, which is off. */
static void *timer_new(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
	(void)cb;
	(void)cb_opaque;
	return opaque;
}

static void timer_free(void *timer, void *opaque)
{
	(void)timer;
	(void)opaque;
}

static void timer_mod(void *timer, int64_t expire_time, void *opaque)
{
	(void)timer;
	(void)expire_time;
	(void)opaque;
}

static void poll_fd_changed(int fd, void *opaque)
{
	(void)fd;
	(void)opaque;
}

/* Only ever called by the thread itself, which looks again before it sleeps. */
static void notify(void *opaque)
{
	(void)opaque;
}

static const SlirpCb callbacks = {
	.send_packet = send_packet,
	.guest_error = guest_error,
	.clock_get_ns = clock_get_ns,
	.timer_new = timer_new,
	.timer_free = timer_free,
	.timer_mod = timer_mod,
	.register_poll_fd = poll_fd_changed,
	.unregister_poll_fd = poll_fd_changed,
	.notify = notify,
};

/* libslirp's flags and poll()'s. */
static const struct { int slirp; short poll; } flags[] = {
	{ SLIRP_POLL_IN, POLLIN },   { SLIRP_POLL_OUT, POLLOUT }, { SLIRP_POLL_PRI, POLLPRI },
	{ SLIRP_POLL_ERR, POLLERR }, { SLIRP_POLL_HUP, POLLHUP },
};

static int add_poll(int fd, int events, void *opaque)
{
	struct user *u = opaque;
	struct pollfd p = { .fd = fd };

	if (u->n_polls == POLLS_MAX)
		return -1;
	for (unsigned int i = 0; i < RD_ARRAY_SIZE(flags); i++)
		if (events & flags[i].slirp)
			p.events |= flags[i].poll;
	u->polls[u->n_polls] = p;
	return (int)u->n_polls++;
}

static int get_revents(int idx, void *opaque)
{
	struct user *u = opaque;
	int events = 0;

	if (idx < 0 || (unsigned int)idx >= u->n_polls)
		return 0;
	for (unsigned int i = 0; i < RD_ARRAY_SIZE(flags); i++)
		if (u->polls[idx].revents & flags[i].poll)
			events |= flags[i].slirp;
	return events;
}

static void take_frames(struct user *u)
{
	for (unsigned int i = 0; i < FRAMES_PER_ROUND; i++) {
		size_t len = rd_frames_get(&u->to_thread, u->frame, sizeof(u->frame));

		if (!len)
			return;
		slirp_input(u->slirp, u->frame, (int)len);
	}
}

/* One sleep and what it brought. False: the end. */
static bool round_trip(struct user *u)
{
	bool open = rd_frames_half_empty(&u->to_device);
	uint32_t ms = SETTLE_MS;
	int n;

	u->polls[0] = (struct pollfd){ .fd = u->end_fd, .events = POLLIN };
	u->polls[1] = (struct pollfd){ .fd = open ? u->to_thread.data_fd : u->to_device.room_fd,
				       .events = POLLIN };
	u->n_polls = OWN_POLLS;
	if (open)
		slirp_pollfds_fill(u->slirp, &ms, add_poll, u);
	rd_frames_flush(&u->to_device);
	n = poll(u->polls, u->n_polls, (int)(ms < SETTLE_MS ? ms : SETTLE_MS));
	if (n > 0 && u->polls[0].revents)
		return false;
	if (!open)
		return true;
	if (n > 0 && u->polls[1].revents & POLLIN)
		take_frames(u);
	slirp_pollfds_poll(u->slirp, n < 0, get_revents, u);
	return true;
}

static void *user_thread(void *arg)
{
	while (round_trip(arg))
		continue;
	return NULL;
}

static void user_close(struct rd_netdev *nd)
{
	struct user *u = (struct user *)nd;
	uint64_t one = 1;

	/* The counter is zero before: the write cannot fail. */
	if (u->started && write(u->end_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(u->thread, NULL);
	if (u->slirp)
		slirp_cleanup(u->slirp);
	rd_frames_free(&u->to_device);
	rd_frames_free(&u->to_thread);
	if (u->end_fd >= 0)
		close(u->end_fd);
	free(u);
}

static int make_slirp(struct user *u)
{
	SlirpConfig c = { .version = 1, .in_enabled = true };

	inet_pton(AF_INET, "10.0.2.0", &c.vnetwork);
	inet_pton(AF_INET, "255.255.255.0", &c.vnetmask);
	inet_pton(AF_INET, "10.0.2.2", &c.vhost);
	inet_pton(AF_INET, "10.0.2.3", &c.vnameserver);
	inet_pton(AF_INET, "10.0.2.15", &c.vdhcp_start);
	u->slirp = slirp_new(&c, &callbacks, u);
	return u->slirp ? RD_OK : rd_fail(RD_HOST_ERROR, "--net user: libslirp does not start");
}

static int forward(struct user *u, const struct rd_net_forward *f)
{
	struct in_addr guest = { 0 };	/* the first that DHCP gives */
	char host[INET_ADDRSTRLEN];

	errno = 0;
	if (!slirp_add_hostfwd(u->slirp, f->udp, f->host, f->host_port, guest, f->guest_port))
		return RD_OK;
	inet_ntop(AF_INET, &f->host, host, sizeof(host));
	return rd_fail(RD_HOST_ERROR, "--net user: cannot listen on %s:%u: %s", host,
		       f->host_port, strerror(errno ? errno : EADDRINUSE));
}

static size_t user_receive(struct rd_netdev *nd, void *frame, size_t room)
{
	return rd_frames_get(&((struct user *)nd)->to_device, frame, room);
}

static bool user_send(struct rd_netdev *nd, const void *frame, size_t len)
{
	return rd_frames_put(&((struct user *)nd)->to_thread, frame, len);
}

static void user_flush(struct rd_netdev *nd)
{
	rd_frames_flush(&((struct user *)nd)->to_thread);
}

static int make_queues(struct user *u)
{
	int status;

	u->end_fd = eventfd(0, EFD_CLOEXEC);
	if (u->end_fd < 0)
		return rd_fail(RD_HOST_ERROR, "eventfd: %s", strerror(errno));
	status = rd_frames_init(&u->to_device);
	if (!status)
		status = rd_frames_init(&u->to_thread);
	u->nd.fd = u->to_device.data_fd;
	u->nd.room_fd = u->to_thread.room_fd;
	return status;
}

/* Signals are for other threads. */
static int start_thread(struct user *u)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&u->thread, NULL, user_thread, u);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err)
		return rd_fail(RD_HOST_ERROR, "thread for --net user: %s", strerror(err));
	u->started = true;
	pthread_setname_np(u->thread, "net-user");
	return RD_OK;
}

int rd_net_user_open(const struct rd_net_config *config, struct rd_netdev **out)
{
	struct user *u = calloc(1, sizeof(*u));
	int status;

	if (!u)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	u->nd = (struct rd_netdev){ .receive = user_receive, .send = user_send,
				    .flush = user_flush, .close = user_close };
	u->end_fd = u->to_device.data_fd = u->to_device.room_fd = -1;
	u->to_thread.data_fd = u->to_thread.room_fd = -1;
	status = make_queues(u);
	if (!status)
		status = make_slirp(u);
	for (unsigned int i = 0; i < config->n_forwards && !status; i++)
		status = forward(u, &config->forwards[i]);
	if (!status)
		status = start_thread(u);
	if (status)
		user_close(&u->nd);
	else
		*out = &u->nd;
	return status;
}
