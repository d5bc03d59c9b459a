// SPDX-License-Identifier: GPL-2.0-only
/* What an image is built from: words of the command line, packages, source list. Pure. */
#include "tools/src/vmctl/image.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

/*
 * The smallest system that boots, has a network, a login on the serial port and listens to the
 * power button (for which logind needs dbus).
 */
static const char base[] =
	"systemd-sysv,udev,dbus,kmod,initramfs-tools,e2fsprogs,iproute2,systemd-resolved,"
	"login,passwd";
static const char kernel[] = "linux-image-cloud-amd64";

static bool is_word(const char *s, const char *allowed, size_t max)
{
	size_t len = strlen(s);

	return len && len <= max && strspn(s, allowed) == len && strspn(s, LOWER DIGITS) > 0;
}

bool rd_image_valid_release(const char *s)
{
	return is_word(s, LOWER DIGITS "-.", 32);
}

bool rd_image_valid_package(const char *s)
{
	return is_word(s, LOWER DIGITS "+-.:=~", 128);
}

bool rd_image_valid_hostname(const char *s)
{
	return is_word(s, LOWER DIGITS "-", 63) && s[strlen(s) - 1] != '-';
}

bool rd_image_valid_password(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return len && len <= 128;
}

static bool append(char **text, const char *separator, const char *more)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s%s", *text ? *text : "", *text ? separator : "", more) < 0)
		return false;
	free(*text);
	*text = longer;
	return true;
}

char *rd_image_include(const struct rd_image_config *c)
{
	bool own_kernel = false, ok = true;
	char *all = NULL;

	for (unsigned int i = 0; i < c->n_packages; i++)
		own_kernel = own_kernel || !strncmp(c->packages[i], "linux-image-", 12);
	ok = append(&all, ",", base) && (own_kernel || append(&all, ",", kernel));
	for (unsigned int i = 0; i < c->n_packages && ok; i++)
		ok = append(&all, ",", c->packages[i]);
	if (ok)
		return all;
	free(all);
	return NULL;
}

/* RELEASE with SUFFIX as this host has it, or as it has that of its own release. */
static bool add_source(const struct rd_apt_sources *l, const char *release, const char *codename,
		       const char *suffix, char **text, bool *found)
{
	char suite[80], own[80];
	const struct rd_apt_source *s;
	char *paragraph;
	bool ok;

	snprintf(suite, sizeof(suite), "%s%s", release, suffix);
	snprintf(own, sizeof(own), "%s%s", codename ? codename : release, suffix);
	s = rd_apt_pick(l, suite);
	if (!s)
		s = rd_apt_pick(l, own);
	*found = s;
	if (!s)
		return true;
	paragraph = rd_apt_format(s, suite);
	ok = paragraph && append(text, "\n", paragraph);
	free(paragraph);
	return ok;
}

int rd_image_sources(const struct rd_apt_sources *l, const char *release, const char *codename,
		     char **out)
{
	char *text = NULL;
	bool main_found, found, ok;

	ok = add_source(l, release, codename, "", &text, &main_found) &&
	     add_source(l, release, codename, "-updates", &text, &found) &&
	     add_source(l, release, codename, "-security", &text, &found);
	if (ok && main_found) {
		*out = text;
		return RD_OK;
	}
	free(text);
	if (!ok)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	return rd_fail(RD_HOST_ERROR, "image: apt on this host has no Debian mirror with the suite "
		       "%s%s%s and the component main", release, codename ? " or " : "",
		       codename ? codename : "");
}
