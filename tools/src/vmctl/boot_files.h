/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel of a disk that vmctl image made: in files beside it, as there is no firmware. */
#ifndef RD_TOOLS_BOOT_FILES_H
#define RD_TOOLS_BOOT_FILES_H

#include "tools/src/vmctl/config.h"

struct rd_boot_files {
	char *kernel, *initrd, *append;
};

/*
 * rd_boot_files_find - for a configuration without a kernel: take kernel and initrd, unless that
 * is given, from beside the first disk, put what the guest's root is in front of the command line,
 * and where nothing is said about the network add one in user mode. A status; the configuration
 * then points into F, which is freed in either case.
 */
int rd_boot_files_find(struct rd_boot_files *f, struct rd_config *config);
void rd_boot_files_free(struct rd_boot_files *f);

#endif
