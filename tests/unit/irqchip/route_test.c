// SPDX-License-Identifier: GPL-2.0-only
/* Tests of creation, the routing table, messages and the split irqchip. */
#include "tests/unit/irqchip/irqchip_tests.h"
#include "tests/unit/irqchip/machine.h"

#define MSI_BASE 0xfee00000U

static struct kvm_irq_routing_entry pin_route(u32 gsi, u32 chip, u32 pin)
{
	return (struct kvm_irq_routing_entry){ .gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
					       .u.irqchip = { .irqchip = chip, .pin = pin } };
}

static struct kvm_irq_routing_entry msi_route(u32 gsi, u32 address, u32 data)
{
	return (struct kvm_irq_routing_entry){ .gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
					       .u.msi = { .address_lo = address, .data = data } };
}

static int line(unsigned int gsi, bool level)
{
	return rd_irqchip_set_gsi(&m.chip, gsi, RD_IRQ_SOURCE_USER, level);
}

static int msi(u64 address, u32 data)
{
	struct rd_msi message = { .address = address, .data = data };

	return rd_irqchip_msi(&m.chip, &message);
}

static int set_one(struct kvm_irq_routing_entry e)
{
	return rd_irqchip_set_routes(&m.chip, &e, 1);
}

START_TEST(creation)
{
	struct kvm_irqchip s = { .chip_id = 0 };
	unsigned int i;

	machine_destroy();
	machine_create(1, RD_IRQCHIP_NONE);
	ck_assert_int_eq(m.chip.mode, RD_IRQCHIP_NONE);
	ck_assert_int_eq(line(4, true), -1);
	line(4, false);
	ck_assert_int_eq(rd_irqchip_get_state(&m.chip, &s), -ENXIO);
	ck_assert_int_eq(rd_irqchip_set_state(&m.chip, &s), -ENXIO);
	ck_assert_int_eq(rd_irqchip_create_pit(&m.chip, 0), -ENOENT);
	ck_assert_int_eq(rd_irqchip_create_split(&m.chip, RD_MAX_GSI + 1), -EINVAL);
	for (i = 1; i <= 2; i++) {
		rd_shim_fail_alloc(i);
		ck_assert_int_eq(rd_irqchip_create(&m.chip), -ENOMEM);
		ck_assert_int_eq(m.chip.mode, RD_IRQCHIP_NONE);
	}
	rd_shim_fail_alloc(1);
	ck_assert_int_eq(rd_irqchip_create_split(&m.chip, 24), -ENOMEM);
	ck_assert_int_eq(m.chip.mode, RD_IRQCHIP_NONE);
	ck_assert_int_eq(rd_irqchip_create(&m.chip), 0);
	ck_assert_int_eq(rd_irqchip_create(&m.chip), -EEXIST);
	ck_assert_int_eq(rd_irqchip_create_split(&m.chip, 24), -EEXIST);
	ck_assert_int_eq(rd_irqchip_create_pit(&m.chip, 2), -EINVAL);
	ck_assert_int_eq(rd_irqchip_create_pit(&m.chip, KVM_PIT_SPEAKER_DUMMY), 0);
	ck_assert_int_eq(rd_irqchip_create_pit(&m.chip, 0), -EEXIST);
}
END_TEST

START_TEST(default_routes)
{
	unsigned int gsi;

	for (gsi = 0; gsi < 24; gsi++) {
		ioapic_redir(gsi, 0x40 + gsi);
		m.chip.pic.chip[0].irr = 0;
		m.chip.pic.chip[1].irr = 0;
		ck_assert_int_ge(line(gsi, true), 1);
		line(gsi, false);
		ck_assert(irr_has(m.lapic[0], 0x40 + gsi));
		ck_assert_int_eq(rd_irqchip_pin_gsi(&m.chip, KVM_IRQCHIP_IOAPIC, gsi), (int)gsi);
		ck_assert_uint_eq(m.chip.pic.chip[1].irr,
				  gsi >= 8 && gsi < 16 ? 1U << (gsi - 8) : 0);
		if (gsi < 8)
			ck_assert_uint_eq(m.chip.pic.chip[0].irr, gsi == 2 ? 0 : 1U << gsi);
	}
	ck_assert_int_eq(rd_irqchip_pin_gsi(&m.chip, KVM_IRQCHIP_PIC_SLAVE, 3), 11);
	ck_assert_int_eq(rd_irqchip_pin_gsi(&m.chip, KVM_IRQCHIP_PIC_MASTER, 2), -1);
	ck_assert_int_eq(rd_irqchip_pin_gsi(&m.chip, 3, 0), -1);
	ck_assert_int_eq(rd_irqchip_pin_gsi(&m.chip, 2, 24), -1);
	ck_assert_int_eq(line(24, true), -1);
	ck_assert_int_eq(line(RD_MAX_GSI, true), -1);
	ck_assert_int_eq(line(U32_MAX, true), -1);
}
END_TEST

START_TEST(bad_routes)
{
	struct kvm_irq_routing_entry e, two[2];
	struct rd_route_table *before = m.chip.routes;
	struct {
		struct kvm_irq_routing_entry e;
	} bad[] = {
		{ pin_route(RD_MAX_GSI, KVM_IRQCHIP_IOAPIC, 0) },
		{ pin_route(1, KVM_IRQCHIP_IOAPIC, 24) },
		{ pin_route(1, KVM_IRQCHIP_PIC_MASTER, 8) },
		{ pin_route(1, KVM_IRQCHIP_PIC_SLAVE, 8) },
		{ pin_route(1, 3, 0) },
		{ pin_route(1, U32_MAX, 0) },
		{ msi_route(RD_MAX_GSI, MSI_BASE, 0x40) },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_int_eq(set_one(bad[i].e), -EINVAL);
	e = pin_route(1, KVM_IRQCHIP_IOAPIC, 1);
	e.flags = 1;
	ck_assert_int_eq(set_one(e), -EINVAL);
	e = msi_route(1, MSI_BASE, 0x40);
	e.flags = 2;
	ck_assert_int_eq(set_one(e), -EINVAL);
	e.flags = KVM_MSI_VALID_DEVID;
	e.type = KVM_IRQ_ROUTING_HV_SINT;
	ck_assert_int_eq(set_one(e), -EINVAL);
	/* One pin per chip and GSI; a message stands alone. */
	two[0] = two[1] = pin_route(1, KVM_IRQCHIP_IOAPIC, 1);
	two[1].u.irqchip.pin = 2;
	ck_assert_int_eq(rd_irqchip_set_routes(&m.chip, two, 2), -EINVAL);
	two[1] = msi_route(1, MSI_BASE, 0x40);
	ck_assert_int_eq(rd_irqchip_set_routes(&m.chip, two, 2), -EINVAL);
	two[0] = msi_route(1, MSI_BASE, 0x41);
	ck_assert_int_eq(rd_irqchip_set_routes(&m.chip, two, 2), -EINVAL);
	ck_assert_int_eq(rd_irqchip_set_routes(&m.chip, two, RD_MAX_ROUTES + 1), -EINVAL);
	rd_shim_fail_alloc(1);
	ck_assert_int_eq(rd_irqchip_set_routes(&m.chip, two, 1), -ENOMEM);
	/* Nothing has changed. */
	ck_assert_ptr_eq(m.chip.routes, before);
	ck_assert_uint_eq(rd_shim_allocations(), 1);
	m.chip.x2apic_format = true;
	e = msi_route(1, MSI_BASE, 0x40);
	e.u.msi.address_hi = 0x100;
	ck_assert_int_eq(set_one(e), 0);
	e.u.msi.address_hi = 0x101;
	ck_assert_int_eq(set_one(e), -EINVAL);
}
END_TEST

START_TEST(replaced_routes)
{
	struct kvm_irq_routing_entry e[4] = { pin_route(0, KVM_IRQCHIP_IOAPIC, 2),
					      pin_route(9, KVM_IRQCHIP_PIC_SLAVE, 1),
					      msi_route(100, MSI_BASE | 1 << 12, 0x55),
					      pin_route(9, KVM_IRQCHIP_IOAPIC, 9) };
	struct rd_msi message;

	ioapic_redir(0, 0x61);
	ioapic_redir(2, 0x62);
	ioapic_redir(9, 0x69);
	m.chip.pic.chip[1].irq_base = 0x28;
	ck_assert_int_eq(rd_irqchip_set_routes(&m.chip, e, 4), 0);
	ck_assert_uint_eq(rd_shim_allocations(), 1);
	line(0, true);
	ck_assert(irr_has(m.lapic[0], 0x62) && !irr_has(m.lapic[0], 0x61));
	ck_assert_int_eq(line(9, true), 2);
	ck_assert(irr_has(m.lapic[0], 0x69));
	ck_assert_int_eq(m.chip.pic.chip[1].irr, 2);
	ck_assert_int_eq(line(100, true), 1);
	ck_assert(irr_has(m.lapic[1], 0x55));
	ck_assert_int_eq(line(100, false), -1);
	ck_assert_int_eq(line(4, true), -1);
	ck_assert(rd_irqchip_msi_route(&m.chip, 100, &message));
	ck_assert_uint_eq(message.data, 0x55);
	ck_assert_uint_eq(message.address, MSI_BASE | 1 << 12);
	ck_assert(!rd_irqchip_msi_route(&m.chip, 9, &message));
	ck_assert(!rd_irqchip_msi_route(&m.chip, 101, &message));
	ck_assert(!rd_irqchip_msi_route(&m.chip, RD_MAX_GSI, &message));
	ck_assert_int_eq(rd_irqchip_set_routes(&m.chip, NULL, 0), 0);
	ck_assert(!rd_irqchip_msi_route(&m.chip, 100, &message));
}
END_TEST

START_TEST(message_fixed)
{
	ck_assert_int_eq(msi(MSI_BASE | 2 << 12, 0x51), 1);
	ck_assert_uint_eq(m.kicks[2], 1);
	ck_assert_int_eq(msi(MSI_BASE | 2 << 12, 0x51), 0);
	ck_assert_uint_eq(m.kicks[2], 1);
	ck_assert_int_eq(apic_take(m.lapic[2]), 0x51);
	ck_assert_int_eq(msi(MSI_BASE | 99 << 12, 0x51), -1);
	ck_assert_int_eq(msi(MSI_BASE | 2 << 12, 0x0f), -1);
	ck_assert_int_eq(msi(MSI_BASE | 0xff << 12, 0x52), 4);
	ck_assert_int_eq(msi(MSI_BASE | 0xff << 12 | 4, 0x53), 4);
	/* Level-triggered: TMR, and the EOI finds no pin. */
	ck_assert_int_eq(msi(MSI_BASE | 1 << 12, 0xc061), 1);
	ck_assert(test_bit(0x61, m.lapic[1]->tmr));
}
END_TEST

START_TEST(message_modes)
{
	ck_assert_int_eq(msi(MSI_BASE | 1 << 12, 0x400), 1);
	ck_assert_uint_eq(m.lapic[1]->events, BIT(RD_LAPIC_EV_NMI));
	ck_assert_int_eq(msi(MSI_BASE | 1 << 12, 0x500), 1);
	ck_assert_int_eq(msi(MSI_BASE | 1 << 12, 0x200), 1);
	ck_assert_uint_eq(m.lapic[1]->events,
			  BIT(RD_LAPIC_EV_NMI) | BIT(RD_LAPIC_EV_INIT) | BIT(RD_LAPIC_EV_SMI));
	ck_assert_int_eq(msi(MSI_BASE | 1 << 12, 0x741), -1);
	ck_assert_int_eq(msi(MSI_BASE | 1 << 12, 0x141), 1);
	ck_assert(irr_has(m.lapic[1], 0x41));
}
END_TEST

START_TEST(message_logical)
{
	unsigned int i;

	for (i = 0; i < 4; i++)
		apic_write(m.lapic[i], RD_APIC_LDR, 1U << (24 + i));
	ck_assert_int_eq(msi(MSI_BASE | 6 << 12 | 4, 0x71), 2);
	ck_assert(irr_has(m.lapic[1], 0x71) && irr_has(m.lapic[2], 0x71));
	/* The hint turns several into one. */
	ck_assert_int_eq(msi(MSI_BASE | 6 << 12 | 0xc, 0x72), 1);
	ck_assert_int_eq(irr_has(m.lapic[1], 0x72) + irr_has(m.lapic[2], 0x72), 1);
	/* To x2APICs an 8-bit logical destination is cluster 0. */
	for (i = 0; i < 4; i++)
		apic_x2(m.lapic[i]);
	ck_assert_int_eq(msi(MSI_BASE | 5 << 12 | 4, 0x73), 2);
	ck_assert(irr_has(m.lapic[0], 0x73) && irr_has(m.lapic[2], 0x73));
}
END_TEST

/* Some in one mode and some in the other: each matches in its own way. */
START_TEST(message_logical_mixed)
{
	apic_write(m.lapic[0], RD_APIC_LDR, 0x04000000);
	apic_x2(m.lapic[2]);
	ck_assert_int_eq(msi(MSI_BASE | 4 << 12 | 4, 0x74), 2);
	ck_assert(irr_has(m.lapic[0], 0x74) && irr_has(m.lapic[2], 0x74));
	ck_assert_int_eq(msi(MSI_BASE | 1 << 12 | 4, 0x75), -1);
}
END_TEST

START_TEST(message_32_bit_ids)
{
	machine_add(200);
	m.chip.x2apic_format = true;
	ck_assert_int_eq(msi(MSI_BASE | 200 << 12, 0x41), 1);
	ck_assert_int_eq(msi(0x100ULL << 32 | MSI_BASE | 200 << 12, 0x42), -1);
	ck_assert_int_eq(msi(0x1ULL << 32 | MSI_BASE | 200 << 12, 0x42), -1);
	apic_x2(m.lapic[200]);
	ck_assert_int_eq(msi((0xcULL << 16 | 0x100) << 32 | MSI_BASE | 4, 0x43), 1);
	ck_assert(irr_has(m.lapic[200], 0x43));
	/* 0xff is everybody, until the VMM says that it is an id. */
	ck_assert_int_eq(msi(MSI_BASE | 0xff << 12, 0x44), 5);
	m.chip.x2apic_quirk_off = true;
	ck_assert_int_eq(msi(MSI_BASE | 0xff << 12, 0x45), 4);
	ck_assert(!irr_has(m.lapic[200], 0x45));
	ck_assert_int_eq(msi(0xffffff00ULL << 32 | MSI_BASE | 0xff << 12, 0x46), 5);
	/* Without the format the upper half means nothing. */
	m.chip.x2apic_format = false;
	ck_assert_int_eq(msi(0x101ULL << 32 | MSI_BASE | 2 << 12, 0x47), 1);
	ck_assert(irr_has(m.lapic[2], 0x47));
}
END_TEST

static void split_route(u32 gsi, u32 vector, bool level, u32 dest)
{
	ck_assert_int_eq(
		set_one(msi_route(gsi, MSI_BASE | dest << 12, vector | (level ? 0xc000 : 0))), 0);
}

START_TEST(split_eoi)
{
	struct rd_lapic *l = m.lapic[1];

	ck_assert_int_eq(set_one(pin_route(1, KVM_IRQCHIP_IOAPIC, 1)), -EINVAL);
	split_route(5, 0x61, true, 1);
	ck_assert_int_eq(line(5, true), 1);
	ck_assert_int_eq(apic_take(l), 0x61);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(m.user_eois, 1);
	ck_assert_uint_eq(m.user_eoi_vector, 0x61);
	ck_assert_uint_eq(m.user_eoi_id, 1);
	ck_assert(rd_irqchip_wants_eoi(&m.chip, 0x61));
	/* Edge of the same vector: no. */
	rd_lapic_deliver(l, RD_DM_FIXED, 0x61, false);
	apic_take(l);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(m.user_eois, 1);
	split_route(5, 0x61, false, 1);
	ck_assert(!rd_irqchip_wants_eoi(&m.chip, 0x61));
	line(5, true);
	apic_take(l);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(m.user_eois, 1);
	/* Level, but not one of the I/O APIC's pins. */
	split_route(24, 0x62, true, 1);
	line(24, true);
	apic_take(l);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(m.user_eois, 1);
	ck_assert(!rd_pic_port_read(&m.chip, 0x20, (u8 *)&m.user_eois));
}
END_TEST

/* The route goes while its interrupt is in service: user space still hears of the EOI. */
START_TEST(split_eoi_of_a_replaced_route)
{
	struct rd_lapic *l = m.lapic[0];

	split_route(5, 0x61, true, 0);
	line(5, true);
	ck_assert_int_eq(apic_take(l), 0x61);
	split_route(5, 0x81, true, 0);
	rd_lapic_eoi(l);
	ck_assert_uint_eq(m.user_eois, 1);
	ck_assert_uint_eq(m.user_eoi_vector, 0x61);
	split_route(5, 0x82, true, 0);
	ck_assert(!rd_irqchip_wants_eoi(&m.chip, 0x61));
	ck_assert(!rd_irqchip_wants_eoi(&m.chip, 0x81));
	ck_assert(rd_irqchip_wants_eoi(&m.chip, 0x82));
}
END_TEST

static void setup(void)
{
	machine_create(4, RD_IRQCHIP_KERNEL);
}

static void setup_split(void)
{
	machine_create(2, RD_IRQCHIP_SPLIT);
}

TCase *route_tests(void)
{
	TCase *tc = tcase_create("routes");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_test(tc, creation);
	tcase_add_test(tc, default_routes);
	tcase_add_test(tc, bad_routes);
	tcase_add_test(tc, replaced_routes);
	return tc;
}

TCase *msi_tests(void)
{
	TCase *tc = tcase_create("messages");

	tcase_add_checked_fixture(tc, setup, machine_destroy);
	tcase_add_test(tc, message_fixed);
	tcase_add_test(tc, message_modes);
	tcase_add_test(tc, message_logical);
	tcase_add_test(tc, message_logical_mixed);
	tcase_add_test(tc, message_32_bit_ids);
	return tc;
}

TCase *split_tests(void)
{
	TCase *tc = tcase_create("split");

	tcase_add_checked_fixture(tc, setup_split, machine_destroy);
	tcase_add_test(tc, split_eoi);
	tcase_add_test(tc, split_eoi_of_a_replaced_route);
	return tc;
}
