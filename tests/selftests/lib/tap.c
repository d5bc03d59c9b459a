// SPDX-License-Identifier: GPL-2.0-only
/*
 * The harness: each test runs in a forked child that leads its own process group, so that a
 * crash, a hang or stray threads of one test never reach the next. The child says how it ended by
 * its exit status; the reason of a skip travels in a page shared with the parent.
 */
#include "tests/selftests/lib/rdt_priv.h"

#include <fnmatch.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

enum { EXIT_PASS = 0, EXIT_FAIL = 1, EXIT_SKIP = 77, DEFAULT_SECONDS = 5 };

static const char *device;
static int time_scale;
static const struct rdt_test *current;
static char *skip_reason;
static const char **options;
static int option_count;
volatile sig_atomic_t rdt_expired;

static void say(const char *file, int line, const char *fmt, va_list ap)
{
	char text[1024];
	int n = 0;

	if (file)
		n = snprintf(text, sizeof(text), "%s:%d: ", file, line);
	vsnprintf(text + n, sizeof(text) - n, fmt, ap);
	/* One write per line: the lines of several threads must not mix. */
	for (char *p = text, *next; p; p = next) {
		next = strchr(p, '\n');
		if (next)
			*next++ = 0;
		dprintf(STDOUT_FILENO, "# %s\n", p);
	}
}

void rdt_fail_at(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(file, line, fmt, ap);
	va_end(ap);
	_exit(EXIT_FAIL);
}

void rdt_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(NULL, 0, fmt, ap);
	va_end(ap);
}

void rdt_skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(skip_reason, 4096, fmt, ap);
	va_end(ap);
	_exit(EXIT_SKIP);
}

void rdt_pass(void)
{
	_exit(EXIT_PASS);
}

const void *rdt_arg(void)
{
	return current->arg;
}

const char *rdt_device(void)
{
	return device;
}

bool rdt_is_stock(void)
{
	return !strcmp(device, "/dev/kvm");
}

int rdt_time_scale(void)
{
	return time_scale;
}

const char *rdt_option(const char *key)
{
	for (int i = 0; i + 1 < option_count; i += 2)
		if (!strcmp(options[i], key))
			return options[i + 1];
	return NULL;
}

long rdt_quarantine_kb(void)
{
	FILE *f;
	long total;

	if (access("/sys/kernel/debug/kmemleak", F_OK))
		return 0;
	f = fopen("/proc/meminfo", "re");
	if (!f || fscanf(f, "MemTotal: %ld", &total) != 1)
		total = 0;
	if (f)
		fclose(f);
	return total / 32;
}

bool rdt_is_emulated(void)
{
	uint32_t a, b, c, d;

	__asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "0"(0x40000000), "2"(0));
	return b == 0x54474354;		/* "TCGT" */
}

static void on_alarm(int sig)
{
	(void)sig;
	rdt_expired = 1;
	rdt_kick_all();
}

static void child(const struct rdt_test *t, int seconds)
{
	struct sigaction sa = { .sa_handler = on_alarm };

	setpgid(0, 0);
	sigaction(SIGALRM, &sa, NULL);
	current = t;
	alarm(seconds);
	t->fn();
	_exit(EXIT_PASS);
}

/* Wait for the child, at most until its alarm has had time to work. */
static int wait_child(pid_t pid, int seconds, bool *killed)
{
	struct timespec now, end;
	sigset_t set;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += seconds + 3;
	*killed = false;
	for (;;) {
		struct timespec left = { 0, 200000000 };

		if (waitpid(pid, &status, WNOHANG) == pid)
			break;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec >= end.tv_sec && !*killed) {
			*killed = true;
			kill(-pid, SIGKILL);
			kill(pid, SIGKILL);
		}
		sigtimedwait(&set, NULL, &left);
	}
	kill(-pid, SIGKILL);	/* what the test has left running */
	return status;
}

/* Run one test; give 1 when it failed. */
static int run_one(const struct rdt_test *t, int number)
{
	int seconds = (t->seconds ? t->seconds : DEFAULT_SECONDS) * time_scale, status;
	bool killed;
	pid_t pid;

	*skip_reason = 0;
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		printf("not ok %d - %s\n# fork: %s\n", number, t->name, strerror(errno));
		return 1;
	}
	if (!pid)
		child(t, seconds);
	status = wait_child(pid, seconds, &killed);
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PASS) {
		printf("ok %d - %s\n", number, t->name);
		return 0;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIP) {
		printf("ok %d - %s # SKIP %s\n", number, t->name, skip_reason);
		return 0;
	}
	if (killed)
		printf("# no end after %d s, killed\n", seconds);
	else if (WIFSIGNALED(status))
		printf("# died of signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
	printf("not ok %d - %s\n", number, t->name);
	return 1;
}

static bool selected(const char *name, char **patterns, int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(patterns[i], name) || !fnmatch(patterns[i], name, 0))
			return true;
	return !n;
}

static int usage(const char *prog, const char *what)
{
	fprintf(stderr, "%s: %s\nusage: %s [--device NODE] [--list] [--timeout-scale N] [TEST…]\n",
		prog, what, prog);
	return 2;
}

/* A host whose kernel checks itself is slower by a factor that tests/selftests/run gives. */
static int slow_host(void)
{
	const char *slow = getenv("RD_SLOW");
	int n = slow ? atoi(slow) : 1;

	return n < 1 ? 1 : n;
}

/* Take the options out of argv; give how many names are left, or -1. */
static int parse(int argc, char **argv, bool *list)
{
	int names = 0;

	device = getenv("RD_DEVICE");
	if (!device || !*device)
		device = "/dev/redoubt";
	time_scale = getenv("RD_TIMEOUT_SCALE") ? atoi(getenv("RD_TIMEOUT_SCALE")) : 0;
	options = calloc(argc + 1, sizeof(*options));
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--list")) {
			*list = true;
		} else if (strncmp(argv[i], "--", 2)) {
			argv[names++] = argv[i];
		} else if (i + 1 == argc) {
			return -1;
		} else if (!strcmp(argv[i], "--device")) {
			device = argv[++i];
		} else if (!strcmp(argv[i], "--timeout-scale")) {
			time_scale = atoi(argv[++i]);
		} else {
			options[option_count++] = argv[i] + 2;
			options[option_count++] = argv[++i];
		}
	}
	if (time_scale < 1)
		time_scale = (rdt_is_emulated() ? 6 : 1) * slow_host();
	return names;
}

int rdt_main(int argc, char **argv, const struct rdt_test *tests, size_t count)
{
	int names, number = 0, failed = 0, total = 0;
	const char *prog = argv[0];
	bool list = false;
	sigset_t set;

	names = parse(argc, argv, &list);
	if (names < 0)
		return usage(prog, "an option lacks its value");
	for (size_t i = 0; i < count; i++) {
		if (!selected(tests[i].name, argv, names))
			continue;
		total++;
		if (list)
			printf("%s\n", tests[i].name);
	}
	if (list)
		return 0;
	if (!total)
		return usage(prog, "no such test");
	skip_reason = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%d\n", total);
	for (size_t i = 0; i < count; i++)
		if (selected(tests[i].name, argv, names))
			failed += run_one(&tests[i], ++number);
	return failed ? 1 : 0;
}
