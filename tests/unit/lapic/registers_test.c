// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the local APIC's registers: reset values, which exist in which mode, reserved bits,
 * base, saved state.
 */
#include "tests/unit/irqchip/machine.h"
#include "tests/unit/lapic/lapic_tests.h"

enum { XR = 1, XW = 2, MR = 4, MW = 8 };

/* Access by register, written from the manuals' tables independently of the code's. */
static const struct {
	u16 offset;
	u8 access;
	u32 reset;     /* as read on vCPU 0 in xAPIC mode after RESET */
	u32 accepts;   /* bits that a WRMSR may set */
	u32 sticks;    /* bits that a write of all ones leaves set, software-enabled */
} registers[] = {
	{ 0x020, XR | XW | MR, 0, 0, 0 },
	{ 0x030, XR | MR, 0x50014, 0, 0 },
	{ 0x080, XR | XW | MR | MW, 0, 0xff, 0xff },
	{ 0x090, XR, 0, 0, 0 },
	{ 0x0a0, XR | MR, 0, 0, 0 },
	{ 0x0b0, XR | XW | MW, 0, 0, 0 },
	{ 0x0c0, XR, 0, 0, 0 },
	{ 0x0d0, XR | XW | MR, 0, 0, 0xff000000 },
	{ 0x0e0, XR | XW, 0xffffffff, 0, 0xffffffff },
	{ 0x0f0, XR | XW | MR | MW, 0xff, 0x3ff, 0x3ff },
	{ 0x100, XR | MR, 0, 0, 0 },
	{ 0x110, XR | MR, 0, 0, 0 },
	{ 0x170, XR | MR, 0, 0, 0 },
	{ 0x180, XR | MR, 0, 0, 0 },
	{ 0x1f0, XR | MR, 0, 0, 0 },
	{ 0x200, XR | MR, 0, 0, 0 },
	{ 0x270, XR | MR, 0, 0, 0 },
	{ 0x280, XR | XW | MR | MW, 0, 0, 0 },
	{ 0x300, XR | XW | MR | MW, 0, 0xffffffff, 0xffffefff },
	{ 0x310, XR | XW, 0, 0, 0xff000000 },
	{ 0x320, XR | XW | MR | MW, 0x10000, 0x710ff, 0x700ff },
	{ 0x330, XR | XW | MR | MW, 0x10000, 0x117ff, 0x107ff },
	{ 0x340, XR | XW | MR | MW, 0x10000, 0x117ff, 0x107ff },
	{ 0x350, XR | XW | MR | MW, 0x10000, 0x1f7ff, 0x1a7ff },
	{ 0x360, XR | XW | MR | MW, 0x10000, 0x1f7ff, 0x1a7ff },
	{ 0x370, XR | XW | MR | MW, 0x10000, 0x110ff, 0x100ff },
	{ 0x380, XR | XW | MR | MW, 0, 0xffffffff, 0xffffffff },
	{ 0x390, XR | MR, 0, 0, 0 },
	{ 0x3e0, XR | XW | MR | MW, 0, 0xb, 0xb },
	{ 0x3f0, MW, 0, 0xff, 0 },
	/* Nobody lives here. */
	{ 0x000, 0, 0, 0, 0 },
	{ 0x010, 0, 0, 0, 0 },
	{ 0x040, 0, 0, 0, 0 },
	{ 0x290, 0, 0, 0, 0 },
	{ 0x2f0, 0, 0, 0, 0 },
	{ 0x3a0, 0, 0, 0, 0 },
	{ 0x3d0, 0, 0, 0, 0 },
};

static void setup(void)
{
	machine_create(3, RD_IRQCHIP_KERNEL);
}

/* Each on a fresh machine. */
static void each_register(void (*check)(unsigned int i))
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(registers); i++) {
		check(i);
		machine_destroy();
		setup();
	}
}

static bool logs_illegal_register(struct rd_lapic *l)
{
	apic_write(l, RD_APIC_ESR, 0);
	return apic_read(l, RD_APIC_ESR) & BIT(RD_ESR_ILLEGAL_REGISTER);
}

static void check_reset_value(unsigned int i)
{
	struct rd_lapic *l = m.lapic[0];

	rd_lapic_reset(l, false);
	/* The boot CPU's LINT0 takes the 8259s' output; the other CPUs' is masked. */
	if (registers[i].offset == RD_APIC_LVT_LINT0)
		ck_assert_uint_eq(apic_read(l, RD_APIC_LVT_LINT0), 0x700);
	else
		ck_assert_uint_eq(apic_read(l, registers[i].offset), registers[i].reset);
	ck_assert_int_eq(rd_lapic_enabled(l), true);
	ck_assert_int_eq(rd_lapic_x2apic(l), false);
}

START_TEST(reset_value)
{
	each_register(check_reset_value);
}
END_TEST

static void check_xapic_access(unsigned int i)
{
	struct rd_lapic *l = m.lapic[0];
	u32 offset = registers[i].offset;

	apic_read(l, offset);
	ck_assert_int_eq(logs_illegal_register(l),
			 !registers[i].access || offset == RD_APIC_SELF_IPI);
	apic_write(l, offset, 0);
	ck_assert_int_eq(logs_illegal_register(l),
			 !registers[i].access || offset == RD_APIC_SELF_IPI);
}

START_TEST(xapic_access)
{
	each_register(check_xapic_access);
}
END_TEST

static void check_xapic_write_of_ones(unsigned int i)
{
	struct rd_lapic *l = m.lapic[0];
	u32 offset = registers[i].offset, before = apic_read(l, offset);

	apic_write(l, offset, U32_MAX);
	if (offset == RD_APIC_ESR)
		return;
	ck_assert_uint_eq(apic_read(l, offset),
			  registers[i].access & XW ? registers[i].sticks : before);
}

START_TEST(xapic_write_of_ones)
{
	each_register(check_xapic_write_of_ones);
}
END_TEST

static void check_x2apic_access(unsigned int i)
{
	struct rd_lapic *l = m.lapic[0];
	u32 msr = 0x800 + registers[i].offset / 16;
	u64 val;

	ck_assert_int_eq(rd_lapic_msr_read(l, msr, &val), -EINVAL);
	ck_assert_int_eq(rd_lapic_msr_write(l, msr, 0), -EINVAL);
	apic_x2(l);
	ck_assert_int_eq(rd_lapic_msr_read(l, msr, &val), registers[i].access & MR ? 0 : -EINVAL);
	ck_assert_int_eq(rd_lapic_msr_write(l, msr, 0), registers[i].access & MW ? 0 : -EINVAL);
}

START_TEST(x2apic_access)
{
	each_register(check_x2apic_access);
}
END_TEST

static void check_x2apic_reserved_bits(unsigned int i)
{
	struct rd_lapic *l = m.lapic[0];
	u32 msr = 0x800 + registers[i].offset / 16;
	unsigned int bit;
	bool ok;

	if (!(registers[i].access & MW))
		return;
	apic_x2(l);
	for (bit = 0; bit < 64; bit++) {
		ok = registers[i].offset == RD_APIC_ICR ||
		     (bit < 32 && registers[i].accepts >> bit & 1);
		ck_assert_int_eq(rd_lapic_msr_write(l, msr, 1ULL << bit), ok ? 0 : -EINVAL);
		if (registers[i].offset == RD_APIC_SVR)
			ck_assert_int_eq(rd_lapic_msr_write(l, msr, 0x1ff), 0);
	}
}

START_TEST(x2apic_reserved_bits)
{
	each_register(check_x2apic_reserved_bits);
}
END_TEST

START_TEST(msr_numbers_outside)
{
	struct rd_lapic *l = m.lapic[0];
	u32 msr;
	u64 val;

	apic_x2(l);
	for (msr = 0x840; msr < 0x900; msr++) {
		ck_assert_int_eq(rd_lapic_msr_read(l, msr, &val), -EINVAL);
		ck_assert_int_eq(rd_lapic_msr_write(l, msr, 0), -EINVAL);
	}
}
END_TEST

/* The entry for corrected machine checks is there only for a CPU that has them (MCG_CAP). */
START_TEST(cmci_entry)
{
	struct rd_lapic *l = m.lapic[0];
	u32 lvt = 0xa9;
	u64 val;

	apic_write(l, RD_APIC_SVR, 0x1ff);
	apic_write(l, RD_APIC_LVT_CMCI, lvt);
	ck_assert_uint_eq(apic_read(l, RD_APIC_LVT_CMCI), 0);
	rd_lapic_raise_cmci(l);
	ck_assert_int_eq(rd_lapic_next(l), -1);

	rd_lapic_set_cmci(l, true);
	ck_assert_uint_eq(apic_read(l, RD_APIC_VERSION), 0x60014);
	ck_assert_uint_eq(apic_read(l, RD_APIC_LVT_CMCI), RD_APIC_LVT_MASKED);
	rd_lapic_raise_cmci(l);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	apic_write(l, RD_APIC_LVT_CMCI, lvt | 0xfff00000);
	ck_assert_uint_eq(apic_read(l, RD_APIC_LVT_CMCI), lvt);
	rd_lapic_raise_cmci(l);
	ck_assert_int_eq(rd_lapic_next(l), 0xa9);
	apic_write(l, RD_APIC_SVR, 0xff);
	ck_assert_uint_eq(apic_read(l, RD_APIC_LVT_CMCI), lvt | RD_APIC_LVT_MASKED);
	rd_lapic_reset(l, true);
	ck_assert_uint_eq(apic_read(l, RD_APIC_LVT_CMCI), RD_APIC_LVT_MASKED);
	ck_assert_int_eq(rd_lapic_msr_read(l, 0x82f, &val), -EINVAL);
	ck_assert_int_eq(rd_lapic_set_base(l, l->base | RD_APIC_BASE_X2APIC, true), 0);
	ck_assert_int_eq(rd_lapic_msr_read(l, 0x82f, &val), 0);
	ck_assert_int_eq(rd_lapic_msr_write(l, 0x82f, 1 << 20), -EINVAL);
	rd_lapic_set_cmci(l, false);
	ck_assert_int_eq(rd_lapic_msr_read(l, 0x82f, &val), -EINVAL);
	ck_assert_int_eq(rd_lapic_msr_write(l, 0x82f, 0), -EINVAL);
}
END_TEST

START_TEST(mmio_widths)
{
	struct rd_lapic *l = m.lapic[0];
	u8 byte = 0xaa;
	u16 half = 0xaaaa;
	u32 word = 0x77;
	u64 quad = ~0ULL;

	rd_lapic_mmio_read(l, RD_APIC_VERSION, 1, &byte);
	ck_assert_uint_eq(byte, 0x14);
	rd_lapic_mmio_read(l, RD_APIC_VERSION + 2, 1, &byte);
	ck_assert_uint_eq(byte, 5);
	rd_lapic_mmio_read(l, RD_APIC_VERSION + 2, 2, &half);
	ck_assert_uint_eq(half, 5);
	rd_lapic_mmio_read(l, RD_APIC_VERSION, 8, &quad);
	ck_assert_uint_eq(quad, 0);
	rd_lapic_mmio_read(l, RD_APIC_VERSION + 4, 4, &word);
	ck_assert_uint_eq(word, 0);
	word = 0x77;
	rd_lapic_mmio_write(l, RD_APIC_TPR + 1, 4, &word);
	rd_lapic_mmio_write(l, RD_APIC_TPR, 2, &word);
	rd_lapic_mmio_write(l, RD_APIC_TPR, 1, &word);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TPR), 0);
	rd_lapic_mmio_write(l, RD_APIC_TPR, 4, &word);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TPR), 0x77);
	rd_lapic_mmio_read(l, 0x400, 4, &word);
	ck_assert_uint_eq(word, 0);
	ck_assert(logs_illegal_register(l));
	/* In x2APIC mode the window is memory like any other. */
	apic_x2(l);
	rd_lapic_mmio_read(l, RD_APIC_TPR, 4, &word);
	ck_assert_uint_eq(word, 0);
	word = 0x11;
	rd_lapic_mmio_write(l, RD_APIC_TPR, 4, &word);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TPR), 0x77);
}
END_TEST

START_TEST(window_hit)
{
	struct rd_lapic *l = m.lapic[0];

	ck_assert(rd_lapic_mmio_hit(l, 0xfee00000));
	ck_assert(rd_lapic_mmio_hit(l, 0xfee00fff));
	ck_assert(!rd_lapic_mmio_hit(l, 0xfee01000));
	ck_assert(!rd_lapic_mmio_hit(l, 0x1fee00000ULL));
	ck_assert_int_eq(rd_lapic_set_base(l, 0xfd000000 | RD_APIC_BASE_ENABLE, false), 0);
	ck_assert(rd_lapic_mmio_hit(l, 0xfd000300));
	ck_assert(!rd_lapic_mmio_hit(l, 0xfee00300));
	apic_x2(l);
	ck_assert(!rd_lapic_mmio_hit(l, 0xfd000300));
}
END_TEST

/* "x2APIC State Transitions" */
START_TEST(base_transitions)
{
	static const u64 modes[] = { 0, RD_APIC_BASE_ENABLE,
				     RD_APIC_BASE_ENABLE | RD_APIC_BASE_X2APIC,
				     RD_APIC_BASE_X2APIC };
	/* from disabled, xAPIC, x2APIC to each of the four */
	static const bool guest_may[3][4] = { { 1, 1, 0, 0 }, { 1, 1, 1, 0 }, { 1, 0, 1, 0 } };
	struct rd_lapic *l = m.lapic[1];
	unsigned int from, to;

	for (from = 0; from < 3; from++) {
		for (to = 0; to < 4; to++) {
			ck_assert_int_eq(
				rd_lapic_set_base(l, RD_APIC_DEFAULT_BASE | modes[from], true), 0);
			ck_assert_int_eq(
				rd_lapic_set_base(l, RD_APIC_DEFAULT_BASE | modes[to], false),
				guest_may[from][to] ? 0 : -EINVAL);
			ck_assert_uint_eq(l->base, RD_APIC_DEFAULT_BASE |
							   modes[guest_may[from][to] ? to : from]);
			ck_assert_int_eq(
				rd_lapic_set_base(l, RD_APIC_DEFAULT_BASE | modes[to], true),
				to < 3 ? 0 : -EINVAL);
		}
	}
	ck_assert_int_eq(atomic_read(&m.chip.nr_xapic), 2);
}
END_TEST

START_TEST(base_reserved_bits)
{
	struct rd_lapic *l = m.lapic[0];
	unsigned int bit;
	bool ok;

	for (bit = 0; bit < 64; bit++) {
		ok = bit == 8 || bit == 10 || (bit >= 11 && bit < 52);
		ck_assert_int_eq(rd_lapic_set_base(l, BIT_ULL(bit) | RD_APIC_BASE_ENABLE, true),
				 ok ? 0 : -EINVAL);
	}
}
END_TEST

START_TEST(identity_per_mode)
{
	struct rd_lapic *l = m.lapic[0];

	machine_add(0x53);
	l = m.lapic[0x53];
	ck_assert_uint_eq(apic_read(l, RD_APIC_ID), 0x53000000);
	apic_write(l, RD_APIC_ID, 0x11000000);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ID), 0x53000000);
	apic_write(l, RD_APIC_LDR, 0x42000000);
	apic_x2(l);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ID), 0x53);
	ck_assert_uint_eq(apic_read(l, RD_APIC_LDR), 5 << 16 | 1 << 3);
	/* Back by user space's hand. */
	ck_assert_int_eq(rd_lapic_set_base(l, RD_APIC_DEFAULT_BASE | RD_APIC_BASE_ENABLE, true), 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ID), 0x53000000);
	ck_assert_uint_eq(apic_read(l, RD_APIC_LDR), 0);
}
END_TEST

START_TEST(mode_change_keeps_interrupts)
{
	struct rd_lapic *l = m.lapic[0];

	rd_lapic_deliver(l, RD_DM_FIXED, 0x80, false);
	apic_write(l, RD_APIC_TPR, 0x20);
	apic_write(l, RD_APIC_ICR2, 0x5000000);
	apic_x2(l);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TPR), 0x20);
	ck_assert_int_eq(apic_take(l), 0x80);
	ck_assert_int_eq(l->sw_enabled, true);
	ck_assert_uint_eq(l->regs[RD_APIC_ICR2 / 4], 0);
	/* Disabling loses everything. */
	rd_lapic_deliver(l, RD_DM_FIXED, 0x90, false);
	ck_assert_int_eq(rd_lapic_set_base(l, RD_APIC_DEFAULT_BASE, false), 0);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_FIXED, 0x90, false), -1);
	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_NMI, 0, false), -1);
	ck_assert_int_eq(rd_lapic_set_base(l, RD_APIC_DEFAULT_BASE | RD_APIC_BASE_ENABLE, false),
			 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_SVR), 0xff);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TPR), 0);
}
END_TEST

START_TEST(software_disable_masks)
{
	struct rd_lapic *l = m.lapic[0];
	u32 offset;

	for (offset = RD_APIC_LVT_TIMER; offset <= RD_APIC_LVT_ERROR; offset += 0x10) {
		apic_write(l, offset, 0x30);
		ck_assert_uint_eq(apic_read(l, offset), 0x30);
	}
	rd_lapic_deliver(l, RD_DM_FIXED, 0x41, false);
	apic_write(l, RD_APIC_SVR, 0xff);
	for (offset = RD_APIC_LVT_TIMER; offset <= RD_APIC_LVT_ERROR; offset += 0x10) {
		ck_assert_uint_eq(apic_read(l, offset), 0x10030);
		apic_write(l, offset, 0x31);
		ck_assert_uint_eq(apic_read(l, offset), 0x10031);
	}
	/* What is pending stays pending; nothing new but events. */
	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_FIXED, 0x42, false), -1);
	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_FIXED, 0x43, true), -1);
	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_NMI, 0, false), 1);
	ck_assert_int_eq(rd_lapic_deliver(l, RD_DM_INIT, 0, false), 1);
	ck_assert_int_eq(apic_take(l), 0x41);
	ck_assert_int_eq(apic_take(l), -1);
}
END_TEST

START_TEST(init_keeps_mode)
{
	struct rd_lapic *l = m.lapic[1];

	apic_x2(l);
	apic_write(l, RD_APIC_SVR, 0x1f0);
	apic_write(l, RD_APIC_TPR, 0x50);
	rd_lapic_deliver(l, RD_DM_FIXED, 0x80, true);
	apic_take(l);
	rd_lapic_deliver(l, RD_DM_FIXED, 0x90, false);
	set_bit(RD_LAPIC_EV_NMI, &l->events);
	rd_lapic_reset(l, true);
	ck_assert(rd_lapic_x2apic(l));
	ck_assert_uint_eq(apic_read(l, RD_APIC_ID), 1);
	ck_assert_uint_eq(apic_read(l, RD_APIC_LDR), 2);
	ck_assert_uint_eq(apic_read(l, RD_APIC_SVR), 0xff);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TPR), 0);
	ck_assert_int_eq(l->isrv, -1);
	ck_assert_int_eq(rd_lapic_next(l), -1);
	ck_assert_uint_eq(l->events, BIT(RD_LAPIC_EV_NMI));
	rd_lapic_reset(l, false);
	ck_assert_uint_eq(l->base, RD_APIC_DEFAULT_BASE | RD_APIC_BASE_ENABLE);
	ck_assert_uint_eq(l->events, 0);
	rd_lapic_reset(m.lapic[0], false);
	ck_assert_uint_eq(m.lapic[0]->base,
			  RD_APIC_DEFAULT_BASE | RD_APIC_BASE_ENABLE | RD_APIC_BASE_BSP);
}
END_TEST

START_TEST(bad_ids)
{
	struct rd_lapic *l = aligned_alloc(64, sizeof(*l));

	ck_assert_int_eq(rd_lapic_init(l, &m.chip, RD_MAX_VCPU_IDS, false), -EINVAL);
	ck_assert_int_eq(rd_lapic_init(l, &m.chip, U32_MAX, false), -EINVAL);
	ck_assert_int_eq(rd_lapic_init(l, &m.chip, 1, false), -EEXIST);
	ck_assert_uint_eq(m.chip.nr_ids, 3);
	free(l);
}
END_TEST

static u32 state_word(const struct kvm_lapic_state *s, unsigned int offset)
{
	u32 v;

	memcpy(&v, s->regs + offset, 4);
	return v;
}

static void set_state_word(struct kvm_lapic_state *s, unsigned int offset, u32 v)
{
	memcpy(s->regs + offset, &v, 4);
}

START_TEST(state_round_trip)
{
	struct kvm_lapic_state a, b;
	struct rd_lapic *l = m.lapic[1], *other = m.lapic[2];
	bool x2 = _i & 1, wide = _i & 2;

	if (x2) {
		apic_x2(l);
		apic_x2(other);
	}
	apic_write(l, RD_APIC_SVR, 0x1ee);
	apic_write(l, RD_APIC_TPR, 0x35);
	apic_write(l, RD_APIC_LVT_LINT0, 0x700);
	apic_write(l, RD_APIC_LVT_LINT1, 0x400);
	apic_write(l, RD_APIC_DIVIDE, 3);
	apic_write(l, RD_APIC_LVT_TIMER, 0x200ec);
	apic_write(l, RD_APIC_INITIAL_COUNT, 1000000);
	if (!x2) {
		apic_write(l, RD_APIC_LDR, 0x04000000);
		apic_write(l, RD_APIC_DFR, 0x0fffffff);
	}
	rd_lapic_deliver(l, RD_DM_FIXED, 0x91, true);
	ck_assert_int_eq(apic_take(l), 0x91);
	rd_lapic_deliver(l, RD_DM_FIXED, 0xa2, false);
	rd_lapic_deliver(l, RD_DM_FIXED, 0x44, false);
	rd_lapic_icr_write(l, 0xc4041, x2 ? 0x12345678 : 0x12000000);
	rd_shim_advance(3000000);
	rd_lapic_get_state(l, &a, wide);
	ck_assert_uint_eq(state_word(&a, RD_APIC_ID), x2 && wide ? 1 : 1 << 24);
	ck_assert_uint_eq(state_word(&a, RD_APIC_CURRENT_COUNT), 1000000 - 3000000 / 16);
	ck_assert_uint_eq(state_word(&a, RD_APIC_ICR2), x2 ? 0x12345678 : 0x12000000);
	ck_assert_uint_eq(state_word(&a, RD_APIC_ISR + 0x40), 1U << 17);
	ck_assert_uint_eq(state_word(&a, RD_APIC_TMR + 0x40), 1U << 17);
	ck_assert_uint_eq(state_word(&a, RD_APIC_IRR + 0x50), 1U << 2);
	ck_assert_uint_eq(state_word(&a, RD_APIC_IRR + 0x20), 1U << 4);
	set_state_word(&a, RD_APIC_ID, x2 && wide ? 2 : 2 << 24);
	if (x2)
		set_state_word(&a, RD_APIC_LDR, rd_apic_x2apic_ldr(2));
	m.kicks[2] = 0;
	ck_assert_int_eq(rd_lapic_set_state(other, &a, wide), 0);
	ck_assert_uint_eq(m.kicks[2], 1);
	rd_lapic_get_state(other, &b, wide);
	ck_assert_mem_eq(&a, &b, sizeof(a));
	ck_assert_int_eq(other->isrv, 0x91);
	ck_assert_int_eq(apic_take(other), 0xa2);
	ck_assert_uint_eq(rd_shim_next_expiry(), l->timer_expires_ns);
	ck_assert_uint_eq(other->timer_expires_ns, l->timer_expires_ns);
}
END_TEST

START_TEST(state_refuses_a_wrong_id)
{
	struct kvm_lapic_state s;
	struct rd_lapic *l = m.lapic[1];

	rd_lapic_get_state(l, &s, true);
	set_state_word(&s, RD_APIC_ID, 7 << 24);
	ck_assert_int_eq(rd_lapic_set_state(l, &s, true), 0);
	ck_assert_uint_eq(apic_read(l, RD_APIC_ID), 1 << 24);
	apic_x2(l);
	apic_write(l, RD_APIC_TPR, 0x40);
	rd_lapic_get_state(l, &s, true);
	set_state_word(&s, RD_APIC_TPR, 0x50);
	ck_assert_int_eq(rd_lapic_set_state(l, &s, false), -EINVAL);
	set_state_word(&s, RD_APIC_ID, 7);
	ck_assert_int_eq(rd_lapic_set_state(l, &s, true), -EINVAL);
	ck_assert_uint_eq(apic_read(l, RD_APIC_TPR), 0x40);
}
END_TEST

/* Any 1024 bytes leave an APIC that works; what user space puts into IRR, a reader gets back. */
START_TEST(state_of_noise)
{
	struct kvm_lapic_state s, back;
	struct rd_lapic *l = m.lapic[0];
	unsigned int i, n;
	int vector;

	for (n = 0; n < 300; n++) {
		rd_host_random(&s, sizeof(s));
		if (n & 1 && !rd_lapic_x2apic(l))
			apic_x2(l);
		set_state_word(&s, RD_APIC_ID, 0);
		ck_assert_int_eq(rd_lapic_set_state(l, &s, false), 0);
		rd_lapic_get_state(l, &back, false);
		for (i = 0; i < 8; i++)
			ck_assert_uint_eq(state_word(&back, RD_APIC_IRR + i * 16),
					  state_word(&s, RD_APIC_IRR + i * 16));
		ck_assert_uint_eq(state_word(&back, RD_APIC_VERSION), 0x50014);
		ck_assert_uint_eq(state_word(&back, RD_APIC_TPR),
				  state_word(&s, RD_APIC_TPR) & 0xff);
		ck_assert_int_eq(l->sw_enabled, !!(state_word(&s, RD_APIC_SVR) & 0x100));
		while (l->isrv >= 0)
			rd_lapic_eoi(l);
		rd_lapic_set_tpr(l, 0);
		while ((vector = apic_take(l)) >= 0) {
			ck_assert_int_ge(vector, 16);
			rd_lapic_eoi(l);
		}
	}
}
END_TEST

/* A VMM wires LINT0 and LINT1 up before the guest has enabled anything. */
START_TEST(state_keeps_lint_of_a_disabled_apic)
{
	struct kvm_lapic_state s;
	struct rd_lapic *l = m.lapic[0];

	rd_lapic_reset(l, true);
	ck_assert(!rd_lapic_accepts_pic(l));
	rd_lapic_get_state(l, &s, false);
	set_state_word(&s, RD_APIC_LVT_LINT0, 0x700);
	set_state_word(&s, RD_APIC_LVT_LINT1, 0x400);
	ck_assert_int_eq(rd_lapic_set_state(l, &s, false), 0);
	ck_assert(rd_lapic_accepts_pic(l));
	ck_assert_uint_eq(apic_read(l, RD_APIC_LVT_LINT1), 0x400);
	ck_assert_int_eq(rd_lapic_set_base(l, 0, true), 0);
	ck_assert(rd_lapic_accepts_pic(l));
}
END_TEST

TCase *registers_tests(void)
{
	TCase *tc = tcase_create("registers");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_test(tc, reset_value);
	tcase_add_test(tc, xapic_access);
	tcase_add_test(tc, xapic_write_of_ones);
	tcase_add_test(tc, x2apic_access);
	tcase_add_test(tc, x2apic_reserved_bits);
	tcase_add_test(tc, msr_numbers_outside);
	tcase_add_test(tc, cmci_entry);
	tcase_add_test(tc, mmio_widths);
	tcase_add_test(tc, window_hit);
	tcase_add_test(tc, base_transitions);
	tcase_add_test(tc, base_reserved_bits);
	tcase_add_test(tc, identity_per_mode);
	tcase_add_test(tc, mode_change_keeps_interrupts);
	tcase_add_test(tc, software_disable_masks);
	tcase_add_test(tc, init_keeps_mode);
	tcase_add_test(tc, bad_ids);
	tcase_add_loop_test(tc, state_round_trip, 0, 4);
	tcase_add_test(tc, state_refuses_a_wrong_id);
	tcase_add_test(tc, state_of_noise);
	tcase_add_test(tc, state_keeps_lint_of_a_disabled_apic);
	return tc;
}
