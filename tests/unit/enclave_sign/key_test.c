// SPDX-License-Identifier: GPL-2.0-only
/* Key files, and files that are written whole or not at all. */
#include "tests/unit/enclave_sign/enclave_sign_test.h"
#include "tools/src/vmctl/signing_key.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/whole_file.h"

#include <dirent.h>
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static char dir[64], path[96], message[256];
static bool no_flags;

/* In place of the library's: a file system that knows no flags of a rename. */
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned int flags)
{
	if (!no_flags)
		return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
	errno = EINVAL;
	return -1;
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/enclave_sign.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/file", dir);
	message[0] = 0;
	no_flags = false;
	rd_messages_capture(message, sizeof(message));
}

static unsigned int entries(void)
{
	DIR *d = opendir(dir);
	unsigned int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void teardown(void)
{
	rd_messages_capture(NULL, 0);
	unlink(path);
	ck_assert_int_eq(rmdir(dir), 0);
}

static EVP_PKEY *rsa_key(const char *type, int bits, unsigned int e)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	BIGNUM *exponent = BN_new();
	EVP_PKEY *key = NULL;

	BN_set_word(exponent, e);
	ck_assert_int_eq(EVP_PKEY_keygen_init(ctx), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits), 1);
	ck_assert_int_eq(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent), 1);
	ck_assert_int_eq(EVP_PKEY_generate(ctx, &key), 1);
	BN_free(exponent);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void refused(EVP_PKEY *key, const EVP_CIPHER *cipher, const char *words)
{
	FILE *f = fopen(path, "w");
	EVP_PKEY *loaded = key;

	ck_assert_int_eq(
		PEM_write_PrivateKey(f, key, cipher, (unsigned char *)"pass", 4, NULL, NULL), 1);
	fclose(f);
	EVP_PKEY_free(key);
	ck_assert_int_eq(rd_signing_key_load(path, &loaded), RD_USAGE);
	ck_assert_ptr_null(loaded);
	ck_assert_msg(strstr(message, words) != NULL, "%s", message);
}

START_TEST(wrong_keys)
{
	refused(rsa_key("RSA", 2048, 3), NULL, "2048 bits, not 3072");
	refused(rsa_key("RSA", 3072, 65537), NULL, "exponent is not 3");
	refused(rsa_key("RSA-PSS", 1024, 3), NULL, "not an RSA key");
	refused(EVP_EC_gen("P-256"), NULL, "not an RSA key");
	refused(EVP_EC_gen("P-256"), EVP_aes_128_cbc(), "passphrase");
}
END_TEST

START_TEST(files_without_a_key)
{
	EVP_PKEY *key = EVP_EC_gen("P-256"), *loaded;
	FILE *f = fopen(path, "w");

	ck_assert_int_eq(PEM_write_PUBKEY(f, key), 1);
	fclose(f);
	EVP_PKEY_free(key);
	ck_assert_int_eq(rd_signing_key_load(path, &loaded), RD_USAGE);
	ck_assert(strstr(message, "no private key") != NULL);
	ck_assert_int_eq(truncate(path, 0), 0);
	ck_assert_int_eq(rd_signing_key_load(path, &loaded), RD_USAGE);
	ck_assert(strstr(message, "no private key") != NULL);
	ck_assert_int_eq(truncate(path, 1 << 20), 0);
	ck_assert_int_eq(rd_signing_key_load(path, &loaded), RD_USAGE);
	ck_assert(strstr(message, "longer than") != NULL);
	ck_assert_int_eq(rd_signing_key_load(dir, &loaded), RD_USAGE);
	ck_assert(strstr(message, "not a regular file") != NULL);
}
END_TEST

START_TEST(a_key_that_is_kept)
{
	EVP_PKEY *key, *loaded;
	struct stat st;

	umask(0);
	ck_assert_int_eq(rd_signing_key_new(&key), 0);
	ck_assert_int_eq(rd_signing_key_save(path, key), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(rd_signing_key_load(path, &loaded), 0);
	ck_assert_int_eq(EVP_PKEY_eq(key, loaded), 1);
	ck_assert_int_eq(rd_signing_key_save(path, key), RD_USAGE);
	ck_assert(strstr(message, "File exists") != NULL);
	EVP_PKEY_free(loaded);
	ck_assert_int_eq(rd_signing_key_load(path, &loaded), 0);
	ck_assert_int_eq(EVP_PKEY_eq(key, loaded), 1);
	EVP_PKEY_free(loaded);
	EVP_PKEY_free(key);
}
END_TEST

START_TEST(files_are_replaced_whole)
{
	char sub[160];
	uint8_t *data;
	size_t len;

	ck_assert_int_eq(rd_file_replace(path, "one", 3), 0);
	ck_assert_int_eq(rd_file_replace(path, "three", 5), 0);
	ck_assert_int_eq(rd_file_read(path, 5, &data, &len), 0);
	ck_assert(len == 5 && !memcmp(data, "three", 5));
	free(data);
	ck_assert_uint_eq(entries(), 1);
	/* Not in the place of what is no file. */
	ck_assert_int_eq(rd_file_replace("/dev/null", "x", 1), RD_USAGE);
	ck_assert(strstr(message, "not a regular file") != NULL);
	ck_assert_int_eq(rd_file_replace(dir, "x", 1), RD_USAGE);
	snprintf(sub, sizeof(sub), "%s/none/file", dir);
	ck_assert_int_eq(rd_file_replace(sub, "x", 1), RD_HOST_ERROR);
	ck_assert_uint_eq(entries(), 1);
}
END_TEST

/* Loop: with and without rename flags. */
START_TEST(new_files_replace_nothing)
{
	struct stat st;
	uint8_t *data;
	size_t len;

	no_flags = _i;
	umask(0);
	ck_assert_int_eq(rd_file_create(path, "one", 3), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_int_eq(rd_file_create(path, "three", 5), RD_USAGE);
	ck_assert(strstr(message, "/file: File exists") != NULL);
	ck_assert_int_eq(rd_file_read(path, 5, &data, &len), 0);
	ck_assert(len == 3 && !memcmp(data, "one", 3));
	free(data);
	ck_assert_uint_eq(entries(), 1);
	/* A link that leads nowhere is there, too. */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("elsewhere", path), 0);
	ck_assert_int_eq(rd_file_create(path, "three", 5), RD_USAGE);
	ck_assert_uint_eq(entries(), 1);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert(S_ISLNK(st.st_mode));
}
END_TEST

START_TEST(names_of_one_file)
{
	char other[160];

	snprintf(other, sizeof(other), "%s/../%s/file", dir, strrchr(dir, '/') + 1);
	ck_assert(!rd_file_same(path, other));
	ck_assert_int_eq(rd_file_replace(path, "one", 3), 0);
	ck_assert(rd_file_same(path, other));
	ck_assert(!rd_file_same(path, dir));
}
END_TEST

/* The disk is full after 10 bytes: what was there stays, and nothing else. */
START_TEST(files_that_do_not_fit)
{
	struct rlimit limit = { 10, 10 };
	uint8_t *data;
	size_t len;

	ck_assert_int_eq(rd_file_replace(path, "old", 3), 0);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(rd_file_replace(path, "longer than that", 16), RD_HOST_ERROR);
	ck_assert_uint_eq(entries(), 1);
	ck_assert_int_eq(rd_file_read(path, 100, &data, &len), 0);
	ck_assert(len == 3 && !memcmp(data, "old", 3));
	free(data);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rd_file_create(path, "longer than that", 16), RD_HOST_ERROR);
	ck_assert_uint_eq(entries(), 0);
}
END_TEST

TCase *key_case(void)
{
	TCase *t = tcase_create("key");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, wrong_keys);
	tcase_add_test(t, files_without_a_key);
	tcase_add_test(t, a_key_that_is_kept);
	tcase_add_test(t, files_are_replaced_whole);
	tcase_add_loop_test(t, new_files_replace_nothing, 0, 2);
	tcase_add_test(t, names_of_one_file);
	tcase_add_test(t, files_that_do_not_fit);
	return t;
}
