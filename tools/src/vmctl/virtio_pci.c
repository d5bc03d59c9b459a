// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the modern PCI transport (Virtual I/O Device specification, "Virtio Over PCI Bus").
 * A field answers to accesses of exactly its own width; 64-bit fields are pairs of 32-bit ones.
 */
#include "tools/src/vmctl/virtio_pci.h"

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <string.h>

#define VIRTIO_VENDOR 0x1af4u
#define VIRTIO_DEVICE_BASE 0x1040u

#define OFF_COMMON 0x0000u
#define OFF_ISR 0x1000u
#define OFF_DEVICE 0x2000u
#define OFF_MSIX_TABLE 0x4000u
#define OFF_MSIX_PBA 0x5000u
#define REGION_LEN 0x1000u

static uint32_t half(uint64_t v, uint32_t select)
{
	return select > 1 ? 0 : (uint32_t)(v >> (32 * select));
}

static void set_half(uint64_t *v, unsigned int i, uint32_t to)
{
	*v = (*v & ~(0xffffffffull << (32 * i))) | (uint64_t)to << (32 * i);
}

/* The 64-bit register at OFF of the queue section, and which half OFF is. */
static uint64_t *queue_address(struct rd_virtio_queue *q, uint64_t off, unsigned int *which)
{
	*which = off & 4 ? 1 : 0;
	switch (off & ~4ull) {
	case VIRTIO_PCI_COMMON_Q_DESCLO:
		return &q->desc;
	case VIRTIO_PCI_COMMON_Q_AVAILLO:
		return &q->avail;
	case VIRTIO_PCI_COMMON_Q_USEDLO:
		return &q->used;
	default:
		return NULL;
	}
}
_Static_assert(VIRTIO_PCI_COMMON_Q_DESCLO % 8 == 0 && VIRTIO_PCI_COMMON_Q_AVAILLO % 8 == 0 &&
	       VIRTIO_PCI_COMMON_Q_USEDLO % 8 == 0, "queue addresses are aligned pairs");

static uint64_t queue_read(struct rd_virtio *v, uint64_t off, unsigned int size)
{
	struct rd_virtio_queue *q = rd_virtio_selected(v, false);
	unsigned int i;
	uint64_t *address;

	if (!q)
		return 0;
	if (size == 4) {
		address = queue_address(q, off, &i);
		return address ? half(*address, i) : 0;
	}
	switch (size == 2 ? off : UINT64_MAX) {
	case VIRTIO_PCI_COMMON_Q_SIZE:
		return q->size;
	case VIRTIO_PCI_COMMON_Q_MSIX:
		return q->vector;
	case VIRTIO_PCI_COMMON_Q_ENABLE:
		return q->enabled;
	case VIRTIO_PCI_COMMON_Q_NOFF:
		return v->queue_select;
	default:
		return 0;
	}
}

static uint64_t read_32(struct rd_virtio *v, uint64_t off)
{
	switch (off) {
	case VIRTIO_PCI_COMMON_DFSELECT:
		return v->feature_select;
	case VIRTIO_PCI_COMMON_DF:
		return half(v->features, v->feature_select);
	case VIRTIO_PCI_COMMON_GFSELECT:
		return v->driver_select;
	case VIRTIO_PCI_COMMON_GF:
		return half(v->driver_features, v->driver_select);
	default:
		return queue_read(v, off, 4);
	}
}

static uint64_t read_small(struct rd_virtio *v, uint64_t off, unsigned int size)
{
	if (size == 1 && off == VIRTIO_PCI_COMMON_STATUS)
		return v->status;
	if (size == 1 && off == VIRTIO_PCI_COMMON_CFGGENERATION)
		return v->generation;
	if (size == 2 && off == VIRTIO_PCI_COMMON_MSIX)
		return v->config_vector;
	if (size == 2 && off == VIRTIO_PCI_COMMON_NUMQ)
		return v->n_queues;
	if (size == 2 && off == VIRTIO_PCI_COMMON_Q_SELECT)
		return v->queue_select;
	return queue_read(v, off, size);
}

static uint64_t common_read(struct rd_virtio *v, uint64_t off, unsigned int size)
{
	uint64_t value;

	pthread_mutex_lock(&v->lock);
	value = size == 4 ? read_32(v, off) : read_small(v, off, size);
	pthread_mutex_unlock(&v->lock);
	return value;
}

/* A vector that the device does not have reads back as none: that is how the driver notices. */
static uint16_t checked_vector(const struct rd_virtio *v, uint64_t value)
{
	return value < rd_virtio_pci_vectors(v) ? (uint16_t)value : RD_VIRTIO_NO_VECTOR;
}

static void queue_write(struct rd_virtio *v, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_virtio_queue *q = rd_virtio_selected(v, off != VIRTIO_PCI_COMMON_Q_MSIX);
	unsigned int i;
	uint64_t *address;

	if (!q)
		return;
	if (size == 4) {
		address = queue_address(q, off, &i);
		if (address)
			set_half(address, i, (uint32_t)value);
		return;
	}
	if (size != 2)
		return;
	if (off == VIRTIO_PCI_COMMON_Q_SIZE && value && value <= q->size_max)
		q->size = (uint16_t)value;
	else if (off == VIRTIO_PCI_COMMON_Q_MSIX)
		__atomic_store_n(&q->vector, checked_vector(v, value), __ATOMIC_RELAXED);
	else if (off == VIRTIO_PCI_COMMON_Q_ENABLE && value == 1)
		q->enabled = true;
}

static void common_write_locked(struct rd_virtio *v, uint64_t off, unsigned int size,
				uint64_t value)
{
	bool fixed = v->status & VIRTIO_CONFIG_S_FEATURES_OK;

	if (size == 4 && off == VIRTIO_PCI_COMMON_DFSELECT)
		v->feature_select = (uint32_t)value;
	else if (size == 4 && off == VIRTIO_PCI_COMMON_GFSELECT)
		v->driver_select = (uint32_t)value;
	else if (size == 4 && off == VIRTIO_PCI_COMMON_GF && v->driver_select < 2 && !fixed)
		set_half(&v->driver_features, v->driver_select, (uint32_t)value);
	else if (size == 2 && off == VIRTIO_PCI_COMMON_MSIX)
		v->config_vector = checked_vector(v, value);
	else if (size == 2 && off == VIRTIO_PCI_COMMON_Q_SELECT)
		v->queue_select = (uint16_t)value;
	else
		queue_write(v, off, size, value);
}

static void common_write(struct rd_virtio *v, uint64_t off, unsigned int size, uint64_t value)
{
	if (size == 1 && off == VIRTIO_PCI_COMMON_STATUS) {
		rd_virtio_set_status(v, (uint8_t)value);
		return;
	}
	pthread_mutex_lock(&v->lock);
	common_write_locked(v, off, size, value);
	pthread_mutex_unlock(&v->lock);
}

static uint64_t isr_read(struct rd_virtio *v)
{
	uint64_t value;

	pthread_mutex_lock(&v->lock);
	value = v->isr;
	v->isr = 0;
	pthread_mutex_unlock(&v->lock);
	return value;
}

static uint64_t bar_read(void *ctx, uint64_t off, unsigned int size)
{
	struct rd_virtio_pci *p = ctx;
	uint64_t value = 0;

	switch (off & ~(REGION_LEN - 1ull)) {
	case OFF_COMMON:
		return common_read(p->v, off, size);
	case OFF_ISR:
		return off == OFF_ISR ? isr_read(p->v) : 0;
	case OFF_DEVICE:
		rd_virtio_config_read(p->v, (unsigned int)(off - OFF_DEVICE), &value, size);
		return value;
	case OFF_MSIX_TABLE:
		return rd_msix_table_read(&p->msix, off - OFF_MSIX_TABLE, size);
	case OFF_MSIX_PBA:
		return rd_msix_pba_read(&p->msix, off - OFF_MSIX_PBA, size);
	default:
		return 0;
	}
}

static void bar_write(void *ctx, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_virtio_pci *p = ctx;

	switch (off & ~(REGION_LEN - 1ull)) {
	case OFF_COMMON:
		common_write(p->v, off, size, value);
		break;
	case OFF_DEVICE:
		rd_virtio_config_write(p->v, (unsigned int)(off - OFF_DEVICE), &value, size);
		break;
	case RD_VIRTIO_PCI_NOTIFY_OFF:
		rd_virtio_notify(p->v, (unsigned int)(off - RD_VIRTIO_PCI_NOTIFY_OFF) /
					       RD_VIRTIO_PCI_NOTIFY_STEP);
		break;
	case OFF_MSIX_TABLE:
		rd_msix_table_write(&p->msix, off - OFF_MSIX_TABLE, size, value);
		break;
	default:
		break;
	}
}

/* What the window capability names. False: its fields are nonsense, or REG is not its data. */
static bool window(const struct rd_virtio_pci *p, unsigned int reg, uint32_t *off, uint32_t *len)
{
	const uint8_t *cap = p->pci.config + p->window_cap;

	if (reg != p->window_cap + sizeof(struct virtio_pci_cap))
		return false;
	memcpy(off, cap + VIRTIO_PCI_CAP_OFFSET, sizeof(*off));
	memcpy(len, cap + VIRTIO_PCI_CAP_LENGTH, sizeof(*len));
	return !cap[VIRTIO_PCI_CAP_BAR] && (*len == 1 || *len == 2 || *len == 4) &&
	       *off < RD_PCI_BAR_LEN && !(*off % *len);
}

static void config_reading(void *ctx, unsigned int reg, unsigned int size)
{
	struct rd_virtio_pci *p = ctx;
	uint32_t off, len;
	uint64_t value;

	(void)size;
	if (!window(p, reg, &off, &len))
		return;
	value = bar_read(p, off, len);
	memcpy(p->pci.config + reg, &value, len);
}

static void config_written(void *ctx, unsigned int reg, unsigned int size)
{
	struct rd_virtio_pci *p = ctx;
	uint32_t off, len;
	uint64_t value = 0;

	rd_msix_config_written(&p->msix, reg, size);
	if (!window(p, reg, &off, &len))
		return;
	memcpy(&value, p->pci.config + reg, len);
	bar_write(p, off, len, value);
}

static unsigned int add_cap(struct rd_virtio_pci *p, uint8_t type, uint32_t off, uint32_t len,
			    unsigned int extra)
{
	unsigned int cap_len = (unsigned int)sizeof(struct virtio_pci_cap) + extra;
	unsigned int at = rd_pci_add_cap(&p->pci, PCI_CAP_ID_VNDR, cap_len);

	p->pci.config[at + VIRTIO_PCI_CAP_LEN] = (uint8_t)cap_len;
	p->pci.config[at + VIRTIO_PCI_CAP_CFG_TYPE] = type;
	rd_pci_set32(&p->pci, at + VIRTIO_PCI_CAP_OFFSET, off);
	rd_pci_set32(&p->pci, at + VIRTIO_PCI_CAP_LENGTH, len);
	return at;
}

static void add_caps(struct rd_virtio_pci *p)
{
	unsigned int notify;

	add_cap(p, VIRTIO_PCI_CAP_COMMON_CFG, OFF_COMMON, REGION_LEN, 0);
	add_cap(p, VIRTIO_PCI_CAP_ISR_CFG, OFF_ISR, REGION_LEN, 0);
	if (p->v->config_len)
		add_cap(p, VIRTIO_PCI_CAP_DEVICE_CFG, OFF_DEVICE, REGION_LEN, 0);
	notify = add_cap(p, VIRTIO_PCI_CAP_NOTIFY_CFG, RD_VIRTIO_PCI_NOTIFY_OFF, REGION_LEN, 4);
	rd_pci_set32(&p->pci, notify + VIRTIO_PCI_NOTIFY_CAP_MULT, RD_VIRTIO_PCI_NOTIFY_STEP);
	p->window_cap = add_cap(p, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 4);
	p->pci.writable[p->window_cap + VIRTIO_PCI_CAP_BAR] = 0xff;
	memset(p->pci.writable + p->window_cap + VIRTIO_PCI_CAP_OFFSET, 0xff, 12);
}

static void interrupt(void *ctx, uint16_t vector)
{
	rd_msix_signal(ctx, vector);
}

static const struct rd_pci_ops ops = {
	.bar_read = bar_read,
	.bar_write = bar_write,
	.config_reading = config_reading,
	.config_written = config_written,
};

bool rd_virtio_pci_init(struct rd_virtio_pci *p, struct rd_virtio *v, struct rd_pci *pci,
			struct rd_msix_host host)
{
	struct rd_pci_id id = {
		.vendor = VIRTIO_VENDOR, .device = (uint16_t)(VIRTIO_DEVICE_BASE + v->ops->id),
		.subsystem_vendor = VIRTIO_VENDOR, .subsystem = (uint16_t)(0x40 + v->ops->id),
		.class_code = v->ops->class_code, .revision = 1,
	};

	p->v = v;
	if (!rd_pci_add(pci, &p->pci, &id, &ops, p))
		return false;
	rd_msix_init(&p->msix, &p->pci, rd_virtio_pci_vectors(v), OFF_MSIX_TABLE, OFF_MSIX_PBA,
		     host);
	add_caps(p);
	v->transport = (struct rd_virtio_transport){ .interrupt = interrupt, .ctx = &p->msix };
	return true;
}
