// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's end of an AF_VSOCK connection, for a guest that has nothing but busybox: linked
 * statically, carried in on a disk. Each use is one connection.
 *
 *   vsock_peer connect CID PORT    sends standard input, then writes what comes to standard output
 *   vsock_peer echo PORT           takes everything from the first to connect, then sends it back
 */
#include <sys/socket.h>

#include <linux/vm_sockets.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROOM (4u << 20)

static char data[ROOM];

static int failed(const char *what)
{
	perror(what);
	return 1;
}

static size_t read_all(int fd)
{
	size_t len = 0;
	ssize_t n;

	while (len < ROOM && (n = read(fd, data + len, ROOM - len)) > 0)
		len += (size_t)n;
	return len;
}

static bool write_all(int fd, size_t len)
{
	size_t at = 0;
	ssize_t n = 0;

	for (; at < len && (n = write(fd, data + at, len - at)) > 0; at += (size_t)n)
		continue;
	return at == len;
}

static struct sockaddr_vm address(const char *cid, const char *port)
{
	return (struct sockaddr_vm){
		.svm_family = AF_VSOCK,
		.svm_cid = cid ? (unsigned int)strtoul(cid, NULL, 0) : VMADDR_CID_ANY,
		.svm_port = (unsigned int)strtoul(port, NULL, 0),
	};
}

static int do_connect(const char *cid, const char *port)
{
	struct sockaddr_vm a = address(cid, port);
	int fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		return failed("connect");
	if (!write_all(fd, read_all(STDIN_FILENO)))
		return failed("send");
	shutdown(fd, SHUT_WR);
	return write_all(STDOUT_FILENO, read_all(fd)) ? 0 : failed("receive");
}

static int do_echo(const char *port)
{
	struct sockaddr_vm a = address(NULL, port);
	int listener = socket(AF_VSOCK, SOCK_STREAM, 0), fd;

	if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof(a)) || listen(listener, 1))
		return failed("listen");
	fd = accept(listener, NULL, NULL);
	if (fd < 0 || !write_all(fd, read_all(fd)))
		return failed("echo");
	shutdown(fd, SHUT_WR);
	/* Until the other side has read it. */
	read_all(fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "connect"))
		return do_connect(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "echo"))
		return do_echo(argv[2]);
	fprintf(stderr, "usage: vsock_peer connect CID PORT | echo PORT\n");
	return 2;
}
