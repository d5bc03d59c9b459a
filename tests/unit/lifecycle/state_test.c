// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices through a snapshot: what a guest left in one machine's device it finds in another's, and
 * state that no device can be in is refused.
 */
#include "tests/unit/lifecycle/lifecycle_test.h"
#include "tests/unit/tools/virtio_driver.h"
#include "tools/src/vmctl/dev_ioapic.h"
#include "tools/src/vmctl/dev_pm.h"
#include "tools/src/vmctl/dev_rtc.h"
#include "tools/src/vmctl/dev_serial.h"
#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/virtio_devices.h"
#include "tools/src/vmctl/virtio_save.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* The devices of a small machine. */
struct box {
	struct rd_bus bus;
	struct rd_states states;
	struct rd_ioapic io;
	struct rd_serial serial;
	struct rd_rtc rtc;
	struct rd_pm pm;
	struct rd_ender ender;
	unsigned int lines_set, routes;
	bool level;
};

static struct box boxes[2];

static void on_byte(void *ctx, uint8_t byte)
{
	(void)ctx;
	(void)byte;
}

static void on_room(void *ctx)
{
	(void)ctx;
}

static void on_end(void *ctx, enum rd_end why)
{
	(void)ctx;
	(void)why;
}

static void on_send(void *ctx, const struct rd_msi *msi)
{
	(void)ctx;
	(void)msi;
}

static void on_route(void *ctx, const struct rd_msi msi[RD_IOAPIC_PINS])
{
	(void)msi;
	((struct box *)ctx)->routes++;
}

static void on_line(void *ctx, unsigned int gsi, bool level)
{
	struct box *b = ctx;

	b->lines_set++;
	if (gsi == RD_GSI_COM1)
		b->level = level;
}

static void make(struct box *b)
{
	struct rd_serial_host sh = { .transmit = on_byte, .rx_room = on_room };
	struct rd_ioapic_host ih = { .send = on_send, .route = on_route, .ctx = b };
	struct rd_irq irq = { .set = on_line, .ctx = b };

	memset(b, 0, sizeof(*b));
	b->ender = (struct rd_ender){ .end = on_end };
	rd_bus_init(&b->bus);
	ck_assert(rd_ioapic_init(&b->io, &b->bus, ih));
	irq.gsi = RD_GSI_COM1;
	ck_assert(rd_serial_init(&b->serial, &b->bus, RD_PORT_COM1, irq, sh));
	irq.gsi = RD_GSI_RTC;
	ck_assert_int_eq(rd_rtc_init(&b->rtc, &b->bus, irq), 0);
	irq.gsi = RD_GSI_SCI;
	ck_assert(rd_pm_init(&b->pm, &b->bus, irq, b->ender));
	ck_assert(rd_reset_ports_init(&b->ender, &b->bus));
	ck_assert(rd_states_add(&b->states, "ports", &rd_ender_state, &b->ender));
	ck_assert(rd_states_add(&b->states, "pm", &rd_pm_state, &b->pm));
	ck_assert(rd_states_add(&b->states, "rtc", &rd_rtc_state, &b->rtc));
	ck_assert(rd_states_add(&b->states, "ioapic", &rd_ioapic_state, &b->io));
	ck_assert(rd_states_add(&b->states, "serial", &rd_serial_state, &b->serial));
}

static void setup(void)
{
	catch_messages();
	make(&boxes[0]);
	make(&boxes[1]);
}

static void teardown(void)
{
	rd_rtc_destroy(&boxes[0].rtc);
	rd_rtc_destroy(&boxes[1].rtc);
	rd_messages_capture(NULL, 0);
}

static void out(struct box *b, uint16_t port, uint8_t v)
{
	rd_bus_pio(&b->bus, port, true, 1, 1, &v);
}

static uint8_t in(struct box *b, uint16_t port)
{
	uint8_t v = 0;

	rd_bus_pio(&b->bus, port, false, 1, 1, &v);
	return v;
}

static void save(const struct rd_states *s, const char *name, struct rd_pack *p)
{
	const struct rd_state *state = rd_states_find(s, name);

	rd_pack_save(p);
	state->ops->transfer(state->dev, p);
	ck_assert(rd_pack_ok(p));
}

/* What restore does with one device. */
static bool load(const struct rd_states *s, const char *name, const void *data, size_t len)
{
	const struct rd_state *state = rd_states_find(s, name);
	struct rd_pack p;

	rd_pack_load(&p, data, len);
	state->ops->transfer(state->dev, &p);
	return rd_pack_ok(&p) && (!state->ops->loaded || state->ops->loaded(state->dev));
}

static void move(const char *name)
{
	struct rd_pack p;

	save(&boxes[0].states, name, &p);
	ck_assert(load(&boxes[1].states, name, p.data, p.len));
	rd_pack_free(&p);
}

START_TEST(serial_goes_on)
{
	out(&boxes[0], RD_PORT_COM1 + 2, 0x07);
	out(&boxes[0], RD_PORT_COM1 + 3, 0x03);
	out(&boxes[0], RD_PORT_COM1 + 4, 0x0b);
	out(&boxes[0], RD_PORT_COM1 + 1, 0x01);
	ck_assert_uint_eq(rd_serial_receive(&boxes[0].serial, (const uint8_t *)"hello", 5), 5);
	ck_assert_int_eq(in(&boxes[0], RD_PORT_COM1), 'h');
	move("serial");
	/* The line is asserted in the new machine only when all is loaded. */
	ck_assert(!boxes[1].level && boxes[1].serial.irq.level);
	rd_serial_state.lines(&boxes[1].serial);
	ck_assert(boxes[1].level);
	for (const char *c = "ello"; *c; c++)
		ck_assert_int_eq(in(&boxes[1], RD_PORT_COM1), *c);
	ck_assert(!boxes[1].level);
	ck_assert_int_eq(in(&boxes[1], RD_PORT_COM1 + 3), 0x03);
}
END_TEST

START_TEST(rtc_and_ioapic_go_on)
{
	uint32_t v = 0x10 + 2 * 5;

	out(&boxes[0], RD_PORT_CMOS, 0x40);
	out(&boxes[0], RD_PORT_CMOS + 1, 0x77);
	move("rtc");
	ck_assert_int_eq(in(&boxes[1], RD_PORT_CMOS + 1), 0x77);
	rd_bus_mmio(&boxes[0].bus, RD_IOAPIC_GPA, true, 4, &v);
	v = 0x8035;
	rd_bus_mmio(&boxes[0].bus, RD_IOAPIC_GPA + 0x10, true, 4, &v);
	move("ioapic");
	rd_ioapic_state.lines(&boxes[1].io);
	ck_assert_uint_eq(boxes[1].routes, 1);
	rd_bus_mmio(&boxes[1].bus, RD_IOAPIC_GPA + 0x10, false, 4, &v);
	ck_assert_uint_eq(v, 0x8035);
}
END_TEST

static uint8_t cmos(struct box *b, uint8_t reg)
{
	out(b, RD_PORT_CMOS, reg);
	return in(b, RD_PORT_CMOS + 1);
}

static void set_cmos(struct box *b, uint8_t reg, uint8_t v)
{
	out(b, RD_PORT_CMOS, reg);
	out(b, RD_PORT_CMOS + 1, v);
}

/* A clock centuries behind the host's, as a file may have it, shows a date and can be set. */
START_TEST(rtc_of_another_century)
{
	const int64_t offset = -7999999999ll * 1000000000;
	struct rd_pack p;

	save(&boxes[0].states, "rtc", &p);
	memcpy(p.data, &offset, sizeof(offset));
	ck_assert(load(&boxes[1].states, "rtc", p.data, p.len));
	rd_pack_free(&p);
	ck_assert_uint_eq(cmos(&boxes[1], 0x32), 0x19);
	ck_assert_uint_eq(cmos(&boxes[1], 9), 0x70);
	set_cmos(&boxes[1], 0x32, 0x20);
	set_cmos(&boxes[1], 9, 0x31);
	ck_assert_uint_eq(cmos(&boxes[1], 0x32), 0x20);
	ck_assert_uint_eq(cmos(&boxes[1], 9), 0x31);
}
END_TEST

static uint32_t pm_timer(struct box *b)
{
	uint32_t v;

	rd_bus_pio(&b->bus, RD_PORT_PM_TIMER, false, 4, 1, &v);
	return v;
}

START_TEST(pm_timer_stands_still)
{
	const struct timespec nap = { .tv_nsec = 20000000 };
	uint32_t held;

	rd_pm_power_button(&boxes[0].pm);
	rd_states_pause(&boxes[0].states);
	rd_states_pause(&boxes[1].states);
	held = pm_timer(&boxes[0]);
	nanosleep(&nap, NULL);
	ck_assert_uint_eq(pm_timer(&boxes[0]), held);
	move("pm");
	ck_assert_uint_eq(pm_timer(&boxes[1]), held);
	rd_states_resume(&boxes[1].states);
	/* It goes on from there: less than the nap has passed. */
	ck_assert_uint_lt(pm_timer(&boxes[1]) - held, 3579545 / 50);
	nanosleep(&nap, NULL);
	ck_assert_uint_ge(pm_timer(&boxes[1]) - held, 3579545 / 51);
	ck_assert_int_eq(in(&boxes[1], RD_PORT_PM1_EVT + 1), 1);	/* the button */
}
END_TEST

/* Random damage: refused, or a device that can be used. */
START_TEST(damaged_state)
{
	static const char *const names[] = { "pm", "rtc", "ioapic", "serial" };

	for (unsigned int round = 0; round < 20000; round++) {
		const char *name = names[round % 4];
		struct rd_pack p;
		size_t len;

		random_seed(round);
		save(&boxes[0].states, name, &p);
		for (unsigned int i = random_u32() % 3 + 1; i; i--)
			p.data[random_u32() % p.len] = (uint8_t)random_u32();
		len = random_u32() % 8 ? p.len : random_u32() % p.len;
		if (!load(&boxes[1].states, name, p.data, len)) {
			/* Such a machine is given up. */
			rd_rtc_destroy(&boxes[1].rtc);
			make(&boxes[1]);
		}
		rd_pack_free(&p);
		if (round % 10)
			continue;
		for (uint16_t i = 0; i < 64; i++)
			in(&boxes[1], (uint16_t)(random_u32() % 2 ? RD_PORT_COM1 + i % 8 :
							      RD_PORT_CMOS + i % 2));
		rd_states_pause(&boxes[1].states);
		rd_states_resume(&boxes[1].states);
	}
}
END_TEST

START_TEST(impossible_state)
{
	struct rd_pack p;

	boxes[0].serial.rx_count = RD_SERIAL_FIFO + 1;
	save(&boxes[0].states, "serial", &p);
	ck_assert(!load(&boxes[1].states, "serial", p.data, p.len));
	rd_pack_free(&p);
	boxes[0].serial.rx_count = 0;
	save(&boxes[0].states, "serial", &p);
	ck_assert(!load(&boxes[1].states, "serial", p.data, p.len - 1));
	ck_assert(load(&boxes[1].states, "serial", p.data, p.len));
	rd_pack_free(&p);
}
END_TEST

static const struct rd_state_ops unsavable = { .unsavable = true };

START_TEST(who_cannot_be_saved)
{
	static const struct rd_range_ops none;
	char text[64];
	int stranger;

	ck_assert(!rd_states_missing(&boxes[0].states, &boxes[0].bus, text, sizeof(text)));
	ck_assert(rd_bus_add_pio(&boxes[0].bus, (struct rd_range){
		.base = 0x1f0, .len = 8, .max_size = 1, .ops = &none, .dev = &stranger,
	}));
	ck_assert(rd_states_missing(&boxes[0].states, &boxes[0].bus, text, sizeof(text)));
	ck_assert_str_eq(text, "the device at port 0x1f0");
	ck_assert(!rd_states_add(&boxes[0].states, "serial", &unsavable, &stranger));
	ck_assert(rd_states_add(&boxes[0].states, "virtio-net.3", &unsavable, &stranger));
	ck_assert(rd_states_missing(&boxes[0].states, &boxes[0].bus, text, sizeof(text)));
	ck_assert_str_eq(text, "device virtio-net.3");
	ck_assert(!rd_states_add(&boxes[0].states, "a-name-that-is-longer-than-the-room-for-it",
				 &unsavable, &text));
}
END_TEST

/* --- virtio --- */

static struct rd_msi messages[2][4];
static unsigned int signals[2][4];

static void msi_set(void *ctx, unsigned int i, const struct rd_msi *msi)
{
	messages[*(unsigned int *)ctx][i] = *msi;
}

static bool msi_pending(void *ctx, unsigned int i)
{
	return signals[*(unsigned int *)ctx][i];
}

static void msi_signal(void *ctx, unsigned int i)
{
	signals[*(unsigned int *)ctx][i]++;
}

/* A random number generator on a bus of its own. */
struct vbox {
	unsigned int index;
	struct rd_bus bus;
	struct rd_pci pci;
	struct rd_states states;
	struct rd_virtio_slot *slot;
	struct driver d;
};

static struct vbox vboxes[2];

static void vmake(struct vbox *b, unsigned int index)
{
	struct rd_msix_host host = {
		.set = msi_set, .pending = msi_pending, .signal = msi_signal, .ctx = &b->index,
	};

	memset(b, 0, sizeof(*b));
	memset(messages[index], 0, sizeof(messages[index]));
	memset(signals[index], 0, sizeof(signals[index]));
	b->index = index;
	rd_bus_init(&b->bus);
	ck_assert(rd_pci_init(&b->pci, &b->bus));
	driver_memory(&b->d);
	ck_assert_int_eq(rd_rng_new(&b->d.ram, &b->slot), 0);
	ck_assert(rd_virtio_pci_init(&b->slot->pci, &b->slot->v, &b->pci, host));
	ck_assert(rd_states_add(&b->states, "pci", &rd_pci_state, &b->pci));
	ck_assert(rd_virtio_register(&b->states, b->slot));
	b->d.v = &b->slot->v;
}

static void vsetup(void)
{
	vmake(&vboxes[0], 0);
	vmake(&vboxes[1], 1);
}

static void vteardown(void)
{
	driver_free(&vboxes[0].d);
	driver_free(&vboxes[1].d);
}

static const char *vname(const struct vbox *b)
{
	return b->states.list[1].name;
}

/* Ask for 64 random bytes at GPA. */
static void ask(struct vbox *b, uint64_t gpa)
{
	struct driver_part part = { .gpa = gpa, .len = 64, .in = true };

	driver_send(&b->d, 0, &part, 1);
}

static bool filled(struct vbox *b, uint64_t gpa)
{
	static const uint8_t zeros[64];

	return memcmp(driver_at(&b->d, gpa), zeros, sizeof(zeros)) != 0;
}

START_TEST(virtio_goes_on)
{
	struct vbox *a = &vboxes[0], *b = &vboxes[1];
	struct rd_pack pci, p;

	driver_bind(&a->d, &a->slot->v, UINT64_MAX);
	a->slot->v.config_vector = RD_VIRTIO_NO_VECTOR;
	ask(a, DRIVER_DATA);
	ck_assert_uint_eq(driver_used(&a->d, 0, 1), 1);
	rd_virtio_pause(&a->slot->v);
	rd_virtio_poll(&a->slot->v, 2);
	ask(a, DRIVER_DATA + 64);
	rd_virtio_poll(&a->slot->v, 2);
	ck_assert(!filled(a, DRIVER_DATA + 64));
	signals[0][1] = 1;
	save(&a->states, "pci", &pci);
	save(&a->states, vname(a), &p);
	ck_assert_str_eq(vname(a), "virtio-rng.1");
	memcpy(b->d.ram.host, a->d.ram.host, DRIVER_RAM_LEN);
	memcpy(b->d.next, a->d.next, sizeof(a->d.next));
	ck_assert(load(&b->states, "pci", pci.data, pci.len));
	ck_assert(load(&b->states, vname(b), p.data, p.len));
	ck_assert_uint_eq(signals[1][1], 1);
	rd_virtio_poll(&b->slot->v, 2);
	ck_assert(!filled(b, DRIVER_DATA + 64));
	rd_virtio_resume(&b->slot->v);
	ck_assert_uint_eq(driver_used(&b->d, 0, 2), 2);
	ck_assert(filled(b, DRIVER_DATA + 64));
	ask(b, DRIVER_DATA + 128);
	ck_assert_uint_eq(driver_used(&b->d, 0, 3), 3);
	rd_pack_free(&pci);
	rd_pack_free(&p);
}
END_TEST

START_TEST(virtio_pause_after_resume)
{
	struct vbox *a = &vboxes[0];

	driver_bind(&a->d, &a->slot->v, UINT64_MAX);
	signal(SIGRTMIN, SIG_IGN);	/* what hurries a thread that is to end */
	ck_assert_int_eq(rd_virtio_start(&a->slot->v), 0);
	for (unsigned int i = 0; i < 200; i++) {
		rd_states_pause(&a->states);
		pthread_mutex_lock(&a->slot->v.lock);
		ck_assert(a->slot->v.paused && !a->slot->v.running);
		pthread_mutex_unlock(&a->slot->v.lock);
		rd_states_resume(&a->states);
	}
}
END_TEST

START_TEST(virtio_before_the_driver)
{
	struct vbox *a = &vboxes[0], *b = &vboxes[1];
	struct rd_pack p;

	save(&a->states, vname(a), &p);
	ck_assert(load(&b->states, vname(b), p.data, p.len));
	rd_virtio_resume(&b->slot->v);
	rd_virtio_poll(&b->slot->v, 2);
	driver_bind(&b->d, &b->slot->v, UINT64_MAX);
	ask(b, DRIVER_DATA);
	ck_assert_uint_eq(driver_used(&b->d, 0, 1), 1);
	rd_pack_free(&p);
}
END_TEST

/* A driver may write any feature bits, until it has settled on them. */
START_TEST(virtio_before_the_features)
{
	struct vbox *a = &vboxes[0], *b = &vboxes[1];
	struct rd_pack p;

	a->slot->v.driver_features = UINT64_MAX;
	save(&a->states, vname(a), &p);
	ck_assert(load(&b->states, vname(b), p.data, p.len));
	ck_assert_uint_eq(b->slot->v.driver_features, UINT64_MAX);
	rd_pack_free(&p);
	a->slot->v.status = 8; /* FEATURES_OK, which the device would not have let stand */
	save(&a->states, vname(a), &p);
	ck_assert(!load(&b->states, vname(b), p.data, p.len));
	rd_pack_free(&p);
}
END_TEST

START_TEST(virtio_damaged)
{
	for (unsigned int round = 0; round < 1500; round++) {
		struct vbox *a = &vboxes[0], *b = &vboxes[1];
		struct rd_pack p;
		bool pci = round % 3 == 0;

		random_seed(round);
		if (!round) {
			driver_bind(&a->d, &a->slot->v, UINT64_MAX);
			a->slot->v.config_vector = RD_VIRTIO_NO_VECTOR;
			rd_virtio_pause(&a->slot->v);
			rd_virtio_poll(&a->slot->v, 2);
		}
		save(&a->states, pci ? "pci" : vname(a), &p);
		for (unsigned int i = random_u32() % 3 + 1; i; i--)
			p.data[random_u32() % p.len] = (uint8_t)random_u32();
		if (load(&b->states, pci ? "pci" : vname(b), p.data, p.len)) {
			rd_virtio_resume(&b->slot->v);
			rd_virtio_poll(&b->slot->v, 0);
			ask(b, DRIVER_DATA);
			rd_virtio_poll(&b->slot->v, 0);
		}
		rd_pack_free(&p);
		driver_free(&b->d);
		vmake(b, 1);
	}
}
END_TEST

TCase *state_case(void)
{
	TCase *t = tcase_create("state");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_checked_fixture(t, vsetup, vteardown);
	tcase_add_test(t, serial_goes_on);
	tcase_add_test(t, rtc_and_ioapic_go_on);
	tcase_add_test(t, rtc_of_another_century);
	tcase_add_test(t, pm_timer_stands_still);
	tcase_add_test(t, damaged_state);
	tcase_add_test(t, impossible_state);
	tcase_add_test(t, who_cannot_be_saved);
	tcase_add_test(t, virtio_goes_on);
	tcase_add_test(t, virtio_pause_after_resume);
	tcase_add_test(t, virtio_before_the_driver);
	tcase_add_test(t, virtio_before_the_features);
	tcase_add_test(t, virtio_damaged);
	return t;
}
