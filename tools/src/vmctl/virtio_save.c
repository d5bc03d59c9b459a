// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state of a virtio device while it is paused: its I/O thread has drained all requests, so
 * what the rings do not hold is in the registers.
 */
#include "tools/src/vmctl/virtio_save.h"

#include <linux/virtio_config.h>
#include <stdio.h>
#include <string.h>

#define ISR_BITS 3u

static void pause_device(void *dev)
{
	struct rd_virtio_slot *s = dev;

	/* One that has no thread yet is about to be loaded, which leaves it paused. */
	if (s->v.started)
		rd_virtio_pause(&s->v);
}

static void resume_device(void *dev)
{
	rd_virtio_resume(&((struct rd_virtio_slot *)dev)->v);
}

static void transfer_queue(struct rd_virtio_queue *q, struct rd_pack *p)
{
	rd_pack_u16(p, &q->size);
	rd_pack_u16(p, &q->vector);
	rd_pack_bool(p, &q->enabled);
	rd_pack_u64(p, &q->desc);
	rd_pack_u64(p, &q->avail);
	rd_pack_u64(p, &q->used);
	rd_pack_u16(p, &q->ring.last_avail);
	rd_pack_u16(p, &q->ring.used_idx);
	rd_pack_u16(p, &q->ring.signalled);
	rd_pack_bool(p, &q->ring.broken);
}

static void transfer(void *dev, struct rd_pack *p)
{
	struct rd_virtio_slot *s = dev;
	struct rd_virtio *v = &s->v;
	uint32_t n_queues = v->n_queues;
	uint64_t features = v->features;
	uint8_t config[RD_VIRTIO_CONFIG_MAX];

	memcpy(config, v->config, sizeof(config));
	rd_pack_u32(p, &n_queues);
	rd_pack_u64(p, &features);
	rd_pack_bytes(p, config, sizeof(config));
	/* Other features or another size of the disk: not the device that the guest knows. */
	if (n_queues != v->n_queues || features != v->features)
		p->bad = true;
	for (unsigned int i = 0; i < sizeof(config); i++)
		if (i - v->live.off >= v->live.len &&
		    (config[i] ^ v->config[i]) & ~v->config_writable[i])
			p->bad = true;
	if (!p->bad)
		memcpy(v->config, config, sizeof(config));
	rd_pack_u64(p, &v->driver_features);
	rd_pack_u32(p, &v->feature_select);
	rd_pack_u32(p, &v->driver_select);
	rd_pack_u16(p, &v->queue_select);
	rd_pack_u16(p, &v->config_vector);
	rd_pack_u8(p, &v->status);
	rd_pack_u8(p, &v->generation);
	rd_pack_u8(p, &v->isr);
	rd_pack_bool(p, &v->ran);
	for (unsigned int i = 0; i < v->n_queues; i++)
		transfer_queue(&v->queues[i], p);
	rd_msix_transfer(&s->pci.msix, p);
	if (v->ops->transfer)
		v->ops->transfer(v, p);
}

static bool good_vector(const struct rd_virtio *v, uint16_t vector)
{
	return vector < rd_virtio_pci_vectors(v) || vector == RD_VIRTIO_NO_VECTOR;
}

/* Before it settles on features, a driver may have written any. */
static bool good_features(const struct rd_virtio *v)
{
	return !(v->status & (VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)) ||
	       !(v->driver_features & ~v->features);
}

static bool good_registers(const struct rd_virtio *v)
{
	bool good = good_features(v) && good_vector(v, v->config_vector) && !(v->isr & ~ISR_BITS);

	for (unsigned int i = 0; i < v->n_queues; i++) {
		const struct rd_virtio_queue *q = &v->queues[i];

		good = good && good_vector(v, q->vector) && q->size && q->size <= q->size_max;
	}
	return good;
}

/* Setting up a ring begins at its start: go to where it was. */
static bool restore_rings(struct rd_virtio *v)
{
	struct rd_virtq saved[RD_VIRTIO_QUEUES_MAX];

	for (unsigned int i = 0; i < v->n_queues; i++) {
		saved[i] = v->queues[i].ring;
		v->queues[i].ring.broken = true;
	}
	if (!rd_virtio_restored(v, v->ran))
		return false;
	for (unsigned int i = 0; i < v->n_queues; i++) {
		struct rd_virtq *ring = &v->queues[i].ring;

		ring->last_avail = saved[i].last_avail;
		ring->used_idx = saved[i].used_idx;
		ring->signalled = saved[i].signalled;
		ring->broken = ring->broken || saved[i].broken;
	}
	return true;
}

static bool loaded(void *dev)
{
	struct rd_virtio_slot *s = dev;

	if (!good_registers(&s->v) || !restore_rings(&s->v))
		return false;
	rd_msix_loaded(&s->pci.msix);
	return true;
}

static const struct rd_state_ops saved_ops = {
	.version = 1,
	.transfer = transfer,
	.loaded = loaded,
	.pause = pause_device,
	.resume = resume_device,
};

static const struct rd_state_ops unsaved_ops = {
	.unsavable = true,
	.pause = pause_device,
	.resume = resume_device,
};

bool rd_virtio_register(struct rd_states *states, struct rd_virtio_slot *slot)
{
	bool savable = slot->v.ops->stateless || slot->v.ops->transfer;
	char name[RD_STATE_NAME_MAX];

	snprintf(name, sizeof(name), "%s.%u", slot->v.ops->name, slot->pci.pci.slot);
	return rd_states_add(states, name, savable ? &saved_ops : &unsaved_ops, slot);
}
