// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the configuration to devices. A new kind is one line in the table, its two functions here,
 * and its file.
 */
#include "tools/src/vmctl/virtio_devices.h"

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

/* SLOT is by reference: it is filled in by the call that STATUS comes from. */
static int attach(struct rd_machine *m, int status, struct rd_virtio_slot *const *slot)
{
	return status ? status : rd_virtio_attach(m, *slot);
}

static bool blk_wanted(const struct rd_config *c)
{
	return c->n_disks;
}

static int blk_create(struct rd_machine *m)
{
	struct rd_virtio_slot *slot = NULL;
	int status = RD_OK;

	for (unsigned int i = 0; i < m->config->n_disks && !status; i++)
		status = attach(m, rd_blk_new(&m->ram, &m->config->disks[i], &slot), &slot);
	return status;
}

static bool net_wanted(const struct rd_config *c)
{
	return c->n_nets;
}

static int net_create(struct rd_machine *m)
{
	int status = RD_OK;

	for (unsigned int i = 0; i < m->config->n_nets && !status; i++) {
		struct rd_net_config c = m->config->nets[i];
		struct rd_virtio_slot *slot = NULL;
		struct rd_netdev *nd = NULL;

		/* vhost signals an eventfd; nobody here would read it. */
		if (!m->routes.irqfd && c.vhost == RD_VHOST_ON)
			return rd_fail(RD_HOST_ERROR, "--net tap: vhost: %s has no irqfd",
				       m->kvm->node);
		if (!m->routes.irqfd)
			c.vhost = RD_VHOST_OFF;
		status = rd_net_open(&c, &nd);
		if (!status)
			status = attach(m, rd_net_new(&m->ram, nd, c.mac, &slot), &slot);
	}
	return status;
}

static bool hvc_wanted(const struct rd_config *c)
{
	return c->has_console;
}

static int hvc_create(struct rd_machine *m)
{
	struct rd_virtio_slot *slot = NULL;

	if (!hvc_wanted(m->config))
		return RD_OK;
	return attach(m, rd_hvc_new(&m->ram, m->hvc, m->ender, &slot), &slot);
}

static bool rng_wanted(const struct rd_config *c)
{
	return c->rng;
}

static int rng_create(struct rd_machine *m)
{
	struct rd_virtio_slot *slot = NULL;

	return m->config->rng ? attach(m, rd_rng_new(&m->ram, &slot), &slot) : RD_OK;
}

static bool balloon_wanted(const struct rd_config *c)
{
	return c->balloon;
}

static int balloon_create(struct rd_machine *m)
{
	struct rd_virtio_slot *slot = NULL;
	int status;

	if (!m->config->balloon)
		return RD_OK;
	status = attach(m, rd_balloon_new(&m->ram, &slot), &slot);
	m->balloon = status ? NULL : &slot->v;
	return status;
}

static bool vsock_wanted(const struct rd_config *c)
{
	return c->vsock_cid;
}

static int vsock_create(struct rd_machine *m)
{
	struct rd_virtio_slot *slot = NULL;

	if (!vsock_wanted(m->config))
		return RD_OK;
	/* vhost signals an eventfd; nobody here would read it. */
	if (!m->routes.irqfd)
		return rd_fail(RD_HOST_ERROR, "--vsock: %s has no irqfd", m->kvm->node);
	return attach(m, rd_vsock_new(&m->ram, m->config->vsock_cid, &slot), &slot);
}

static bool share_wanted(const struct rd_config *c)
{
	return c->n_shares;
}

static int share_create(struct rd_machine *m)
{
	struct rd_virtio_slot *slot = NULL;
	int status = RD_OK;

	for (unsigned int i = 0; i < m->config->n_shares && !status; i++)
		status = attach(m, rd_share_new(&m->ram, &m->config->shares[i], &slot), &slot);
	return status;
}

const struct rd_virtio_kind rd_virtio_kinds[] = {
	{ blk_wanted, blk_create },
	{ net_wanted, net_create },
	{ hvc_wanted, hvc_create },
	{ rng_wanted, rng_create },
	{ balloon_wanted, balloon_create },
	{ vsock_wanted, vsock_create },
	{ share_wanted, share_create },
	{ 0 },
};

bool rd_virtio_wanted(const struct rd_config *c)
{
	for (const struct rd_virtio_kind *k = rd_virtio_kinds; k->create; k++)
		if (k->wanted(c))
			return true;
	return false;
}
