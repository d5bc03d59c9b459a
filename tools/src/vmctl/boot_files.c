// SPDX-License-Identifier: GPL-2.0-only
/* From a disk alone to all that it takes to boot it. */
#include "tools/src/vmctl/boot_files.h"

#include "tools/src/vmctl/image.h"
#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char *beside(const struct rd_disk_config *d, const char *suffix)
{
	char *path = NULL;

	return asprintf(&path, "%.*s%s", (int)d->path_len, d->path, suffix) < 0 ? NULL : path;
}

int rd_boot_files_find(struct rd_boot_files *f, struct rd_config *c)
{
	const struct rd_disk_config *d = &c->disks[0];

	*f = (struct rd_boot_files){ 0 };
	if (!c->n_disks)
		return rd_fail(RD_USAGE, "run: --kernel is required, or a --disk that vmctl image "
			       "made (see vmctl run --help)");
	f->kernel = beside(d, RD_IMAGE_KERNEL);
	f->initrd = beside(d, RD_IMAGE_INITRD);
	if (asprintf(&f->append, "root=/dev/vda %s %s", d->read_only ? "ro" : "rw", c->append) < 0)
		f->append = NULL;
	if (!f->kernel || !f->initrd || !f->append)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	if (access(f->kernel, F_OK))
		return rd_fail(RD_USAGE, "run: --kernel is required: there is no %s, which vmctl "
			       "image would have made with the disk", f->kernel);
	c->kernel = f->kernel;
	if (!c->initrd && !access(f->initrd, F_OK))
		c->initrd = f->initrd;
	c->append = f->append;
	if (c->net_given)
		return RD_OK;
	return rd_net_parse("user", &c->nets[c->n_nets++]);
}

void rd_boot_files_free(struct rd_boot_files *f)
{
	free(f->kernel);
	free(f->initrd);
	free(f->append);
}
