// SPDX-License-Identifier: GPL-2.0-only
/* The table of kinds. A new kind is one line here, its prototypes in the header, and its file. */
#include "tools/src/vmctl/virtio_devices.h"

const struct rd_virtio_kind rd_virtio_kinds[] = {
	{ rd_rng_wanted, rd_rng_create },
	{ 0 },
};

bool rd_virtio_wanted(const struct rd_config *c)
{
	for (const struct rd_virtio_kind *k = rd_virtio_kinds; k->create; k++)
		if (k->wanted(c))
			return true;
	return false;
}
