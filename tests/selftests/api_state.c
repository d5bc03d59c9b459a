// SPDX-License-Identifier: GPL-2.0-only
/*
 * Machine state that snapshots and migration read and write back: what was read is accepted, and
 * each bad value is refused.
 */
#include "tests/selftests/lib/rdt.h"

static struct rdt_vcpu *one(uint32_t flags)
{
	return rdt_vcpu_new(rdt_vm_new(RDP_RAM_MIN, flags), 0);
}

static void mp_state(void)
{
	struct rdt_vm *vm = rdt_vm_new(RDP_RAM_MIN, RDP_IRQCHIP);
	struct rdt_vcpu *a = rdt_vcpu_new(vm, 0), *b = rdt_vcpu_new(vm, 1);
	struct kvm_mp_state s;

	RDT_OK(ioctl(a->fd, KVM_GET_MP_STATE, &s));
	RDT_EQ(s.mp_state, KVM_MP_STATE_RUNNABLE);
	RDT_OK(ioctl(b->fd, KVM_GET_MP_STATE, &s));
	RDT_EQ(s.mp_state, KVM_MP_STATE_UNINITIALIZED);
	s.mp_state = KVM_MP_STATE_HALTED;
	RDT_OK(ioctl(a->fd, KVM_SET_MP_STATE, &s));
	RDT_OK(ioctl(a->fd, KVM_GET_MP_STATE, &s));
	RDT_EQ(s.mp_state, KVM_MP_STATE_HALTED);
	s.mp_state = 99;
	RDT_ERRNO(ioctl(a->fd, KVM_SET_MP_STATE, &s), EINVAL);
	s.mp_state = KVM_MP_STATE_RUNNABLE;
	RDT_OK(ioctl(b->fd, KVM_SET_MP_STATE, &s));
	RDT_OK(ioctl(b->fd, KVM_GET_MP_STATE, &s));
	RDT_EQ(s.mp_state, KVM_MP_STATE_RUNNABLE);
}

/* A SIPI that waits is carried out before the state is told: nothing else saves it. */
static void mp_state_after_sipi(void)
{
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_SIPI_RECEIVED };
	struct kvm_vcpu_events e;
	struct kvm_sregs sregs;
	struct kvm_regs regs;
	int ap = rdt_vcpu_new(rdt_vm_new(RDP_RAM_MIN, RDP_IRQCHIP), 1)->fd;

	RDT_OK(ioctl(ap, KVM_GET_VCPU_EVENTS, &e));
	e.flags = KVM_VCPUEVENT_VALID_SIPI_VECTOR;
	e.sipi_vector = 0x9a;
	RDT_OK(ioctl(ap, KVM_SET_VCPU_EVENTS, &e));
	RDT_OK(ioctl(ap, KVM_SET_MP_STATE, &s));
	RDT_OK(ioctl(ap, KVM_GET_MP_STATE, &s));
	RDT_EQ(s.mp_state, KVM_MP_STATE_RUNNABLE);
	RDT_OK(ioctl(ap, KVM_GET_SREGS, &sregs));
	RDT_EQ(sregs.cs.selector, 0x9a00);
	RDT_EQ(sregs.cs.base, 0x9a000);
	RDT_OK(ioctl(ap, KVM_GET_REGS, &regs));
	RDT_EQ(regs.rip, 0);
}

static void mp_state_without_lapic(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_mp_state s = { .mp_state = KVM_MP_STATE_HALTED };

	RDT_ERRNO(ioctl(v->fd, KVM_SET_MP_STATE, &s), EINVAL);
	s.mp_state = KVM_MP_STATE_RUNNABLE;
	RDT_OK(ioctl(v->fd, KVM_SET_MP_STATE, &s));
}

static void vcpu_events(void)
{
	struct rdt_vcpu *v = one(RDP_IRQCHIP);
	struct kvm_vcpu_events a = { 0 }, b = { 0 };

	RDT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &a));
	RDT_EQ(a.exception.injected, 0);
	RDT_EQ(a.nmi.pending, 0);
	a.exception.injected = 1;
	a.exception.nr = 13;
	a.exception.has_error_code = 1;
	a.exception.error_code = 0x18;
	a.nmi.masked = 1;
	a.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW;
	a.interrupt.shadow = KVM_X86_SHADOW_INT_STI;
	RDT_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &a));
	RDT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &b));
	RDT_EQ(b.exception.injected, 1);
	RDT_EQ(b.exception.nr, 13);
	RDT_EQ(b.exception.error_code, 0x18);
	RDT_EQ(b.nmi.masked, 1);
	RDT_CHECK(b.interrupt.shadow);
}

static void vcpu_events_errors(void)
{
	struct rdt_vcpu *v = one(RDP_IRQCHIP);
	struct kvm_vcpu_events good = { 0 }, e;

	RDT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &good));
	e = good, e.flags = 0x80000000;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	e = good, e.exception.injected = 1, e.exception.nr = 32;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	e = good, e.exception.injected = 1, e.exception.nr = 2;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &e), EINVAL);
	RDT_OK(ioctl(v->fd, KVM_SET_VCPU_EVENTS, &good));
}

static void debugregs(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_debugregs a = { 0 }, b = { 0 };

	RDT_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &a));
	RDT_EQ(a.dr6 & 0xffff0ff0, 0xffff0ff0);
	RDT_EQ(a.dr7, 0x400);
	a.db[0] = 0x1000;
	a.db[3] = 0x3000;
	a.dr7 = 0x400 | 3;
	RDT_OK(ioctl(v->fd, KVM_SET_DEBUGREGS, &a));
	RDT_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &b));
	RDT_EQ(memcmp(a.db, b.db, sizeof(a.db)), 0);
	RDT_EQ(b.dr7, a.dr7);
	a.flags = 1;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_DEBUGREGS, &a), EINVAL);
	a.flags = 0;
	a.dr6 |= 1ull << 40;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_DEBUGREGS, &a), EINVAL);
	a.dr6 = b.dr6;
	a.dr7 |= 1ull << 40;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_DEBUGREGS, &a), EINVAL);
}

static void xsave(void)
{
	struct rdt_vcpu *v = one(0);
	long size = rdt_cap(v->vm->fd, KVM_CAP_XSAVE2);
	struct kvm_xsave *a, *b;

	if (size < (long)sizeof(*a))
		size = sizeof(*a);
	a = calloc(1, size);
	b = calloc(1, size);
	RDT_OK(ioctl(v->fd, KVM_GET_XSAVE, a));
	RDT_EQ(a->region[0] & 0xffff, 0x37f);
	RDT_EQ(a->region[6], 0x1f80);
	for (int i = 40; i < 104; i++)		/* XMM registers of the legacy area */
		a->region[i] = 0x01010101 * (i - 39);
	a->region[128] |= 3;			/* XSTATE_BV: x87 and SSE hold values */
	RDT_OK(ioctl(v->fd, KVM_SET_XSAVE, a));
	RDT_OK(ioctl(v->fd, KVM_GET_XSAVE, b));
	RDT_EQ(memcmp(a->region + 40, b->region + 40, 64 * 4), 0);
	if (rdt_cap(v->vm->fd, KVM_CAP_XSAVE2) > 0) {
		memset(b, 0, size);
		RDT_OK(ioctl(v->fd, KVM_GET_XSAVE2, b));
		RDT_EQ(memcmp(a->region + 40, b->region + 40, 64 * 4), 0);
	}
}

static void xsave_errors(void)
{
	struct rdt_vcpu *v = one(0);
	long size = rdt_cap(v->vm->fd, KVM_CAP_XSAVE2);
	struct kvm_xsave *a = calloc(1, size > (long)sizeof(*a) ? size : (long)sizeof(*a));

	RDT_OK(ioctl(v->fd, KVM_GET_XSAVE, a));
	a->region[129] |= 0x40000000;		/* a component that does not exist */
	RDT_ERRNO(ioctl(v->fd, KVM_SET_XSAVE, a), EINVAL);
	RDT_OK(ioctl(v->fd, KVM_GET_XSAVE, a));
	a->region[6] = 0xffffffff;		/* MXCSR with reserved bits */
	a->region[128] |= 2;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_XSAVE, a), EINVAL);
}

static void xcrs(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_xcrs x = { 0 };

	RDT_OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	if (!x.nr_xcrs)
		rdt_skip("the processor has no XSAVE");
	RDT_EQ(x.xcrs[0].xcr, 0);
	RDT_EQ(x.xcrs[0].value, 1);
	x.xcrs[0].value = 3;
	RDT_OK(ioctl(v->fd, KVM_SET_XCRS, &x));
	RDT_OK(ioctl(v->fd, KVM_GET_XCRS, &x));
	RDT_EQ(x.xcrs[0].value, 3);
	x.xcrs[0].value = 2;			/* x87 cannot be off */
	RDT_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.xcrs[0].value = 5;			/* AVX without SSE */
	RDT_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.xcrs[0].value = 1ull << 62 | 1;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.xcrs[0].value = 3;
	x.nr_xcrs = 100;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
	x.nr_xcrs = 1;
	x.flags = 1;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_XCRS, &x), EINVAL);
}

static void sregs2(void)
{
	struct rdt_vcpu *v = one(0);
	struct kvm_sregs2 s;
	struct kvm_sregs old;

	if (rdt_cap(v->vm->fd, KVM_CAP_SREGS2) <= 0)
		rdt_skip("no KVM_CAP_SREGS2");
	rdt_long_mode(v, 0x100000, 0x100000, 0);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS2, &s));
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &old));
	RDT_EQ(s.cr3, old.cr3);
	RDT_EQ(s.efer, old.efer);
	s.cr2 = 0x777000;
	RDT_OK(ioctl(v->fd, KVM_SET_SREGS2, &s));
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS2, &s));
	RDT_EQ(s.cr2, 0x777000);
	s.flags = 0x100;
	RDT_ERRNO(ioctl(v->fd, KVM_SET_SREGS2, &s), EINVAL);
}

static void nested_state(void)
{
	struct rdt_vcpu *v = one(0);
	struct {
		struct kvm_nested_state head;
		uint8_t room[8192];
	} s = { .head.size = sizeof(s) };

	if (rdt_cap(v->vm->fd, KVM_CAP_NESTED_STATE) <= 0)
		rdt_skip("no KVM_CAP_NESTED_STATE");
	RDT_OK(ioctl(v->fd, KVM_GET_NESTED_STATE, &s));
	RDT_CHECK(s.head.size >= 128);
	s.head.size = 4;
	RDT_ERRNO2(ioctl(v->fd, KVM_GET_NESTED_STATE, &s), EINVAL, E2BIG);
}

static void tsc_value(void)
{
	struct rdt_vcpu *v = one(0);
	uint64_t a = rdt_get_msr(v, 0x10), b;

	usleep(1000);
	b = rdt_get_msr(v, 0x10);
	RDT_CHECK(b > a);
	RDT_EQ(rdt_set_msr(v, 0x10, 1ull << 50), 1);
	b = rdt_get_msr(v, 0x10);
	RDT_CHECK(b >= 1ull << 50 && b < (1ull << 50) + (1ull << 40));
}

/* All that a migration moves, from one machine into a fresh one that goes on with it. */
static void move_machine(void)
{
	struct rdt_vm *vm = rdt_payload_vm("smoke", "message"), *to;
	struct rdt_vcpu *v = vm->vcpu[0], *w;
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_vcpu_events events;
	struct kvm_debugregs debug;
	struct kvm_xcrs xcrs;
	struct kvm_xsave *xsave = calloc(1, 65536);

	vm->shared->args[0] = 0x1234;
	RDT_EQ(rdt_until_sync(v), 1);
	/* The port write completes at the next entry: let it, without running the guest. */
	v->run->immediate_exit = 1;
	RDT_ERRNO(rdt_run_once(v), EINTR);
	rdt_get_regs(v, &regs);
	RDT_OK(ioctl(v->fd, KVM_GET_SREGS, &sregs));
	RDT_OK(ioctl(v->fd, KVM_GET_VCPU_EVENTS, &events));
	RDT_OK(ioctl(v->fd, KVM_GET_DEBUGREGS, &debug));
	RDT_OK(ioctl(v->fd, KVM_GET_XCRS, &xcrs));
	RDT_OK(ioctl(v->fd, KVM_GET_XSAVE, xsave));

	to = rdt_vm_new(RDP_RAM_MIN, vm->flags);
	memcpy(to->ram, vm->ram, RDP_RAM_MIN);
	w = rdt_vcpu_new(to, 0);
	RDT_OK(ioctl(w->fd, KVM_SET_SREGS, &sregs));
	rdt_set_regs(w, &regs);
	RDT_OK(ioctl(w->fd, KVM_SET_XCRS, &xcrs));
	RDT_OK(ioctl(w->fd, KVM_SET_XSAVE, xsave));
	RDT_OK(ioctl(w->fd, KVM_SET_DEBUGREGS, &debug));
	RDT_OK(ioctl(w->fd, KVM_SET_VCPU_EVENTS, &events));
	rdt_vm_free(vm);
	RDT_EQ(rdt_until_sync(w), 2);
	RDT_EQ(to->shared->results[0], 0x5678);
	rdt_finish(w);
}

static const struct rdt_test tests[] = {
	{ "mp_state", mp_state },
	{ "mp_state_after_sipi", mp_state_after_sipi },
	{ "mp_state_without_lapic", mp_state_without_lapic },
	{ "vcpu_events", vcpu_events },
	{ "vcpu_events_errors", vcpu_events_errors },
	{ "debugregs", debugregs },
	{ "xsave", xsave },
	{ "xsave_errors", xsave_errors },
	{ "xcrs", xcrs },
	{ "sregs2", sregs2 },
	{ "nested_state", nested_state },
	{ "tsc_value", tsc_value },
	{ "move_machine", move_machine },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
