// SPDX-License-Identifier: GPL-2.0-only
/* apt's source lists: both forms end in the same entries, one per mirror and suite. */
#include "tools/src/vmctl/apt.h"

#include "tools/src/vmctl/util.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLANKS " \t\r"
#define LIST_MAX (1u << 20)	/* bytes of a source list */

/* What one paragraph or line says. */
struct stanza {
	char *types, *uris, *suites, *components, *signed_by;
	bool trusted, disabled;
};

static void stanza_free(struct stanza *s)
{
	free(s->types);
	free(s->uris);
	free(s->suites);
	free(s->components);
	free(s->signed_by);
	memset(s, 0, sizeof(*s));
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; *(p += strspn(p, BLANKS "\n")); p += strcspn(p, BLANKS "\n"))
		if (strcspn(p, BLANKS "\n") == len && !memcmp(p, word, len))
			return true;
	return false;
}

static bool yes(const char *value)
{
	return !strcasecmp(value, "yes") || !strcasecmp(value, "true") || !strcmp(value, "1");
}

static bool no(const char *value)
{
	return !strcasecmp(value, "no") || !strcasecmp(value, "false") || !strcmp(value, "0");
}

static bool add(struct rd_apt_sources *l, const struct stanza *s, const char *uri, size_t uri_len,
		const char *suite, size_t suite_len)
{
	struct rd_apt_source *grown = reallocarray(l->entries, l->n + 1, sizeof(*grown));
	struct rd_apt_source *e;

	if (!grown)
		return false;
	l->entries = grown;
	e = &grown[l->n++];
	*e = (struct rd_apt_source){
		.uri = strndup(uri, uri_len),
		.suite = strndup(suite, suite_len),
		.components = strdup(s->components),
		.signed_by = s->signed_by ? strdup(s->signed_by) : NULL,
		.trusted = s->trusted,
	};
	return e->uri && e->suite && e->components && (e->signed_by || !s->signed_by);
}

/* Every mirror with every suite. Suites that end in a slash are no Debian archives. */
static bool add_stanza(struct rd_apt_sources *l, const struct stanza *s)
{
	if (s->disabled || !s->types || !s->uris || !s->suites || !s->components ||
	    !has_word(s->types, "deb"))
		return true;
	for (const char *u = s->uris; *(u += strspn(u, BLANKS "\n"));) {
		size_t uri_len = strcspn(u, BLANKS "\n");

		for (const char *p = s->suites; *(p += strspn(p, BLANKS "\n"));) {
			size_t len = strcspn(p, BLANKS "\n");

			if (p[len - 1] != '/' && strncasecmp(u, "cdrom:", 6) != 0 &&
			    !add(l, s, u, uri_len, p, len))
				return false;
			p += len;
		}
		u += uri_len;
	}
	return true;
}

/* The value is kept as it is written: it goes back into a list of the same form. */
static bool set(char **field, const char *value)
{
	free(*field);
	*field = strdup(value);
	return *field;
}

static bool set_field(struct stanza *s, const char *name, const char *value)
{
	if (!strcasecmp(name, "Types"))
		return set(&s->types, value);
	if (!strcasecmp(name, "URIs"))
		return set(&s->uris, value);
	if (!strcasecmp(name, "Suites"))
		return set(&s->suites, value);
	if (!strcasecmp(name, "Components"))
		return set(&s->components, value);
	if (!strcasecmp(name, "Signed-By"))
		return set(&s->signed_by, value);
	if (!strcasecmp(name, "Trusted"))
		s->trusted = yes(value);
	else if (!strcasecmp(name, "Enabled"))
		s->disabled = no(value);
	return true;
}

static void strip(char *s)
{
	size_t len = strlen(s);

	while (len && strchr(BLANKS "\n", s[len - 1]))
		s[--len] = '\0';
}

static void drop_comments(char *text)
{
	char *to = text;

	for (char *from = text; *from;) {
		size_t len = strcspn(from, "\n");

		len += from[len] == '\n';
		if (*from != '#') {
			memmove(to, from, len);
			to += len;
		}
		from += len;
	}
	*to = '\0';
}

/* Cut off the field that *TEXT begins with: lines that begin with a blank go on with it. */
static char *take_field(char **text)
{
	char *start = *text, *end = start;

	do {
		end = strchrnul(end, '\n');
		if (!*end) {
			*text = end;
			return start;
		}
		end++;
	} while (*end == ' ' || *end == '\t');
	end[-1] = '\0';
	*text = end;
	return start;
}

static bool parse_deb822(struct rd_apt_sources *l, char *text)
{
	struct stanza s = { 0 };
	bool ok = true;

	drop_comments(text);
	while (*text && ok) {
		char *field = take_field(&text), *colon;

		strip(field);
		if (!*field) {
			ok = add_stanza(l, &s);
			stanza_free(&s);
			continue;
		}
		colon = strchr(field, ':');
		if (!colon)
			continue;
		*colon = '\0';
		ok = set_field(&s, field, colon + 1 + strspn(colon + 1, BLANKS));
	}
	ok = ok && add_stanza(l, &s);
	stanza_free(&s);
	return ok;
}

/* [signed-by=… trusted=yes …] */
static bool parse_options(struct stanza *s, char *options)
{
	bool ok = true;
	char *at = NULL;

	for (char *o = strtok_r(options, BLANKS, &at); o && ok; o = strtok_r(NULL, BLANKS, &at)) {
		char *equals = strchr(o, '=');

		if (!equals)
			continue;
		*equals = '\0';
		ok = set_field(s, o, equals + 1);
	}
	return ok;
}

/* deb [OPTIONS] URI SUITE COMPONENT… */
static bool parse_line(struct stanza *s, char *line)
{
	char *at = NULL, *uri, *suite;

	line[strcspn(line, "#")] = '\0';
	strip(line);
	line += strspn(line, BLANKS);
	if (strncmp(line, "deb", 3) != 0 || !strchr(BLANKS, line[3]) || !line[3])
		return true;
	line += 3;
	line += strspn(line, BLANKS);
	if (*line == '[') {
		char *end = strchr(line, ']');

		if (!end)
			return true;
		*end = '\0';
		if (!parse_options(s, line + 1))
			return false;
		line = end + 1;
	}
	uri = strtok_r(line, BLANKS, &at);
	suite = strtok_r(NULL, BLANKS, &at);
	if (!uri || !suite || !at)
		return true;
	return set(&s->types, "deb") && set(&s->uris, uri) && set(&s->suites, suite) &&
	       set(&s->components, at + strspn(at, BLANKS));
}

static bool parse_lines(struct rd_apt_sources *l, char *text)
{
	char *at = NULL;
	bool ok = true;

	for (char *line = strtok_r(text, "\n", &at); line && ok; line = strtok_r(NULL, "\n", &at)) {
		struct stanza s = { 0 };

		ok = parse_line(&s, line) && add_stanza(l, &s);
		stanza_free(&s);
	}
	return ok;
}

bool rd_apt_parse(struct rd_apt_sources *l, const char *text, bool deb822)
{
	char *copy = strdup(text);
	bool ok;

	if (!copy)
		return false;
	ok = deb822 ? parse_deb822(l, copy) : parse_lines(l, copy);
	free(copy);
	return ok;
}

void rd_apt_free(struct rd_apt_sources *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->entries[i].uri);
		free(l->entries[i].suite);
		free(l->entries[i].components);
		free(l->entries[i].signed_by);
	}
	free(l->entries);
	*l = (struct rd_apt_sources){ 0 };
}

static int read_file(struct rd_apt_sources *l, const char *path, bool deb822)
{
	FILE *f = fopen(path, "re");
	char *text;
	size_t len;
	bool ok;

	if (!f)
		return errno == ENOENT ? RD_OK : rd_fail(RD_HOST_ERROR, "%s: %s", path,
							 strerror(errno));
	text = calloc(1, LIST_MAX + 1);
	len = text ? fread(text, 1, LIST_MAX, f) : 0;
	ok = text && !ferror(f);
	fclose(f);
	if (ok && len < LIST_MAX)
		ok = rd_apt_parse(l, text, deb822);
	free(text);
	return ok ? RD_OK : rd_fail(RD_HOST_ERROR, "%s: cannot be read", path);
}

static bool ends_in(const char *s, const char *end)
{
	size_t len = strlen(s), n = strlen(end);

	return len > n && !strcmp(s + len - n, end);
}

static int is_list(const struct dirent *d)
{
	return d->d_name[0] != '.' &&
	       (ends_in(d->d_name, ".list") || ends_in(d->d_name, ".sources"));
}

int rd_apt_read(struct rd_apt_sources *l, const char *dir)
{
	struct dirent **names = NULL;
	char path[4096];
	int status, n;

	snprintf(path, sizeof(path), "%s/sources.list", dir);
	status = read_file(l, path, false);
	snprintf(path, sizeof(path), "%s/sources.list.d", dir);
	n = scandir(path, &names, is_list, alphasort);
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/sources.list.d/%s", dir, names[i]->d_name);
		if (!status)
			status = read_file(l, path, ends_in(path, ".sources"));
		free(names[i]);
	}
	free(names);
	return status;
}

const struct rd_apt_source *rd_apt_pick(const struct rd_apt_sources *l, const char *suite)
{
	for (size_t i = 0; i < l->n; i++)
		if (!strcmp(l->entries[i].suite, suite) &&
		    has_word(l->entries[i].components, "main"))
			return &l->entries[i];
	return NULL;
}

char *rd_apt_format(const struct rd_apt_source *s, const char *suite)
{
	char *out = NULL;

	if (asprintf(&out, "Types: deb\nURIs: %s\nSuites: %s\nComponents: main\n%s%s%s%s", s->uri,
		     suite, s->trusted ? "Trusted: yes\n" : "", s->signed_by ? "Signed-By: " : "",
		     s->signed_by ? s->signed_by : "", s->signed_by ? "\n" : "") < 0)
		return NULL;
	return out;
}

bool rd_apt_option(const char *line)
{
	static const char *const wanted[] = {
		"Acquire::Check-Valid-Until ", "Acquire::Max-ValidTime ", "Acquire::Retries ",
		"Acquire::http::Proxy ", "Acquire::https::Proxy ",
	};

	for (size_t i = 0; i < RD_ARRAY_SIZE(wanted); i++)
		if (!strncmp(line, wanted[i], strlen(wanted[i])))
			return true;
	return false;
}
