// SPDX-License-Identifier: GPL-2.0-only
/*
 * Builds the image: mmdebstrap makes a tar file of the system, a script makes the file system of
 * it. All files are made in a directory beside the image, and moved to their names at the end;
 * the image last, so that it is never there without its kernel.
 */
#include "tools/src/vmctl/child.h"
#include "tools/src/vmctl/image.h"
#include "tools/src/vmctl/progress.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define APT_OPTIONS_MAX 16u
#define LINE_KEPT 400u

struct build {
	const struct rd_image_config *c;
	struct rd_interrupt in;
	struct rd_progress progress;
	char dir[PATH_MAX];		/* "": not made yet */
	char *options[APT_OPTIONS_MAX];	/* --aptopt=… */
	unsigned int n_options;
	char *include;
	unsigned int unpacked, set_up;
	char doing[LINE_KEPT];		/* "": nothing worth a line */
	char why[LINE_KEPT];		/* the line that explains a failure best */
	bool found_why;
};

static const struct {
	const char *made, *suffix;
} products[] = {
	{ "kernel", RD_IMAGE_KERNEL },
	{ "initrd", RD_IMAGE_INITRD },
	{ "image", "" },
};

static int name_in(char *path, const char *dir, const char *between, const char *file)
{
	int n = snprintf(path, PATH_MAX, "%s%s%s", dir, between, file);

	return n > 0 && n < PATH_MAX ? RD_OK : rd_fail(RD_USAGE, "%s: name too long", dir);
}

/* mmdebstrap's own lines say which step it is at, those of apt and dpkg how far it is. */
static void on_line(void *ctx, const char *line)
{
	struct build *b = ctx;
	char name[64];

	if (b->c->verbose)
		fprintf(stderr, "%s\n", line);
	if (!b->found_why)
		snprintf(b->why, sizeof(b->why), "%s", line);
	b->found_why = b->found_why || !strncmp(line, "E: ", 3);
	if (sscanf(line, "Unpacking %63s", name) == 1)
		snprintf(b->doing, sizeof(b->doing), "unpacking package %u, %s", ++b->unpacked,
			 name);
	else if (sscanf(line, "Setting up %63s", name) == 1)
		snprintf(b->doing, sizeof(b->doing), "setting up package %u, %s", ++b->set_up,
			 name);
	else if (sscanf(line, "Get:%63s", name) == 1)
		snprintf(b->doing, sizeof(b->doing), "download %s", name);
	else if (!strncmp(line, "I: ", 3) && strncmp(line, "I: /", 4) != 0 && !strchr(line, '\''))
		snprintf(b->doing, sizeof(b->doing), "%s", line + 3);
}

static void on_tick(void *ctx)
{
	struct build *b = ctx;

	if (!b->c->verbose && b->doing[0])
		rd_progress_say(&b->progress, b->doing);
}

/* A step that takes long. PACKAGE has the program. */
static int step(struct build *b, const char *const *argv, const char *dir, const char *package)
{
	struct rd_child c = { .argv = argv, .dir = dir, .line = on_line, .tick = on_tick,
			      .ctx = b };
	int status, result;

	b->found_why = false;
	b->why[0] = '\0';
	status = rd_child_run(&c, &b->in, &result);
	rd_progress_end(&b->progress);
	if (status || !result)
		return status;
	if (result == 127)
		return rd_fail(RD_HOST_ERROR, "image: %s is missing: install the package %s",
			       argv[0], package);
	return rd_fail(RD_HOST_ERROR, "image: %s failed with status %d: %s%s", argv[0], result,
		       b->why, b->c->verbose ? "" : " (--verbose shows all that it said)");
}

static int need(struct build *b, const char *program, const char *option, const char *package)
{
	const char *const argv[] = { program, option, NULL };

	return step(b, argv, NULL, package);
}

static void take_option(void *ctx, const char *line)
{
	struct build *b = ctx;
	size_t len = strlen(line);

	if (!rd_apt_option(line) || b->n_options == APT_OPTIONS_MAX || !len)
		return;
	if (asprintf(&b->options[b->n_options], "--aptopt=%.*s", (int)len - 1, line) >= 0)
		b->n_options++;
}

static int read_options(struct build *b)
{
	static const char *const argv[] = { "apt-config", "dump", "--no-empty", NULL };
	struct rd_child c = { .argv = argv, .own_errors = true, .line = take_option, .ctx = b };
	int status, result;

	status = rd_child_run(&c, &b->in, &result);
	if (status || !result)
		return status;
	return rd_fail(RD_HOST_ERROR, "image: apt-config failed: is this a Debian system?");
}

static void codename_of(char *name, size_t len)
{
	FILE *f = fopen("/etc/os-release", "re");
	char line[256];

	name[0] = '\0';
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VERSION_CODENAME=", 17))
			snprintf(name, len, "%.*s", (int)strcspn(line + 17, "\"\n"), line + 17);
	if (f)
		fclose(f);
}

static int write_sources(struct build *b, const char *path)
{
	struct rd_apt_sources l = { 0 };
	char codename[64], *text = NULL;
	int status;
	FILE *f;

	codename_of(codename, sizeof(codename));
	status = rd_apt_read(&l, b->c->apt_dir);
	if (!status)
		status = rd_image_sources(&l, b->c->release, *codename ? codename : NULL, &text);
	rd_apt_free(&l);
	if (status)
		return status;
	f = fopen(path, "we");
	if (!f || fputs(text, f) < 0)
		status = rd_fail(RD_HOST_ERROR, "%s: %s", path, strerror(errno));
	if (f && fclose(f) && !status)
		status = rd_fail(RD_HOST_ERROR, "%s: %s", path, strerror(errno));
	free(text);
	return status;
}

/* The packages of the archive, installed and set up, as root.tar. */
static int make_tar(struct build *b, const char *sources)
{
	char before[sizeof("--essential-hook=") + 2048], after[sizeof("--customize-hook=") + 2048];
	const char *argv[APT_OPTIONS_MAX + 12];
	char include[16384], tar[PATH_MAX];
	unsigned int n = 0;
	int status = name_in(tar, b->dir, "/", "root.tar");

	if (status)
		return status;
	snprintf(before, sizeof(before), "--essential-hook=%s", rd_image_before);
	snprintf(after, sizeof(after), "--customize-hook=%s", rd_image_after);
	snprintf(include, sizeof(include), "--include=%s", b->include);
	snprintf(b->doing, sizeof(b->doing), "starting mmdebstrap");
	argv[n++] = "mmdebstrap";
	argv[n++] = "--verbose";
	argv[n++] = "--variant=minbase";
	argv[n++] = "--format=tar";
	argv[n++] = "--architectures=amd64";
	argv[n++] = include;
	argv[n++] = before;
	argv[n++] = after;
	for (unsigned int i = 0; i < b->n_options; i++)
		argv[n++] = b->options[i];
	argv[n++] = b->c->release;
	argv[n++] = tar;
	argv[n++] = sources;
	argv[n] = NULL;
	return step(b, argv, NULL, "mmdebstrap");
}

/* Without privilege, in a user namespace as mmdebstrap's: files keep their owners. */
static int make_image(struct build *b)
{
	const char *argv[] = { "unshare", "--map-root-user", "--map-auto", "sh", "-c",
			       rd_image_finish, "sh", NULL, NULL };
	char size[32];

	snprintf(size, sizeof(size), "%llu", (unsigned long long)(b->c->size / RD_MIB));
	argv[7] = size;
	snprintf(b->doing, sizeof(b->doing), "making the file system");
	return step(b, geteuid() ? argv : argv + 3, b->dir, "util-linux");
}

static int refuse_existing(const struct rd_image_config *c)
{
	char path[PATH_MAX];
	struct stat st;
	int status;

	for (size_t i = 0; i < RD_ARRAY_SIZE(products); i++) {
		status = name_in(path, c->out, products[i].suffix, "");
		if (status)
			return status;
		if (lstat(path, &st)) {
			if (errno != ENOENT)
				return rd_fail(RD_HOST_ERROR, "%s: %s", path, strerror(errno));
		} else if (!S_ISREG(st.st_mode)) {
			return rd_fail(RD_USAGE, "%s: exists and is not a file", path);
		} else if (!c->force) {
			return rd_fail(RD_USAGE, "%s: exists; --force replaces it", path);
		}
	}
	return RD_OK;
}

static int make_dir(struct build *b)
{
	char suffix[32];
	int status;

	snprintf(suffix, sizeof(suffix), ".partial-%d", (int)getpid());
	status = name_in(b->dir, b->c->out, suffix, "");
	if (!status && mkdir(b->dir, 0755)) {
		status = rd_fail(RD_HOST_ERROR, "%s: %s", b->dir, strerror(errno));
		b->dir[0] = '\0';
	}
	return status;
}

static int move_products(struct build *b)
{
	unsigned int flags = b->c->force ? 0 : RENAME_NOREPLACE;
	char from[PATH_MAX], to[PATH_MAX];
	int status = rd_interrupt_status(&b->in);
	size_t i;

	for (i = 0; i < RD_ARRAY_SIZE(products) && !status; i++) {
		status = name_in(from, b->dir, "/", products[i].made);
		if (!status)
			status = name_in(to, b->c->out, products[i].suffix, "");
		if (!status && renameat2(AT_FDCWD, from, AT_FDCWD, to, flags))
			status = rd_fail(RD_HOST_ERROR, "%s: %s", to, strerror(errno));
	}
	/* Somebody made one of the files meanwhile: the ones before it are ours. */
	for (i = status && flags && i ? i - 1 : 0; i--;)
		if (!name_in(to, b->c->out, products[i].suffix, ""))
			unlink(to);
	return status;
}

static void clean_up(struct build *b)
{
	static const char *const left[] = { "debian.sources", "root.tar", "kernel", "initrd",
					    "image" };
	char path[PATH_MAX];

	for (size_t i = 0; i < RD_ARRAY_SIZE(left) && b->dir[0]; i++)
		if (snprintf(path, sizeof(path), "%s/%s", b->dir, left[i]) < PATH_MAX)
			unlink(path);
	if (b->dir[0])
		rmdir(b->dir);
	for (unsigned int i = 0; i < b->n_options; i++)
		free(b->options[i]);
	free(b->include);
	rd_interrupt_close(&b->in);
}

static int build(struct build *b)
{
	char sources[PATH_MAX];
	int status = refuse_existing(b->c);

	if (!status)
		status = need(b, "mmdebstrap", "--version", "mmdebstrap");
	if (!status)
		status = need(b, "mke2fs", "-V", "e2fsprogs");
	if (!status)
		status = read_options(b);
	if (!status)
		status = make_dir(b);
	if (!status)
		status = name_in(sources, b->dir, "/", "debian.sources");
	if (!status)
		status = write_sources(b, sources);
	if (!status)
		status = make_tar(b, sources);
	if (!status)
		status = make_image(b);
	if (!status)
		status = move_products(b);
	if (!status)
		printf("%s: Debian %s, with %s%s and %s%s\n", b->c->out, b->c->release, b->c->out,
		       RD_IMAGE_KERNEL, b->c->out, RD_IMAGE_INITRD);
	return status;
}

/* mke2fs is there, and users do not have it in their PATH. */
static void add_sbin(void)
{
	const char *path = getenv("PATH");
	char *longer = NULL;

	if (asprintf(&longer, "%s:/usr/sbin:/sbin", path ? path : "/usr/bin:/bin") < 0)
		return;
	setenv("PATH", longer, 1);
	free(longer);
}

int rd_image_build(const struct rd_image_config *c)
{
	struct build b = { .c = c, .include = rd_image_include(c), .in = { .fd = -1 } };
	int status;

	if (!b.include)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	add_sbin();
	setenv("RD_IMAGE_HOSTNAME", c->hostname, 1);
	setenv("RD_IMAGE_PASSWORD", c->password ? c->password : "", 1);
	rd_progress_start(&b.progress, "image");
	status = rd_interrupt_open(&b.in);
	if (!status)
		status = build(&b);
	clean_up(&b);
	return status;
}
