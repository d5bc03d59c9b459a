// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest that does at random what it can do to a virtio device and to the PCI bus: registers and
 * ports of any width, bytes in its memory, descriptors that nearly make sense; beside it a host
 * that sends frames, and pauses, saves and restores the device, also from damaged state.
 * Invariant checked: no crash, no access outside the guest's memory, the disks keep their size, a
 * device takes back what it saved and saves it the same, and it comes back from a reset.
 */
#include "tests/fuzz/input.h"
#include "tests/fuzz/virtio/devices.h"
#include "tools/src/vmctl/balloon.h"
#include "tools/src/vmctl/layout.h"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#define QSIZE 16u
#define QUEUE_LEN 0x1000u	/* available ring at 0x400, used ring at 0x800 */
#define DATA 0x8000u
#define FRAME_MAX 70000u

uint8_t fuzz_choice(void)
{
	return take();
}

static uint64_t access_bar(const struct rd_virtio_slot *s, uint64_t off, bool write,
			   unsigned int size, uint64_t value)
{
	rd_bus_mmio(&all.bus, s->pci.pci.bar_gpa + off, write, size, &value);
	return value;
}

static void config_write(const struct rd_virtio_slot *s, unsigned int reg, uint32_t value)
{
	uint32_t address = 1u << 31 | s->pci.pci.slot << 11 | (reg & 0xfc);

	rd_bus_pio(&all.bus, RD_PORT_PCI_INDEX, true, 4, 1, &address);
	rd_bus_pio(&all.bus, RD_PORT_PCI_DATA, true, 4, 1, &value);
}

/* What a driver does, with accepted features and queue sizes as the input has them. */
static void bring_up(struct rd_virtio_slot *s)
{
	config_write(s, PCI_COMMAND, PCI_COMMAND_MEMORY);
	access_bar(s, VIRTIO_PCI_COMMON_STATUS, true, 1, 3);
	access_bar(s, VIRTIO_PCI_COMMON_GF, true, 4, take_n(4) & s->v.features);
	access_bar(s, VIRTIO_PCI_COMMON_GFSELECT, true, 4, 1);
	access_bar(s, VIRTIO_PCI_COMMON_GF, true, 4, 1);
	access_bar(s, VIRTIO_PCI_COMMON_STATUS, true, 1, 0xb);
	for (unsigned int q = 0; q < s->v.n_queues; q++) {
		access_bar(s, VIRTIO_PCI_COMMON_Q_SELECT, true, 2, q);
		access_bar(s, VIRTIO_PCI_COMMON_Q_SIZE, true, 2, QSIZE);
		access_bar(s, VIRTIO_PCI_COMMON_Q_DESCLO, true, 4, q * QUEUE_LEN);
		access_bar(s, VIRTIO_PCI_COMMON_Q_AVAILLO, true, 4, q * QUEUE_LEN + 0x400);
		access_bar(s, VIRTIO_PCI_COMMON_Q_USEDLO, true, 4, q * QUEUE_LEN + 0x800);
		access_bar(s, VIRTIO_PCI_COMMON_Q_ENABLE, true, 2, 1);
	}
	access_bar(s, VIRTIO_PCI_COMMON_STATUS, true, 1, 0xf);
	rd_virtio_poll(&s->v, 0);
}

static void describe(void)
{
	struct vring_desc d = {
		.addr = take() & 0x80 ? take_n(8) : DATA + take_n(2),
		.len = take() & 0x80 ? (uint32_t)take_n(4) : take(),
		.flags = take() & 7, .next = take() % (QSIZE + 1),
	};
	uint8_t where = take();
	/* In a queue's table, or where an indirect table may be. */
	uint32_t at = where & 0x80 ? DATA + (where & 0x7f) * 16 :
				     (where >> 4 & 3) * QUEUE_LEN + (where & 15) * 16;

	memcpy(all.ram.host + at, &d, sizeof(d));
}

static void offer(struct rd_virtio_slot *s)
{
	unsigned int q = take() & 3;
	struct vring_avail *a = (void *)(all.ram.host + q * QUEUE_LEN + 0x400);

	a->ring[a->idx % QSIZE] = take() % QSIZE;
	a->idx++;
	rd_virtio_notify(&s->v, q);
	rd_virtio_poll(&s->v, 0);
}

/* Any access to the ports of the bus, and to any place where a BAR may be. */
static void access_pci(void)
{
	uint8_t how = take();
	unsigned int size = 1u << (how & 3) & 7 ? 1u << (how & 3) & 7 : 4;
	uint64_t data[4] = { take_n(8) };

	if (how & 0x80)
		rd_bus_mmio(&all.bus, RD_PCI_WINDOW_GPA + take_n(3), how & 4, 1u << (how & 3),
			    data);
	else
		rd_bus_pio(&all.bus, (uint16_t)(RD_PORT_PCI_INDEX + (how >> 3 & 7)), how & 4, size,
			   1 + (how >> 6 & 1), data);
}

static void receive_frame(void)
{
	static uint8_t frame[FRAME_MAX];
	size_t len = take() & 0x80 ? take_n(3) % FRAME_MAX : 60 + take();

	take_bytes(frame, 32);
	devices_frame(frame, len);
}

static void save(const struct rd_state *s, struct rd_pack *p)
{
	rd_pack_save(p);
	s->ops->transfer(s->dev, p);
	if (!rd_pack_ok(p))
		fuzz_die("a device cannot be saved");
}

static bool load(const struct rd_state *s, const struct rd_pack *from)
{
	struct rd_pack p;

	rd_pack_load(&p, from->data, from->len);
	s->ops->transfer(s->dev, &p);
	return rd_pack_ok(&p) && s->ops->loaded(s->dev);
}

/* Load, as into a machine without a past, what was saved; or what a file makes of that. */
static void restore(struct rd_virtio_slot *slot, const struct rd_state *s)
{
	struct rd_pack good, again, damaged;
	bool harm = take() & 1;

	save(s, &good);
	save(s, &damaged);
	take_damage(damaged.data, harm ? damaged.len : 0);
	rd_virtio_set_status(&slot->v, 0);
	rd_virtio_poll(&slot->v, 0);
	if (!load(s, &damaged) && !load(s, &good))
		fuzz_die("a device refuses its own state");
	save(s, &again);
	if (!harm && (good.len != again.len || memcmp(good.data, again.data, good.len) != 0))
		fuzz_die("a device came back as another");
	rd_pack_free(&good);
	rd_pack_free(&again);
	rd_pack_free(&damaged);
}

static void through_a_pause(unsigned int i)
{
	const struct rd_state *s = &all.states.list[i];
	struct rd_virtio_slot *slot = all.slots[i];

	rd_virtio_pause(&slot->v);
	rd_virtio_poll(&slot->v, 0);
	if (!s->ops->unsavable && take() & 1)
		restore(slot, s);
	rd_virtio_resume(&slot->v);
	rd_virtio_poll(&slot->v, 0);
}

static void on_the_host(unsigned int i)
{
	struct rd_balloon_info info;

	switch (take() % 5) {
	case 0:
		receive_frame();
		break;
	case 1:
		devices_link();
		break;
	case 2:
		devices_vhost_error();
		break;
	case 3:
		rd_balloon_set(&all.slots[DEV_BALLOON]->v, take_n(3));
		rd_balloon_get(&all.slots[DEV_BALLOON]->v, &info);
		break;
	default:
		through_a_pause(i);
	}
}

static void one_step(unsigned int i)
{
	struct rd_virtio_slot *s = all.slots[i];
	uint64_t off;

	switch (take() % 11) {
	case 0:
		off = take_n(2) & 0x7fff;
		access_bar(s, off, true, 1u << (take() & 3), take_n(8));
		break;
	case 1:
		access_bar(s, take_n(2) & 0x7fff, false, 1u << (take() & 3), 0);
		break;
	case 2:
		config_write(s, take(), (uint32_t)take_n(4));
		break;
	case 3:
		all.ram.host[take_n(3) % RAM_LEN] = take();
		break;
	case 4:
		bring_up(s);
		break;
	case 5:
	case 6:
		describe();
		break;
	case 7:
		offer(s);
		break;
	case 8:
		access_pci();
		break;
	case 9:
		on_the_host(i);
		break;
	default:
		rd_virtio_poll(&s->v, 0);
	}
}

static void put_back(struct rd_virtio_slot *s)
{
	rd_virtio_set_status(&s->v, 0);
	for (unsigned int i = 0; rd_virtio_status(&s->v); i++) {
		if (i == 1000)
			fuzz_die("a device does not come back from its reset");
		rd_virtio_poll(&s->v, 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int i;

	if (!all.slots[0])
		devices_make();
	fuzz_begin(data, size);
	i = take() % DEVICES;
	memset(all.ram.host, 0, RAM_LEN);
	bring_up(all.slots[i]);
	while (fuzz_more())
		one_step(i);
	/* The ports reach the other devices, too. */
	for (i = 0; i < DEVICES; i++)
		put_back(all.slots[i]);
	devices_check();
	return 0;
}
