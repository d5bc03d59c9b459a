// SPDX-License-Identifier: GPL-2.0-only
/* vmctl image: from the command line to a checked description of the image. */
#include "tools/src/vmctl/commands.h"
#include "tools/src/vmctl/image.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

#define SIZE_MIN (1 * RD_GIB)
#define SIZE_MAX_TIB 16u

static int set_release(void *ctx, const char *v)
{
	((struct rd_image_config *)ctx)->release = v;
	if (rd_image_valid_release(v))
		return RD_OK;
	return rd_fail(RD_USAGE, "--release: a name such as bookworm, not \"%s\"", v);
}

static int set_size(void *ctx, const char *v)
{
	struct rd_image_config *c = ctx;

	if (rd_parse_size(v, &c->size) && c->size >= SIZE_MIN &&
	    c->size <= (uint64_t)SIZE_MAX_TIB << 40 && c->size % RD_MIB == 0)
		return RD_OK;
	return rd_fail(RD_USAGE, "--size: whole MiB from 1G to %uT, not \"%s\"", SIZE_MAX_TIB, v);
}

static int add_package(void *ctx, const char *v)
{
	struct rd_image_config *c = ctx;

	if (!rd_image_valid_package(v))
		return rd_fail(RD_USAGE, "--package: the name of a package, not \"%s\"", v);
	if (c->n_packages == RD_IMAGE_PACKAGES_MAX)
		return rd_fail(RD_USAGE, "--package: at most %u", RD_IMAGE_PACKAGES_MAX);
	c->packages[c->n_packages++] = v;
	return RD_OK;
}

static int set_hostname(void *ctx, const char *v)
{
	((struct rd_image_config *)ctx)->hostname = v;
	if (rd_image_valid_hostname(v))
		return RD_OK;
	return rd_fail(RD_USAGE, "--hostname: up to 63 of the characters a-z 0-9 -, not \"%s\"", v);
}

static int set_password(void *ctx, const char *v)
{
	((struct rd_image_config *)ctx)->password = v;
	if (rd_image_valid_password(v))
		return RD_OK;
	return rd_fail(RD_USAGE, "--root-password: 1 to 128 characters of a line");
}

static int set_force(void *ctx, const char *v)
{
	(void)v;
	((struct rd_image_config *)ctx)->force = true;
	return RD_OK;
}

static int set_verbose(void *ctx, const char *v)
{
	(void)v;
	((struct rd_image_config *)ctx)->verbose = true;
	return RD_OK;
}

static const struct rd_opt image_opts[] = {
	{ "release", "NAME", "Debian release, bookworm or newer (default: bookworm)", set_release },
	{ "size", "SIZE", "size of the disk, with suffix M, G or T (default: 4G)", set_size },
	{ "package", "NAME", "install this, too; linux-image-… instead of the cloud kernel",
	  add_package },
	{ "hostname", "NAME", "the guest's name (default: debian)", set_hostname },
	{ "root-password", "PASSWORD", "default: root logs in without one", set_password },
	{ "force", NULL, "replace what is there", set_force },
	{ "verbose", NULL, "show all that the tools say instead of a progress line", set_verbose },
	{ NULL, NULL, NULL, NULL },
};

static int run(const struct rd_command *self, int argc, char **argv)
{
	struct rd_image_config config = {
		.release = "bookworm",
		.hostname = "debian",
		.apt_dir = "/etc/apt",
		.size = 4 * RD_GIB,
	};
	int operands;
	int status = rd_opts_parse(self, &config, argc, argv, &operands);

	if (status)
		return status == RD_OPTS_HELP ? RD_OK : status;
	if (operands && strcmp(argv[0], "debian") != 0)
		return rd_fail(RD_USAGE, "image: only \"debian\" can be built, not \"%s\"",
			       argv[0]);
	if (operands != 2 || !*argv[1])
		return rd_fail(RD_USAGE, "image: \"debian\" and the file to make are needed");
	config.out = argv[1];
	return rd_image_build(&config);
}

const struct rd_command rd_cmd_image = {
	.name = "image",
	.args = "debian OUT [OPTION]...",
	.summary = "Build a disk image with Debian on it, which run --disk boots",
	.opts = image_opts,
	.run = run,
};
