/* SPDX-License-Identifier: GPL-2.0-only */
/* Small files that are read and written in one piece. */
#ifndef RD_TOOLS_WHOLE_FILE_H
#define RD_TOOLS_WHOLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * rd_file_read - all of a regular file of at most MAX bytes; *DATA is freed by the caller. A
 * status.
 */
int rd_file_read(const char *path, size_t max, uint8_t **data, size_t *len);

/*
 * rd_file_replace - make PATH a file with these bytes, or leave it as it is: they go to
 * PATH.partial-PID first. A status.
 */
int rd_file_replace(const char *path, const void *data, size_t len);

/*
 * rd_file_create - the same for a file that its owner alone may read; nothing is replaced. A
 * status.
 */
int rd_file_create(const char *path, const void *data, size_t len);

/* rd_file_same - are these two names of one file? */
bool rd_file_same(const char *a, const char *b);

#endif
