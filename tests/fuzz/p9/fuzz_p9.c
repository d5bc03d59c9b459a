// SPDX-License-Identifier: GPL-2.0-only
/*
 * A 9P client that sends what it likes: messages that are nearly right, cut off, or bytes; and
 * snapshots of its session, as they were written or damaged.
 * Invariant checked: no crash, no access outside the message and the room for the answer, an answer
 * is as long as it says, no descriptor is lost, what lies beside the folder stays as it is, and so
 * does all of a read-only folder.
 */
#include "tools/src/vmctl/p9.h"
#include "tools/src/vmctl/p9_wire.h"
#include "tools/src/vmctl/pack.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 24u
#define FILE_MAX (1u << 20)
#define CLEAN_EVERY 2000u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
	const uint8_t *data;
	size_t size, at;
} in;

static char top[] = "/tmp/rd-fuzz-p9-XXXXXX";
static struct rd_p9 *servers[2]; /* the second one is read-only */
static unsigned int inputs;
static uint8_t message[1024];

static const struct {
	uint8_t type;
	const char *form;
} forms[] = {
	{ RD_P9_TSTATFS, "d" },
	{ RD_P9_TLOPEN, "dd" },
	{ RD_P9_TLCREATE, "dsddd" },
	{ RD_P9_TSYMLINK, "dssd" },
	{ RD_P9_TMKNOD, "dsdddd" },
	{ RD_P9_TRENAME, "dds" },
	{ RD_P9_TREADLINK, "d" },
	{ RD_P9_TGETATTR, "dq" },
	{ RD_P9_TSETATTR, "dddddqqqqq" },
	{ RD_P9_TXATTRWALK, "dds" },
	{ RD_P9_TXATTRCREATE, "dsqd" },
	{ RD_P9_TREADDIR, "dqd" },
	{ RD_P9_TFSYNC, "dd" },
	{ RD_P9_TLOCK, "dbdqqds" },
	{ RD_P9_TGETLOCK, "dbqqds" },
	{ RD_P9_TLINK, "dds" },
	{ RD_P9_TMKDIR, "dsdd" },
	{ RD_P9_TRENAMEAT, "dsds" },
	{ RD_P9_TUNLINKAT, "dsd" },
	{ RD_P9_TVERSION, "dv" },
	{ RD_P9_TAUTH, "dss" },
	{ RD_P9_TATTACH, "dfssd" },
	{ RD_P9_TFLUSH, "w" },
	{ RD_P9_TWALK, "ddwsss" },
	{ RD_P9_TREAD, "dqd" },
	{ RD_P9_TWRITE, "dqdqq" },
	{ RD_P9_TCLUNK, "d" },
	{ RD_P9_TREMOVE, "d" },
};

static const char *const names[] = { "file", "sub", "out", "dirout",	"new", "pipe",
				     "..",   ".",   "/",   "../beside", "a/b", "" };

static void die(const char *what)
{
	fprintf(stderr, "fuzz p9: %s\n", what);
	abort();
}

static uint8_t take(void)
{
	return in.at < in.size ? in.data[in.at++] : 0;
}

static uint64_t take_n(unsigned int n)
{
	uint64_t v = 0;

	while (n--)
		v = v << 8 | take();
	return v;
}

static const char *path(const char *name)
{
	static char p[128];

	snprintf(p, sizeof(p), "%s/%s", top, name);
	return p;
}

static void make(const char *name, const char *text)
{
	FILE *f = fopen(path(name), "w");

	if (!f || fputs(text, f) < 0 || fclose(f))
		die("no file");
}

static int remove_one(const char *p, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	if (ftw->level)
		remove(p);
	return 0;
}

static void fill(void)
{
	chmod(path("in"), 0755);
	nftw(path("in"), remove_one, 8, FTW_DEPTH | FTW_PHYS);
	mkdir(path("in/sub"), 0755);
	make("in/file", "0123456789");
	if (symlink("../beside", path("in/out")) || symlink("..", path("in/dirout")) ||
	    mkfifo(path("in/pipe"), 0600))
		die("no folder");
}

static void clean(void)
{
	nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	rmdir(top);
}

static struct rd_p9 *open_server(const char *folder, bool read_only)
{
	int fd = open(path(folder), O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct rd_p9 *s = fd < 0 ? NULL : rd_p9_new(fd, read_only, FILES_MAX);

	if (!s)
		die("no server");
	return s;
}

static void setup(void)
{
	struct rlimit l = { FILE_MAX, FILE_MAX };

	signal(SIGXFSZ, SIG_IGN);
	if (!mkdtemp(top) || mkdir(path("in"), 0755) || mkdir(path("ro"), 0755))
		die("no directory");
	atexit(clean);
	make("beside", "beside");
	make("ro/file", "0123456789");
	fill();
	servers[0] = open_server("in", false);
	servers[1] = open_server("ro", true);
	setrlimit(RLIMIT_FSIZE, &l);
}

static void put_name(struct rd_p9_out *out)
{
	uint8_t which = take();
	char raw[16];

	if (which < 0xe0) {
		const char *name = names[which % (sizeof(names) / sizeof(names[0]))];

		rd_p9_put_string(out, name, strlen(name));
		return;
	}
	for (unsigned int i = 0; i < which % 16u; i++)
		raw[i] = (char)take();
	rd_p9_put_string(out, raw, which % 16u);
}

/* Handles and flags are small numbers most of the time. */
static void put_field(struct rd_p9_out *out, char kind)
{
	uint8_t how;

	switch (kind) {
	case 'b':
		rd_p9_put(out, 1, take());
		break;
	case 'w':
		rd_p9_put(out, 2, take() % 5);
		break;
	case 'd':
		how = take();
		rd_p9_put(out, 4, how < 0xc0 ? how % 6 : how < 0xe0 ? take_n(2) : take_n(4));
		break;
	case 'q':
		how = take();
		rd_p9_put(out, 8, how < 0xe0 ? how : take_n(8));
		break;
	case 'f':
		rd_p9_put(out, 4, RD_P9_NO_FID);
		break;
	case 'v':
		rd_p9_put_string(out, "9P2000.L", 8);
		break;
	default:
		put_name(out);
	}
}

static size_t build(void)
{
	struct rd_p9_out out = { .p = message, .room = sizeof(message) };
	uint8_t which = take(), how = take();
	const char *form = forms[which % (sizeof(forms) / sizeof(forms[0]))].form;
	size_t len;

	rd_p9_put(&out, 4, 0);
	rd_p9_put(&out, 1,
		  how < 0xf8 ? forms[which % (sizeof(forms) / sizeof(forms[0]))].type : take());
	rd_p9_put(&out, 2, how);
	while (*form)
		put_field(&out, *form++);
	len = out.at;
	/* Now and then longer or shorter than it should be, or than it says. */
	if (how % 16 == 15)
		len = len + take() % 8 - 4;
	out.at = 0;
	rd_p9_put(&out, 4, how % 32 == 30 ? take_n(2) : len);
	return len;
}

static void ask(struct rd_p9 *s, size_t len, size_t room)
{
	uint8_t *exact = malloc(len), *answer = malloc(room);
	size_t n;

	memcpy(exact, message, len);
	n = rd_p9_serve(s, exact, len, answer, room);
	if (n > room || (n && (n < RD_P9_HEAD || (answer[0] | answer[1] << 8 | answer[2] << 16 |
						  (uint32_t)answer[3] << 24) != n)))
		die("an answer is not as long as it says");
	free(answer);
	free(exact);
}

static void start_session(struct rd_p9 *s)
{
	struct rd_p9_out out = { .p = message, .room = sizeof(message) };

	rd_p9_put(&out, 4, 21);
	rd_p9_put(&out, 1, RD_P9_TVERSION);
	rd_p9_put(&out, 2, 0xffff);
	rd_p9_put(&out, 4, 8192);
	rd_p9_put_string(&out, "9P2000.L", 8);
	ask(s, 21, 8192);
	out.at = 0;
	rd_p9_put(&out, 4, 23);
	rd_p9_put(&out, 1, RD_P9_TATTACH);
	rd_p9_put(&out, 2, 0);
	rd_p9_put(&out, 4, 0);
	rd_p9_put(&out, 4, RD_P9_NO_FID);
	rd_p9_put(&out, 8, 0);
	ask(s, 23, 8192);
}

/* Save and load; now and then what a file makes of it, which may end the session. */
static void through_a_snapshot(struct rd_p9 *s)
{
	struct rd_pack saved, p;
	unsigned int damage = take() & 7;

	rd_pack_save(&saved);
	rd_p9_transfer(s, &saved);
	if (!rd_pack_ok(&saved))
		die("a session cannot be saved");
	for (unsigned int i = damage; i; i--) {
		size_t at = take_n(2) % saved.len;

		saved.data[at] = take();
	}
	rd_pack_load(&p, saved.data, saved.len);
	rd_p9_transfer(s, &p);
	if (!rd_pack_ok(&p) && !damage)
		die("a session is refused that was saved");
	rd_pack_free(&saved);
}

static bool holds(const char *name, const char *text)
{
	char got[32] = "";
	int fd = open(path(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	bool same;

	same = fd >= 0 && !fstat(fd, &st) && st.st_nlink == 1 &&
	       read(fd, got, sizeof(got) - 1) >= 0 && !strcmp(got, text);
	if (fd >= 0)
		close(fd);
	return same;
}

static int lowest_free(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rd_p9 *s;
	int free_before;

	if (!servers[0])
		setup();
	if (++inputs % CLEAN_EVERY == 0)
		fill();
	in.data = data;
	in.size = size;
	in.at = 0;
	s = servers[take() & 1];
	free_before = lowest_free();
	start_session(s);
	while (in.at < in.size) {
		if (take() >= 0xf8)
			through_a_snapshot(s);
		else
			ask(s, build(), take() & 1 ? 8192 : take());
	}
	rd_p9_reset(s);
	if (lowest_free() != free_before)
		die("a descriptor is lost");
	if (!holds("beside", "beside"))
		die("what is beside the folder has changed");
	if (!holds("ro/file", "0123456789"))
		die("a read-only file has changed");
	return 0;
}
