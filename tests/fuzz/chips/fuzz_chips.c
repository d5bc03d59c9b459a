// SPDX-License-Identifier: GPL-2.0-only
/*
 * A guest and a VMM that do at random what they can to the interrupt controllers of a machine with
 * three vCPUs: registers, ports, lines, messages, saved state that nearly makes sense, time.
 * Invariant checked: no crash, no timer that fires without end, no allocation left; after every
 * step the highest vector in service and the processor's priority are what the registers say, and
 * state that was saved is taken back and saved the same again.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/host_shim.h"
#include "vmm/irqchip.h"
#include "vmm/lapic_priv.h"

#define CPUS 3U

static struct rd_irqchip chip;
static struct rd_lapic lapics[CPUS];

void rd_lapic_kick(struct rd_lapic *l)
{
	if (l < lapics || l >= lapics + CPUS)
		fuzz_die("a kick for nobody");
}

void rd_irqchip_pic_changed(struct rd_irqchip *c)
{
	if (c != &chip)
		fuzz_die("another PIC");
}

void rd_irqchip_user_eoi(struct rd_lapic *l, u8 vector)
{
	(void)l;
	(void)vector;
}

/* What holds the line may let go of it when it is acknowledged. */
void rd_irqchip_pin_eoi(struct rd_irqchip *c, unsigned int which, unsigned int pin)
{
	int gsi = rd_irqchip_pin_gsi(c, which, pin);

	if (gsi >= 0)
		rd_irqchip_set_gsi(c, (u32)gsi, RD_IRQ_SOURCE_USER, false);
}

static void setup(void)
{
	enum rd_irqchip_mode mode = take() & 3 ? RD_IRQCHIP_KERNEL : RD_IRQCHIP_SPLIT;
	u32 i;

	rd_shim_reset();
	rd_irqchip_init(&chip);
	chip.x2apic_format = take() & 1;
	if (mode == RD_IRQCHIP_KERNEL ? rd_irqchip_create(&chip) :
					rd_irqchip_create_split(&chip, take() & 31))
		fuzz_die("no chips");
	if (mode == RD_IRQCHIP_KERNEL && rd_irqchip_create_pit(&chip, take() & 1))
		fuzz_die("no PIT");
	for (i = 0; i < CPUS; i++) {
		u32 svr = 0x1ff;

		if (rd_lapic_init(&lapics[i], &chip, i, !i))
			fuzz_die("no local APIC");
		rd_lapic_mmio_write(&lapics[i], RD_APIC_SVR, 4, &svr);
	}
}

static void cleanup(void)
{
	u32 i;

	rd_irqchip_destroy(&chip);
	for (i = 0; i < CPUS; i++)
		rd_lapic_destroy(&lapics[i]);
	if (rd_shim_allocations() || rd_shim_next_expiry())
		fuzz_die("something is left");
}

static void check(const struct rd_lapic *l)
{
	u32 tpr = rd_apic_reg(l, RD_APIC_TPR), isr = 0;

	if (l->isrv != rd_apic_highest(l->isr))
		fuzz_die("isrv is not the highest vector in service");
	if (l->isrv >= 0)
		isr = (u32)l->isrv & 0xf0;
	if (rd_apic_reg(l, RD_APIC_PPR) != ((tpr & 0xf0) >= isr ? tpr : isr))
		fuzz_die("PPR does not follow from TPR and ISR");
}

/* --- what a guest does --- */

static void access_window(struct rd_lapic *l, bool write)
{
	u32 offset = take_n(2) & 0xfff, len = 1U << (take() & 3);
	u64 data = take_n(8);

	if (write)
		rd_lapic_mmio_write(l, offset, len, &data);
	else
		rd_lapic_mmio_read(l, offset, len, &data);
}

static void access_register(struct rd_lapic *l)
{
	u32 msr = 0x800 + take();
	u64 val;

	/* Often an existing register with a likely value. */
	rd_lapic_msr_write(l, msr, take() & 1 ? take_n(8) : take_n(4) & 0x107ff);
	rd_lapic_msr_read(l, msr, &val);
}

static void write_base(struct rd_lapic *l)
{
	u8 mode = take();

	rd_lapic_set_base(l, RD_APIC_DEFAULT_BASE | (u64)(mode & 3) << 10 |
				     (mode & 0x80 ? take_n(8) : 0), mode & 4);
}

static void take_interrupt(struct rd_lapic *l)
{
	int vector;

	if (READ_ONCE(chip.pic.output) && rd_lapic_accepts_pic(l) && take() & 1) {
		rd_pic_ack(&chip);
		return;
	}
	vector = rd_lapic_next(l);
	if (vector < 0)
		return;
	rd_lapic_ack(l, vector);
	if (take() & 1)
		rd_lapic_unack(l, vector);
}

static void access_port(void)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1,
				     0x40, 0x41, 0x42, 0x43, 0x61 };
	u16 port = ports[take() % ARRAY_SIZE(ports)];
	u8 val = take();

	if (port >= 0x40 && port <= 0x61)
		rd_pit_port_write(&chip, port, val);
	else
		rd_pic_port_write(&chip, port, val);
	if (take() & 1 && !rd_pit_port_read(&chip, port, &val))
		rd_pic_port_read(&chip, port, &val);
}

static void access_ioapic(void)
{
	u32 offset = take() & 1 ? 0x10 : 0, len = 1U << (take() & 3);
	u64 data = take_n(8);

	if (take() & 0x80)
		offset = take_n(2) & 0xfff;
	if (take() & 1)
		rd_ioapic_write(&chip, offset, len, &data);
	else
		rd_ioapic_read(&chip.ioapic, offset, len, &data);
}

/* --- what the host does --- */

static void pass_time(void)
{
	u32 i;

	rd_shim_advance(take_n(3));
	for (i = 0; i < CPUS; i++)
		if (test_bit(RD_LAPIC_EV_TIMER, &lapics[i].events))
			rd_lapic_inject_timer(&lapics[i]);
}

static void set_routes(void)
{
	struct kvm_irq_routing_entry e[8];
	u32 nr = take() % (ARRAY_SIZE(e) + 1), i;

	memset(e, 0, sizeof(e));
	for (i = 0; i < nr; i++) {
		e[i].gsi = take() & 1 ? take() : (u32)take_n(4);
		e[i].type = take() % 4;
		e[i].flags = take() & 0x80 ? take() : 0;
		take_bytes(&e[i].u, take() % sizeof(e[i].u));
	}
	rd_irqchip_set_routes(&chip, e, nr);
}

static void message(void)
{
	struct rd_msi msi = { .address = 0xfee00000ULL | take_n(3), .data = (u32)take_n(2) };

	if (take() & 0x80)
		msi.address = take_n(8);
	rd_irqchip_msi(&chip, &msi);
}

/* --- saved state --- */

static void load_lapic(struct rd_lapic *l)
{
	struct kvm_lapic_state s;
	bool wide = take() & 1;

	rd_lapic_get_state(l, &s, wide);
	take_damage(&s, sizeof(s));
	rd_lapic_set_state(l, &s, wide);
}

static void load_chip(void)
{
	struct kvm_irqchip s = { .chip_id = take() & 3 }, again = { 0 };

	if (rd_irqchip_get_state(&chip, &s))
		return;
	take_damage(&s.chip, sizeof(s.chip));
	if (rd_irqchip_set_state(&chip, &s))
		return;
	again.chip_id = s.chip_id;
	rd_irqchip_get_state(&chip, &again);
	if (rd_irqchip_set_state(&chip, &again))
		fuzz_die("a chip refuses the state that it saved");
}

static void load_pit(void)
{
	struct kvm_pit_state2 s;

	if (!chip.has_pit)
		return;
	rd_pit_get_state(&chip, &s);
	take_damage(&s, sizeof(s));
	if (rd_pit_set_state(&chip, &s))
		return;
	rd_pit_get_state(&chip, &s);
	if (rd_pit_set_state(&chip, &s))
		fuzz_die("the PIT refuses the state that it saved");
}

static void one_step(void)
{
	u8 what = take();
	struct rd_lapic *l = &lapics[what >> 5 & 3 ? (what >> 5 & 3) - 1 : 0];

	switch (what & 31) {
	case 0 ... 3:
		access_window(l, true);
		break;
	case 4:
		access_window(l, false);
		break;
	case 5 ... 7:
		access_register(l);
		break;
	case 8:
		write_base(l);
		break;
	case 9 ... 10:
		rd_lapic_icr_write(l, (u32)take_n(4), (u32)take_n(take() & 4));
		break;
	case 11:
		rd_lapic_deliver(l, take() & 7, take(), take() & 1);
		break;
	case 12 ... 13:
		take_interrupt(l);
		break;
	case 14:
		rd_lapic_eoi(l);
		break;
	case 15 ... 17:
		access_port();
		break;
	case 18 ... 19:
		access_ioapic();
		break;
	case 20:
		rd_irqchip_set_gsi(&chip, take_n(2), take() % 3, take() & 1);
		break;
	case 21 ... 22:
		pass_time();
		break;
	case 23:
		set_routes();
		break;
	case 24:
		message();
		break;
	case 25:
		load_lapic(l);
		break;
	case 26:
		load_chip();
		break;
	case 27:
		load_pit();
		break;
	case 28:
		rd_lapic_set_tsc_deadline(l, take() & 1 ? take_n(8) : rd_host_tsc() + take_n(3));
		break;
	case 29:
		l->tsc_offset = take_n(8);
		rd_lapic_timer_rearm(l);
		break;
	case 30:
		rd_lapic_reset(l, take() & 1);
		break;
	default:
		if (chip.has_pit)
			rd_pit_reinject(&chip, take() & 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u32 i;

	fuzz_begin(data, size);
	setup();
	while (fuzz_more()) {
		one_step();
		for (i = 0; i < CPUS; i++)
			check(&lapics[i]);
	}
	cleanup();
	return 0;
}
