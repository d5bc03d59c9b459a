// SPDX-License-Identifier: GPL-2.0-only
/*
 * Port and memory accesses of any width to serial line, clock, power management, reset and panic
 * ports and the I/O APIC, bytes on the serial line, ticks, pauses; and device state as a damaged
 * snapshot would have it.
 * Invariant checked: no crash; the machine ends only as these devices can end it; whatever state a
 * device gets into can be saved, is taken back, and is then saved the same.
 */
#include "tests/fuzz/input.h"
#include "tools/src/vmctl/dev_ioapic.h"
#include "tools/src/vmctl/dev_pm.h"
#include "tools/src/vmctl/dev_rtc.h"
#include "tools/src/vmctl/dev_serial.h"
#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/util.h"

static struct {
	struct rd_bus bus;
	struct rd_states states;
	struct rd_ioapic io;
	struct rd_serial serial;
	struct rd_rtc rtc;
	struct rd_pm pm;
	struct rd_ender ender;
} box;

static void on_byte(void *ctx, uint8_t byte)
{
	(void)ctx;
	(void)byte;
}

/* More was waiting. */
static void on_room(void *ctx)
{
	(void)ctx;
	rd_serial_receive(&box.serial, (const uint8_t *)"more", 4);
}

static void on_end(void *ctx, enum rd_end why)
{
	(void)ctx;
	if (why != RD_END_POWER_OFF && why != RD_END_RESET && why != RD_END_PANIC)
		fuzz_die("the machine ended for another reason");
}

static void on_send(void *ctx, const struct rd_msi *msi)
{
	(void)ctx;
	if (msi->masked)
		fuzz_die("a masked message was sent");
}

static void on_route(void *ctx, const struct rd_msi msi[RD_IOAPIC_PINS])
{
	(void)ctx;
	(void)msi;
}

static struct rd_irq line(unsigned int gsi)
{
	return (struct rd_irq){ .set = rd_ioapic_set, .ctx = &box.io, .gsi = gsi };
}

static void setup(void)
{
	struct rd_serial_host sh = { .transmit = on_byte, .rx_room = on_room };
	struct rd_ioapic_host ih = { .send = on_send, .route = on_route };

	memset(&box, 0, sizeof(box));
	box.ender = (struct rd_ender){ .end = on_end };
	rd_bus_init(&box.bus);
	if (!rd_ioapic_init(&box.io, &box.bus, ih) ||
	    !rd_serial_init(&box.serial, &box.bus, RD_PORT_COM1, line(RD_GSI_COM1), sh) ||
	    rd_rtc_init(&box.rtc, &box.bus, line(RD_GSI_RTC)) ||
	    !rd_pm_init(&box.pm, &box.bus, line(RD_GSI_SCI), box.ender) ||
	    !rd_reset_ports_init(&box.ender, &box.bus) || !rd_pvpanic_init(&box.ender, &box.bus))
		fuzz_die("no devices");
	rd_states_add(&box.states, "pm", &rd_pm_state, &box.pm);
	rd_states_add(&box.states, "rtc", &rd_rtc_state, &box.rtc);
	rd_states_add(&box.states, "ioapic", &rd_ioapic_state, &box.io);
	rd_states_add(&box.states, "serial", &rd_serial_state, &box.serial);
}

static void access_port(void)
{
	static const uint16_t ports[] = { RD_PORT_COM1,	   RD_PORT_CMOS,    RD_PORT_PM1_EVT,
					  RD_PORT_PM1_CNT, RD_PORT_PM_TIMER, RD_PORT_RESET,
					  RD_PORT_I8042,   RD_PORT_PVPANIC };
	uint8_t where = take(), how = take(), data[4 * 4];
	uint16_t port = (uint16_t)(ports[where & 7] + (where >> 3 & 7));
	unsigned int size = 1u << (how & 3) & 7 ? 1u << (how & 3) & 7 : 4;

	if (how & 0x80)
		port = (uint16_t)take_n(2);
	take_bytes(data, sizeof(data));
	rd_bus_pio(&box.bus, port, how & 4, size, 1 + (how >> 3 & 3), data);
}

static void access_memory(void)
{
	uint8_t how = take();
	uint64_t gpa = RD_IOAPIC_GPA + (how & 0x80 ? take_n(2) : (how & 1) * 0x10u);
	uint64_t data = how & 2 ? take() : take_n(8);

	rd_bus_mmio(&box.bus, gpa, how & 4, 1u << (how >> 3 & 3), &data);
}

static void save(const struct rd_state *s, struct rd_pack *p)
{
	rd_pack_save(p);
	s->ops->transfer(s->dev, p);
	if (!rd_pack_ok(p))
		fuzz_die("a device cannot be saved");
}

static bool load(const struct rd_state *s, const void *data, size_t len)
{
	struct rd_pack p;

	rd_pack_load(&p, data, len);
	s->ops->transfer(s->dev, &p);
	return rd_pack_ok(&p) && (!s->ops->loaded || s->ops->loaded(s->dev));
}

/* Save, load, save: nothing may have changed. */
static void round_trip(const struct rd_state *s)
{
	struct rd_pack a, b;

	save(s, &a);
	if (!load(s, a.data, a.len))
		fuzz_die("a device refuses its own state");
	save(s, &b);
	if (a.len != b.len || memcmp(a.data, b.data, a.len) != 0)
		fuzz_die("a device came back as another");
	rd_pack_free(&a);
	rd_pack_free(&b);
}

/* A machine whose snapshot is refused is not started: begin with a new one. */
static void damage(const struct rd_state *s)
{
	struct rd_pack p;
	bool good;

	save(s, &p);
	take_damage(p.data, p.len);
	good = load(s, p.data, take() & 0xf ? p.len : p.len - 1);
	rd_pack_free(&p);
	if (good)
		return;
	rd_rtc_destroy(&box.rtc);
	setup();
}

static void through_a_pause(void)
{
	const struct rd_state *s = &box.states.list[take() % box.states.n];
	bool harm = take() & 1;

	rd_states_pause(&box.states);
	if (harm)
		damage(s);
	else
		round_trip(s);
	for (unsigned int i = 0; i < box.states.n; i++)
		if (box.states.list[i].ops->lines)
			box.states.list[i].ops->lines(box.states.list[i].dev);
	rd_states_resume(&box.states);
}

static void one_step(void)
{
	uint8_t bytes[20];

	switch (take() % 12) {
	case 0 ... 5:
		access_port();
		break;
	case 6:
	case 7:
		access_memory();
		break;
	case 8:
		take_bytes(bytes, sizeof(bytes));
		rd_serial_receive(&box.serial, bytes, take() % sizeof(bytes));
		break;
	case 9:
		rd_ioapic_set(&box.io, take() % RD_IOAPIC_PINS, take() & 1);
		rd_ioapic_eoi(&box.io, take());
		break;
	case 10:
		if (take() & 1)
			rd_pm_power_button(&box.pm);
		rd_rtc_tick(&box.rtc);
		break;
	default:
		through_a_pause();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_begin(data, size);
	setup();
	while (fuzz_more())
		one_step();
	rd_rtc_destroy(&box.rtc);
	return 0;
}
