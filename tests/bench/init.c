// SPDX-License-Identifier: GPL-2.0-only
/*
 * First process of the guests of the benchmark. By its first argument, which the kernel takes from
 * behind "--" of its command line:
 *   none       says that it is there: the boot is timed
 *   disk       times random reads of 4 KiB from /dev/vda, past the page cache
 *   net PORT   sends a stream to that port of the host; the other end takes the time
 * Then it powers off. Modules in /modules are loaded first.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <net/if.h>
#include <net/route.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { REPS = 3, READS = 1000, BLOCK = 4096, DISK_BLOCKS = 16384, CHUNK = 64 << 10 };

static int console = 1;

static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(console, format, args);
	va_end(args);
}

static void die(const char *what)
{
	say("\nBENCH failed: %s: %s\n", what, strerror(errno));
	reboot(RB_POWER_OFF);
	_exit(1);
}

static uint64_t ticks(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi) : : "memory");
	return (uint64_t)hi << 32 | lo;
}

static void load_modules(void)
{
	glob_t g;

	if (glob("/modules/*.ko", 0, NULL, &g))
		return;
	for (size_t i = 0; i < g.gl_pathc; i++) {
		int fd = open(g.gl_pathv[i], O_RDONLY);

		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0))
			die(g.gl_pathv[i]);
		close(fd);
	}
	globfree(&g);
}

/* The same places on every run: xorshift, Marsaglia 2003. */
static uint32_t place(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x % DISK_BLOCKS;
}

static void disk(void)
{
	uint64_t figure[REPS + 1];
	uint32_t x = 2463534242;
	void *buf = NULL;
	int fd;

	if (mount("dev", "/dev", "devtmpfs", 0, NULL) && errno != EBUSY)
		die("devtmpfs");
	fd = open("/dev/vda", O_RDONLY | O_DIRECT);
	if (fd < 0 || posix_memalign(&buf, BLOCK, BLOCK))
		die("/dev/vda");
	/* The first round warms both sides up. */
	for (int rep = 0; rep <= REPS; rep++) {
		uint64_t start = ticks();

		for (int i = 0; i < READS; i++)
			if (pread(fd, buf, BLOCK, (off_t)place(&x) * BLOCK) != BLOCK)
				die("read");
		figure[rep] = (ticks() - start) / READS;
	}
	say("\nBENCH figures %d %llu %llu %llu\n", READS, (unsigned long long)figure[1],
	    (unsigned long long)figure[2], (unsigned long long)figure[3]);
}

static void address(int fd, unsigned long request, struct ifreq *r, const char *text)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&r->ifr_addr;

	in->sin_family = AF_INET;
	in->sin_addr.s_addr = inet_addr(text);
	if (ioctl(fd, request, r))
		die("eth0");
}

/* User mode's network as docs/virtio.md describes it. */
static void net(int port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr.s_addr = inet_addr("10.0.2.2") };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct ifreq r = { .ifr_name = "eth0" };
	static char chunk[CHUNK];
	ssize_t n;

	address(fd, SIOCSIFADDR, &r, "10.0.2.15");
	address(fd, SIOCSIFNETMASK, &r, "255.255.255.0");
	if (ioctl(fd, SIOCGIFFLAGS, &r))
		die("eth0");
	r.ifr_flags |= IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &r))
		die("eth0");
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
		die("connect");
	do {
		n = write(fd, chunk, sizeof(chunk));
	} while (n > 0);
}

int main(int argc, char **argv)
{
	console = open("/dev/console", O_WRONLY);
	if (console < 0)
		console = 1;
	load_modules();
	/* The kernel puts words of its command line that it does not know before ours. */
	while (argc > 1 && strcmp(argv[1], "disk") && strcmp(argv[1], "net")) {
		argv++;
		argc--;
	}
	if (argc > 1 && !strcmp(argv[1], "disk"))
		disk();
	else if (argc > 2 && !strcmp(argv[1], "net"))
		net(atoi(argv[2]));
	else
		say("\nBENCH init\n");
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}
