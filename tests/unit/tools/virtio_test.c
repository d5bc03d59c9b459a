// SPDX-License-Identifier: GPL-2.0-only
/*
 * The PCI bus, MSI-X and the virtio transport as a driver meets them: found by configuration
 * cycles, set up through the BAR, served by an I/O thread that the tests step themselves.
 */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/virtio_pci.h"

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <stdlib.h>
#include <string.h>

#define RAM_LEN 0x20000u
#define DESC 0x1000u
#define AVAIL 0x2000u
#define USED 0x3000u
#define DATA 0x8000u
#define QSIZE 16u
#define TABLE_OFF 0x4000u
#define PBA_OFF 0x5000u
#define DEVICE_OFF 0x2000u

static struct rd_bus bus;
static struct rd_pci pci;
static struct rd_ram ram;
static struct rd_virtio v;
static struct rd_virtio_pci vp;
static struct rd_msi messages[4];
static unsigned int signals[4], starts, stops;

static void msi_set(void *ctx, unsigned int i, const struct rd_msi *msi)
{
	(void)ctx;
	messages[i] = *msi;
}

static bool msi_pending(void *ctx, unsigned int i)
{
	(void)ctx;
	return messages[i].masked && signals[i];
}

static void msi_signal(void *ctx, unsigned int i)
{
	(void)ctx;
	signals[i]++;
}

/* The device of these tests adds one to each byte: from what it may read to what it may write. */
static void adder_kick(struct rd_virtio *dev, unsigned int q)
{
	struct iovec iov[4];
	struct rd_chain c = { .iov = iov, .room = 4 };
	uint8_t byte;

	while (rd_virtio_pop(dev, q, &c)) {
		uint32_t n = 0;

		while (rd_iov_read(iov, c.n_out, n, &byte, 1)) {
			byte++;
			if (!rd_chain_write(&c, n, &byte, 1))
				break;
			n++;
		}
		rd_virtio_done(dev, q, c.head, n);
	}
	rd_virtio_signal(dev, q);
}

static void adder_start(struct rd_virtio *dev)
{
	(void)dev;
	starts++;
}

static void adder_stop(struct rd_virtio *dev)
{
	(void)dev;
	stops++;
}

static const struct rd_virtio_ops adder_ops = {
	.name = "adder", .id = 4, .class_code = 0x00ff00, .start = adder_start,
	.stop = adder_stop, .kick = adder_kick,
};

static void setup(void)
{
	struct rd_msix_host host = { .set = msi_set, .pending = msi_pending,
				     .signal = msi_signal };

	memset(messages, 0, sizeof(messages));
	memset(signals, 0, sizeof(signals));
	for (unsigned int i = 0; i < 4; i++)
		messages[i].masked = true;
	starts = stops = 0;
	memset(&ram, 0, sizeof(ram));
	ram.host = calloc(1, RAM_LEN);
	ram.size = ram.low_size = RAM_LEN;
	rd_bus_init(&bus);
	ck_assert(rd_pci_init(&pci, &bus));
	ck_assert_int_eq(rd_virtio_init(&v, &adder_ops, NULL, &ram, 0), 0);
	ck_assert_int_eq(rd_virtio_add_queue(&v, QSIZE), 0);
	ck_assert_int_eq(rd_virtio_add_queue(&v, QSIZE), 0);
	v.config_len = 8;
	memset(v.config_writable, 0xff, 4);
	ck_assert(rd_virtio_pci_init(&vp, &v, &pci, host));
}

static void teardown(void)
{
	rd_virtio_destroy(&v);
	free(ram.host);
}

static void config_address(unsigned int slot, unsigned int reg)
{
	uint32_t a = 1u << 31 | slot << 11 | (reg & 0xfc);

	rd_bus_pio(&bus, RD_PORT_PCI_INDEX, true, 4, 1, &a);
}

static uint32_t config_get(unsigned int slot, unsigned int reg, unsigned int size)
{
	uint32_t value = 0;

	config_address(slot, reg);
	rd_bus_pio(&bus, (uint16_t)(RD_PORT_PCI_DATA + (reg & 3)), false, size, 1, &value);
	return value;
}

static void config_set(unsigned int slot, unsigned int reg, unsigned int size, uint32_t value)
{
	config_address(slot, reg);
	rd_bus_pio(&bus, (uint16_t)(RD_PORT_PCI_DATA + (reg & 3)), true, size, 1, &value);
}

static uint64_t bar_get(uint64_t off, unsigned int size)
{
	uint64_t value = 0;

	rd_bus_mmio(&bus, vp.pci.bar_gpa + off, false, size, &value);
	return value;
}

static void bar_set(uint64_t off, unsigned int size, uint64_t value)
{
	rd_bus_mmio(&bus, vp.pci.bar_gpa + off, true, size, &value);
}

static void step(void)
{
	ck_assert(rd_virtio_poll(&v, 0));
}

static void decode(void)
{
	config_set(1, PCI_COMMAND, 2, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

static unsigned int find_cap(uint8_t id)
{
	unsigned int at = config_get(1, PCI_CAPABILITY_LIST, 1);

	while (at && config_get(1, at, 1) != id)
		at = config_get(1, at + PCI_CAP_LIST_NEXT, 1);
	return at;
}

/* Everything a driver does up to DRIVER_OK, with queue 0 set up at the given used ring. */
static void probe(uint64_t used_gpa)
{
	decode();
	config_set(1, find_cap(PCI_CAP_ID_MSIX) + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	for (unsigned int i = 0; i < 3; i++) {
		bar_set(TABLE_OFF + i * 16, 4, 0xfee00000 + (i << 12));
		bar_set(TABLE_OFF + i * 16 + 8, 4, 0x40 + i);
		bar_set(TABLE_OFF + i * 16 + 12, 4, 0);
	}
	bar_set(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	bar_set(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	bar_set(VIRTIO_PCI_COMMON_GF, 4, 1);	/* VIRTIO_F_VERSION_1 */
	bar_set(VIRTIO_PCI_COMMON_STATUS, 1, 3 | VIRTIO_CONFIG_S_FEATURES_OK);
	bar_set(VIRTIO_PCI_COMMON_MSIX, 2, 0);
	bar_set(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	bar_set(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	bar_set(VIRTIO_PCI_COMMON_Q_DESCLO, 4, DESC);
	bar_set(VIRTIO_PCI_COMMON_Q_AVAILLO, 4, AVAIL);
	bar_set(VIRTIO_PCI_COMMON_Q_USEDLO, 4, (uint32_t)used_gpa);
	bar_set(VIRTIO_PCI_COMMON_Q_USEDHI, 4, used_gpa >> 32);
	bar_set(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	bar_set(VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	step();
}

/* One chain of two buffers: "abc" to read, three bytes to write. */
static void send_request(void)
{
	struct vring_desc *d = (void *)(ram.host + DESC);
	struct vring_avail *a = (void *)(ram.host + AVAIL);

	memcpy(ram.host + DATA, "abc", 3);
	d[0] = (struct vring_desc){ DATA, 3, VRING_DESC_F_NEXT, 1 };
	d[1] = (struct vring_desc){ DATA + 16, 3, VRING_DESC_F_WRITE, 0 };
	a->ring[a->idx % QSIZE] = 0;
	a->idx++;
	bar_set(RD_VIRTIO_PCI_NOTIFY_OFF, 2, 0);
}

START_TEST(configuration_cycles)
{
	ck_assert_uint_eq(config_get(0, PCI_CLASS_DEVICE, 2), 0x0600);
	ck_assert_uint_eq(config_get(1, PCI_VENDOR_ID, 4), 0x10441af4);
	ck_assert_uint_eq(config_get(1, PCI_INTERRUPT_PIN, 1), 0);
	ck_assert_uint_eq(config_get(2, PCI_VENDOR_ID, 4), 0xffffffff);
	config_set(2, PCI_COMMAND, 2, 7);
	config_set(1, PCI_VENDOR_ID, 4, 0);
	ck_assert_uint_eq(config_get(1, PCI_VENDOR_ID, 2), 0x1af4);
	config_set(1, PCI_INTERRUPT_LINE, 1, 5);
	ck_assert_uint_eq(config_get(1, PCI_INTERRUPT_LINE, 1), 5);
}
END_TEST

START_TEST(other_buses_and_functions_are_empty)
{
	uint32_t a = 1u << 31 | 1u << 16, value = 0;

	rd_bus_pio(&bus, RD_PORT_PCI_INDEX, true, 4, 1, &a);
	rd_bus_pio(&bus, RD_PORT_PCI_DATA, false, 4, 1, &value);
	ck_assert_uint_eq(value, 0xffffffff);
	a = 1u << 31 | 1u << 11 | 1u << 8;
	rd_bus_pio(&bus, RD_PORT_PCI_INDEX, true, 4, 1, &a);
	rd_bus_pio(&bus, RD_PORT_PCI_DATA, false, 4, 1, &value);
	ck_assert_uint_eq(value, 0xffffffff);
	a = 0;
	rd_bus_pio(&bus, RD_PORT_PCI_INDEX, true, 4, 1, &a);
	rd_bus_pio(&bus, RD_PORT_PCI_DATA, false, 4, 1, &value);
	ck_assert_uint_eq(value, 0xffffffff);
}
END_TEST

START_TEST(bar_is_sized_and_stays)
{
	uint32_t gpa = config_get(1, PCI_BASE_ADDRESS_0, 4);

	ck_assert_uint_eq(gpa, RD_PCI_WINDOW_GPA + RD_PCI_BAR_LEN);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_NUMQ, 2), 0xffff);	/* not decoded yet */
	decode();
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_NUMQ, 2), 2);
	config_set(1, PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	ck_assert_uint_eq(config_get(1, PCI_BASE_ADDRESS_0, 4), 0xffff0000);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_NUMQ, 2), 0xffff);
	config_set(1, PCI_BASE_ADDRESS_0, 4, gpa);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_NUMQ, 2), 2);
	config_set(1, PCI_BASE_ADDRESS_1, 4, 0xffffffff);
	ck_assert_uint_eq(config_get(1, PCI_BASE_ADDRESS_1, 4), 0);
}
END_TEST

START_TEST(msix_masks)
{
	unsigned int cap = find_cap(PCI_CAP_ID_MSIX);

	decode();
	ck_assert_uint_eq(config_get(1, cap + PCI_MSIX_FLAGS, 2), 2);
	bar_set(TABLE_OFF + 16, 8, 0xfee01000);
	bar_set(TABLE_OFF + 24, 4, 0x55);
	bar_set(TABLE_OFF + 28, 4, 0);
	ck_assert(messages[1].masked);		/* MSI-X is off */
	rd_msix_signal(&vp.msix, 1);
	ck_assert_uint_eq(bar_get(PBA_OFF, 8), 2);
	config_set(1, cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	ck_assert(messages[1].masked);
	config_set(1, cap + PCI_MSIX_FLAGS, 2, PCI_MSIX_FLAGS_ENABLE);
	ck_assert(!messages[1].masked);
	ck_assert(messages[0].masked);
	ck_assert_uint_eq(messages[1].address, 0xfee01000);
	ck_assert_uint_eq(messages[1].data, 0x55);
	bar_set(TABLE_OFF + 24, 4, 0x56);	/* while it is live */
	ck_assert_uint_eq(messages[1].data, 0x56);
	bar_set(TABLE_OFF + 28, 4, 1);
	ck_assert(messages[1].masked);
	ck_assert_uint_eq(bar_get(TABLE_OFF + 28, 4), 1);
	bar_set(TABLE_OFF + 3 * 16, 4, 1);	/* beyond the table */
	ck_assert_uint_eq(bar_get(TABLE_OFF + 3 * 16, 4), 0);
	bar_set(TABLE_OFF + 1, 4, 0xffffffff);
	ck_assert_uint_eq(bar_get(TABLE_OFF, 4), 0);
	rd_msix_signal(&vp.msix, 3);
	rd_msix_signal(&vp.msix, RD_VIRTIO_NO_VECTOR);
	ck_assert_uint_eq(signals[3], 0);
}
END_TEST

START_TEST(request_is_served)
{
	probe(USED);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_STATUS, 1), 0xf);
	ck_assert_uint_eq(starts, 1);
	send_request();
	step();
	ck_assert_mem_eq(ram.host + DATA + 16, "bcd", 3);
	ck_assert_uint_eq(((struct vring_used *)(void *)(ram.host + USED))->ring[0].len, 3);
	ck_assert_uint_eq(signals[1], 1);
}
END_TEST

START_TEST(nothing_before_driver_ok)
{
	decode();
	send_request();
	step();
	ck_assert_uint_eq(((struct vring_used *)(void *)(ram.host + USED))->idx, 0);
	ck_assert_uint_eq(starts, 0);
}
END_TEST

START_TEST(features_are_checked)
{
	decode();
	bar_set(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	bar_set(VIRTIO_PCI_COMMON_STATUS, 1, 0xf);	/* no VIRTIO_F_VERSION_1 */
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	bar_set(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	bar_set(VIRTIO_PCI_COMMON_GF, 4, 0x80000001);	/* one that was not offered */
	bar_set(VIRTIO_PCI_COMMON_STATUS, 1, 0xf);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_STATUS, 1), 3);
	step();
	ck_assert_uint_eq(starts, 0);
}
END_TEST

START_TEST(reset_ends_in_the_io_thread)
{
	probe(USED);
	bar_set(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_STATUS, 1), 0xf);
	bar_set(VIRTIO_PCI_COMMON_STATUS, 1, 1);	/* too early: ignored */
	bar_set(VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x7000);
	step();
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
	ck_assert_uint_eq(stops, 1);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_Q_ENABLE, 2), 0);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_Q_MSIX, 2), RD_VIRTIO_NO_VECTOR);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_Q_DESCLO, 4), 0);
	memset(ram.host, 0, RAM_LEN);
	probe(USED);
	send_request();
	step();
	ck_assert_mem_eq(ram.host + DATA + 16, "bcd", 3);
}
END_TEST

START_TEST(broken_queue_asks_for_a_reset)
{
	probe(USED);
	((struct vring_avail *)(void *)(ram.host + AVAIL))->idx = 1000;
	bar_set(RD_VIRTIO_PCI_NOTIFY_OFF, 2, 0);
	step();
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET,
			  VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert_uint_eq(signals[0], 1);
	bar_set(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	step();
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_STATUS, 1), 0);
}
END_TEST

START_TEST(queue_outside_memory)
{
	probe(1ull << 40);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_STATUS, 1) & VIRTIO_CONFIG_S_NEEDS_RESET,
			  VIRTIO_CONFIG_S_NEEDS_RESET);
	ck_assert_uint_eq(starts, 0);
}
END_TEST

START_TEST(pause_holds_requests_back)
{
	probe(USED);
	rd_virtio_pause(&v);
	step();
	ck_assert_uint_eq(stops, 1);
	send_request();
	step();
	ck_assert_uint_eq(ram.host[DATA + 16], 0);
	rd_virtio_resume(&v);
	step();
	ck_assert_mem_eq(ram.host + DATA + 16, "bcd", 3);
	ck_assert_uint_eq(starts, 2);
}
END_TEST

START_TEST(start_waits_for_the_end_of_a_pause)
{
	rd_virtio_pause(&v);
	step();
	probe(USED);
	ck_assert_uint_eq(starts, 0);
	rd_virtio_resume(&v);
	step();
	ck_assert_uint_eq(starts, 1);
}
END_TEST

START_TEST(device_configuration)
{
	uint32_t news = 0x11223344;

	probe(USED);
	bar_set(DEVICE_OFF, 4, 0xaabbccdd);
	bar_set(DEVICE_OFF + 4, 4, 0xaabbccdd);		/* read-only */
	bar_set(DEVICE_OFF + 6, 4, 0xaabbccdd);		/* beyond the end */
	ck_assert_uint_eq(bar_get(DEVICE_OFF, 8), 0xaabbccdd);
	ck_assert_uint_eq(bar_get(DEVICE_OFF + 8, 4), 0);
	ck_assert_uint_eq(bar_get(DEVICE_OFF + 6, 4), 0);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_CFGGENERATION, 1), 0);
	rd_virtio_set_config(&v, 4, &news, 4);
	ck_assert_uint_eq(bar_get(DEVICE_OFF + 4, 4), news);
	ck_assert_uint_eq(bar_get(VIRTIO_PCI_COMMON_CFGGENERATION, 1), 1);
	ck_assert_uint_eq(signals[0], 1);
	ck_assert_uint_eq(bar_get(0x1000, 1), 2);
	ck_assert_uint_eq(bar_get(0x1000, 1), 0);
}
END_TEST

START_TEST(window_into_the_bar)
{
	unsigned int cap = vp.window_cap;

	ck_assert_uint_eq(config_get(1, cap + VIRTIO_PCI_CAP_CFG_TYPE, 1), VIRTIO_PCI_CAP_PCI_CFG);
	config_set(1, cap + VIRTIO_PCI_CAP_OFFSET, 4, VIRTIO_PCI_COMMON_NUMQ);
	config_set(1, cap + VIRTIO_PCI_CAP_LENGTH, 4, 2);
	ck_assert_uint_eq(config_get(1, cap + 16, 2), 2);
	config_set(1, cap + VIRTIO_PCI_CAP_OFFSET, 4, VIRTIO_PCI_COMMON_STATUS);
	config_set(1, cap + VIRTIO_PCI_CAP_LENGTH, 4, 1);
	config_set(1, cap + 16, 1, 1);
	ck_assert_uint_eq(rd_virtio_status(&v), 1);
	config_set(1, cap + VIRTIO_PCI_CAP_OFFSET, 4, 0xfffffff0);
	config_get(1, cap + 16, 1);
	config_set(1, cap + 16, 1, 1);
}
END_TEST

/* Any access to any register, and any byte in memory: nothing may leave the rails. */
START_TEST(random_accesses)
{
	for (unsigned int i = 0; i < 200000; i++) {
		unsigned int size = 1u << (rand() & 3);
		uint64_t value = (uint64_t)rand() << 32 ^ (uint64_t)rand() << 8 ^ (uint64_t)rand();
		uint64_t off = (uint64_t)rand() % 0x6000;

		if (rand() & 1)
			off &= 0x703f;
		if (rand() & 1)
			value &= 0xf;
		if (rand() & 1)
			bar_set(off, size, value);
		else
			bar_get(off, size);
		if (!(rand() & 15))
			config_set(1, (unsigned int)rand() & 0xfc, 4, (uint32_t)value);
		if (!(rand() & 15))
			decode();
		ram.host[(unsigned int)rand() % RAM_LEN] = (uint8_t)value;
		if (!(rand() & 7))
			step();
	}
}
END_TEST

TCase *virtio_case(void)
{
	TCase *tc = tcase_create("virtio");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, configuration_cycles);
	tcase_add_test(tc, other_buses_and_functions_are_empty);
	tcase_add_test(tc, bar_is_sized_and_stays);
	tcase_add_test(tc, msix_masks);
	tcase_add_test(tc, request_is_served);
	tcase_add_test(tc, nothing_before_driver_ok);
	tcase_add_test(tc, features_are_checked);
	tcase_add_test(tc, reset_ends_in_the_io_thread);
	tcase_add_test(tc, broken_queue_asks_for_a_reset);
	tcase_add_test(tc, queue_outside_memory);
	tcase_add_test(tc, pause_holds_requests_back);
	tcase_add_test(tc, start_waits_for_the_end_of_a_pause);
	tcase_add_test(tc, device_configuration);
	tcase_add_test(tc, window_into_the_bar);
	tcase_add_test(tc, random_accesses);
	return tc;
}
