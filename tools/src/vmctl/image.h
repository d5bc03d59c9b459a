/* SPDX-License-Identifier: GPL-2.0-only */
/* A disk image with Debian on it, and the kernel and initrd that boot it beside it. */
#ifndef RD_TOOLS_IMAGE_H
#define RD_TOOLS_IMAGE_H

#include "tools/src/vmctl/apt.h"

#include <stdbool.h>
#include <stdint.h>

#define RD_IMAGE_PACKAGES_MAX 256u
#define RD_IMAGE_KERNEL ".kernel"	/* behind the image's name */
#define RD_IMAGE_INITRD ".initrd"

struct rd_image_config {
	const char *out;
	const char *release;
	const char *hostname;
	const char *password;	/* of root; NULL: none is asked for */
	const char *apt_dir;
	uint64_t size;		/* bytes, a multiple of 1 MiB */
	const char *packages[RD_IMAGE_PACKAGES_MAX];
	unsigned int n_packages;
	bool force;
	bool verbose;
};

/* rd_image_valid_release, … - whether the word may go into a command line and into the image. */
bool rd_image_valid_release(const char *s);
bool rd_image_valid_package(const char *s);
bool rd_image_valid_hostname(const char *s);
bool rd_image_valid_password(const char *s);

/*
 * rd_image_sources - a new string, the source list for RELEASE with its updates and security
 * fixes, from those of this host. Where it has no such release, the mirror of its own release
 * CODENAME is taken, which may be NULL. A status.
 */
int rd_image_sources(const struct rd_apt_sources *l, const char *release, const char *codename,
		     char **out);

/*
 * rd_image_include - a new string, all packages with a comma between them; NULL: no memory.
 */
char *rd_image_include(const struct rd_image_config *c);

/* rd_image_build - the whole work. Whatever goes wrong, nothing is left of it. A status. */
int rd_image_build(const struct rd_image_config *c);

/* The shell scripts that image_build.c has run; see there. */
extern const char rd_image_before[], rd_image_after[], rd_image_finish[];

#endif
