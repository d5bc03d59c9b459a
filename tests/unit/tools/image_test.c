// SPDX-License-Identifier: GPL-2.0-only
/* Where an image's packages come from, and which words may go into it. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/apt.h"
#include "tools/src/vmctl/boot_files.h"
#include "tools/src/vmctl/image.h"
#include "tools/src/vmctl/util.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char one_line[] =
	"# a comment\n"
	"deb-src http://a.example/debian bookworm main\n"
	"deb cdrom:[Debian]/ bookworm main\n"
	"deb http://contrib.example/debian bookworm contrib\n"
	"  deb\thttp://a.example/debian   bookworm  contrib main # here\n"
	"deb [ arch=amd64 signed-by=/k.gpg trusted=yes ] http://a.example/s "
	"bookworm-security main\n"
	"deb http://flat.example ./\n"
	"deb http://slash.example ./ main\n"
	"deb [unfinished http://a.example bookworm main\n"
	"deb\n"
	"debian http://x.example bookworm main";

static const char deb822[] =
	"# comment\n"
	"Types: deb deb-src\n"
	"URIs: http://b.example/debian\n"
	"# inside\n"
	"suites: trixie trixie-updates\n"
	"Components: main\n"
	" non-free\n"
	"Signed-By:\n"
	" -----BEGIN PGP PUBLIC KEY BLOCK-----\n"
	" .\n"
	" abc\n"
	"\n"
	"\n"
	"Types: deb\n"
	"URIs: http://off.example http://off2.example\n"
	"Suites: sid\n"
	"Components: main\n"
	"Enabled: no\n"
	"\n"
	"Types: deb-src\n"
	"URIs: http://src.example\n"
	"Suites: sid\n"
	"Components: main\n"
	"\n"
	"not a field\n"
	"Types: deb\n"
	"URIs: http://c.example\n"
	"Suites: bookworm\n"
	"Components: main\n"
	"Trusted: yes";

static struct rd_apt_sources parsed(const char *text, bool form)
{
	struct rd_apt_sources l = { 0 };

	ck_assert(rd_apt_parse(&l, text, form));
	return l;
}

START_TEST(one_line_form)
{
	struct rd_apt_sources l = parsed(one_line, false);
	const struct rd_apt_source *s = rd_apt_pick(&l, "bookworm");

	ck_assert_uint_eq(l.n, 3);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(s->uri, "http://a.example/debian");
	ck_assert(!s->trusted && !s->signed_by);
	s = rd_apt_pick(&l, "bookworm-security");
	ck_assert_str_eq(s->uri, "http://a.example/s");
	ck_assert_str_eq(s->signed_by, "/k.gpg");
	ck_assert(s->trusted);
	ck_assert_ptr_null(rd_apt_pick(&l, "book"));
	ck_assert_ptr_null(rd_apt_pick(&l, "bookworm-updates"));
	rd_apt_free(&l);
}
END_TEST

START_TEST(deb822_form)
{
	struct rd_apt_sources l = parsed(deb822, true);
	const struct rd_apt_source *s = rd_apt_pick(&l, "trixie-updates");
	char *text;

	ck_assert_uint_eq(l.n, 3);
	ck_assert_str_eq(s->uri, "http://b.example/debian");
	text = rd_apt_format(s, s->suite);
	ck_assert_str_eq(text, "Types: deb\nURIs: http://b.example/debian\n"
			       "Suites: trixie-updates\nComponents: main\nSigned-By: \n"
			       " -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n");
	free(text);
	ck_assert_ptr_null(rd_apt_pick(&l, "sid"));
	ck_assert(rd_apt_pick(&l, "bookworm")->trusted);
	rd_apt_free(&l);
}
END_TEST

/* Each beginning of the lists is a list, too; ASan looks on. */
START_TEST(cut_lists)
{
	char *text;

	for (int form = 0; form < 2; form++)
		for (size_t n = 0; n <= strlen(form ? deb822 : one_line); n++) {
			struct rd_apt_sources l;

			text = strndup(form ? deb822 : one_line, n);
			l = parsed(text, form);
			rd_apt_free(&l);
			free(text);
		}
}
END_TEST

START_TEST(sources_of_a_release)
{
	struct rd_apt_sources l = parsed(one_line, false);
	char *text;

	ck_assert_int_eq(rd_image_sources(&l, "bookworm", "bookworm", &text), RD_OK);
	ck_assert_str_eq(text, "Types: deb\nURIs: http://a.example/debian\nSuites: bookworm\n"
			       "Components: main\n\n"
			       "Types: deb\nURIs: http://a.example/s\nSuites: bookworm-security\n"
			       "Components: main\nTrusted: yes\nSigned-By: /k.gpg\n");
	free(text);
	ck_assert_int_eq(rd_image_sources(&l, "trixie", "bookworm", &text), RD_OK);
	ck_assert_ptr_nonnull(strstr(text, "URIs: http://a.example/debian\nSuites: trixie\n"));
	ck_assert_ptr_nonnull(strstr(text, "Suites: trixie-security\n"));
	free(text);
	rd_apt_free(&l);
}
END_TEST

START_TEST(no_sources)
{
	struct rd_apt_sources l = parsed(one_line, false);
	char message[256] = "", *text;

	rd_messages_capture(message, sizeof(message));
	ck_assert_int_eq(rd_image_sources(&l, "trixie", NULL, &text), RD_HOST_ERROR);
	ck_assert_int_eq(rd_image_sources(&l, "trixie", "sid", &text), RD_HOST_ERROR);
	rd_messages_capture(NULL, 0);
	ck_assert_ptr_nonnull(strstr(message, "trixie or sid"));
	rd_apt_free(&l);
}
END_TEST

START_TEST(options_of_apt)
{
	ck_assert(rd_apt_option("Acquire::Check-Valid-Until \"false\";"));
	ck_assert(rd_apt_option("Acquire::http::Proxy \"http://p.example:3142\";"));
	ck_assert(!rd_apt_option("Acquire::http::Proxy-Auto-Detect \"/bin/x\";"));
	ck_assert(!rd_apt_option("DPkg::Post-Invoke:: \"rm\";"));
	ck_assert(!rd_apt_option(""));
}
END_TEST

START_TEST(packages)
{
	struct rd_image_config c = { .packages = { "nginx" }, .n_packages = 1 };
	char *all = rd_image_include(&c);

	ck_assert_ptr_nonnull(strstr(all, ",linux-image-cloud-amd64,nginx"));
	free(all);
	c.packages[0] = "linux-image-amd64";
	all = rd_image_include(&c);
	ck_assert_ptr_null(strstr(all, "cloud"));
	ck_assert_ptr_nonnull(strstr(all, ",linux-image-amd64"));
	free(all);
}
END_TEST

START_TEST(words)
{
	ck_assert(rd_image_valid_package("libstdc++6:amd64"));
	ck_assert(!rd_image_valid_package("a,b"));
	ck_assert(!rd_image_valid_package("-oDebug"));
	ck_assert(!rd_image_valid_package("?essential"));
	ck_assert(!rd_image_valid_package(""));
	ck_assert(rd_image_valid_release("bookworm"));
	ck_assert(!rd_image_valid_release("../x"));
	ck_assert(!rd_image_valid_release("book worm"));
	ck_assert(rd_image_valid_hostname("web-1"));
	ck_assert(!rd_image_valid_hostname("web-"));
	ck_assert(!rd_image_valid_hostname("a;b"));
	ck_assert(rd_image_valid_password("a 'b' $c"));
	ck_assert(!rd_image_valid_password("a\nb"));
	ck_assert(!rd_image_valid_password(""));
}
END_TEST

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

START_TEST(kernel_beside_the_disk)
{
	char dir[] = "/tmp/rd-image-XXXXXX", disk[64], kernel[64], initrd[64], message[256] = "";
	struct rd_config c = { .append = "console=ttyS0", .n_disks = 1 };
	struct rd_boot_files f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(disk, sizeof(disk), "%s/d,ro", dir);
	snprintf(kernel, sizeof(kernel), "%s/d.kernel", dir);
	snprintf(initrd, sizeof(initrd), "%s/d.initrd", dir);
	ck_assert_int_eq(rd_disk_parse(disk, &c.disks[0]), RD_OK);
	rd_messages_capture(message, sizeof(message));
	ck_assert_int_eq(rd_boot_files_find(&f, &c), RD_USAGE);
	rd_messages_capture(NULL, 0);
	rd_boot_files_free(&f);
	ck_assert_ptr_nonnull(strstr(message, "d.kernel"));
	touch(kernel);
	touch(initrd);
	ck_assert_int_eq(rd_boot_files_find(&f, &c), RD_OK);
	ck_assert_str_eq(c.kernel, kernel);
	ck_assert_str_eq(c.initrd, initrd);
	ck_assert_str_eq(c.append, "root=/dev/vda ro console=ttyS0");
	ck_assert_uint_eq(c.n_nets, 1);
	ck_assert(c.nets[0].kind == RD_NET_USER);
	rd_boot_files_free(&f);
	unlink(kernel);
	unlink(initrd);
	rmdir(dir);
}
END_TEST

START_TEST(what_is_given_stays)
{
	char dir[] = "/tmp/rd-image-XXXXXX", disk[64], kernel[64];
	struct rd_config c = { .append = "quiet", .initrd = "other", .n_disks = 1,
			       .net_given = true };
	struct rd_boot_files f;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(disk, sizeof(disk), "%s/d", dir);
	snprintf(kernel, sizeof(kernel), "%s/d.kernel", dir);
	touch(kernel);
	ck_assert_int_eq(rd_disk_parse(disk, &c.disks[0]), RD_OK);
	ck_assert_int_eq(rd_boot_files_find(&f, &c), RD_OK);
	ck_assert_str_eq(c.initrd, "other");
	ck_assert_str_eq(c.append, "root=/dev/vda rw quiet");
	ck_assert_uint_eq(c.n_nets, 0);
	rd_boot_files_free(&f);
	unlink(kernel);
	rmdir(dir);
}
END_TEST

TCase *image_case(void)
{
	TCase *c = tcase_create("image");

	tcase_add_test(c, one_line_form);
	tcase_add_test(c, deb822_form);
	tcase_add_test(c, cut_lists);
	tcase_add_test(c, sources_of_a_release);
	tcase_add_test(c, no_sources);
	tcase_add_test(c, options_of_apt);
	tcase_add_test(c, packages);
	tcase_add_test(c, words);
	tcase_add_test(c, kernel_beside_the_disk);
	tcase_add_test(c, what_is_given_stays);
	return c;
}
