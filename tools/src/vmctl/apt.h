/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where this host gets its Debian packages from: what apt's source lists and settings say, so that
 * an image is built from the same mirror. Nothing here runs apt.
 */
#ifndef RD_TOOLS_APT_H
#define RD_TOOLS_APT_H

#include <stdbool.h>
#include <stddef.h>

/* One archive: a mirror and a suite. The strings belong to the list. */
struct rd_apt_source {
	char *uri;
	char *suite;
	char *components;	/* separated by blanks */
	char *signed_by;	/* NULL: not said; may be a key, of several lines */
	bool trusted;		/* apt is told not to ask for a signature */
};

struct rd_apt_sources {
	struct rd_apt_source *entries;
	size_t n;
};

/*
 * rd_apt_parse - add the binary archives that TEXT, one source list, names: in deb822 form, or one
 * per line. What is switched off, is not understood or is on a CD is passed over, as it is of no
 * use here. False only without memory.
 */
bool rd_apt_parse(struct rd_apt_sources *l, const char *text, bool deb822);

/* rd_apt_read - the source lists under DIR, which is /etc/apt. A status. */
int rd_apt_read(struct rd_apt_sources *l, const char *dir);
void rd_apt_free(struct rd_apt_sources *l);

/* rd_apt_pick - the first archive of exactly this suite that has the component main, or NULL. */
const struct rd_apt_source *rd_apt_pick(const struct rd_apt_sources *l, const char *suite);

/* rd_apt_format - a new string, a deb822 paragraph for SUITE of this archive; NULL: no memory. */
char *rd_apt_format(const struct rd_apt_source *s, const char *suite);

/*
 * rd_apt_option - whether LINE, of `apt-config dump`, is a setting without which the mirror might
 * not work: proxies, and the age that an archive's index may have.
 */
bool rd_apt_option(const char *line);

#endif
