/* SPDX-License-Identifier: GPL-2.0-only */
/* The keys that sign enclaves: RSA of 3072 bits with the exponent 3, in PEM files. */
#ifndef RD_TOOLS_SIGNING_KEY_H
#define RD_TOOLS_SIGNING_KEY_H

#include <openssl/evp.h>

/* rd_signing_key_load - the private key in PATH; free it with EVP_PKEY_free(). A status. */
int rd_signing_key_load(const char *path, EVP_PKEY **key);

/* rd_signing_key_new - a new key. A status. */
int rd_signing_key_new(EVP_PKEY **key);

/* rd_signing_key_save - to a file that is not there yet and that its owner alone reads. A status.
 */
int rd_signing_key_save(const char *path, EVP_PKEY *key);

#endif
