// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host wants of the driver in the guest, and what that driver last said of itself (K).
 * Invariant: the host's half of w->driver is written by the host only, the driver's half by the
 * driver only; nothing in the module relies on what the driver says.
 */
#include "vmm/trace.h"
#include "vmm/vm.h"

/* The driver's half comes first. */
#define TOLD offsetof(struct rd_guest_driver, want)

void rd_trace_want_init(struct rd_trace *t)
{
	spin_lock_init(&t->want.lock);
	t->want.driver.allow = RD_ALLOW_ALL;
	t->want.driver.action[0] = RD_TRACE_LOG;
	t->want.driver.action[1] = RD_TRACE_REFUSE;
}

/* All but want, allow and action is 0. */
static bool rest_is_zero(const struct rd_guest_driver_status *s)
{
	struct rd_guest_driver_status zero = *s;

	zero.driver.want = 0;
	zero.driver.allow = 0;
	memset(zero.driver.action, 0, sizeof(zero.driver.action));
	return !memchr_inv(&zero, 0, sizeof(zero));
}

/* RD_TRACE_ASK: the driver would be asked about what it has been asked about. */
static bool want_ok(const struct rd_guest_driver_status *s)
{
	const struct rd_guest_driver *d = &s->driver;

	return d->want <= 1 && !(d->allow & ~RD_ALLOW_ALL) && rd_trace_actions_ok(d->action) &&
	       !memchr(d->action, RD_TRACE_ASK, sizeof(d->action)) && rest_is_zero(s);
}

int rd_trace_want(struct rd_vm *vm, const struct rd_guest_driver_status *s)
{
	struct rd_trace *t;

	if (!want_ok(s))
		return -EINVAL;
	t = rd_trace_get(vm);
	if (IS_ERR(t))
		return PTR_ERR(t);
	spin_lock(&t->want.lock);
	memcpy((u8 *)&t->want.driver + TOLD, (const u8 *)&s->driver + TOLD,
	       sizeof(s->driver) - TOLD);
	spin_unlock(&t->want.lock);
	return 0;
}

void rd_trace_driver(struct rd_vm *vm, struct rd_guest_driver_status *s)
{
	struct rd_trace *t = READ_ONCE(vm->trace);

	s->age_ns = ~0ULL;
	if (!t)
		return;
	spin_lock(&t->want.lock);
	s->driver = t->want.driver;
	/* Under the lock: a later call of the driver cannot make this negative. */
	if (t->want.called)
		s->age_ns = rd_host_now_ns() - t->want.called_ns;
	spin_unlock(&t->want.lock);
}

long rd_trace_hc_driver(struct rd_vcpu *v, u64 gpa)
{
	struct rd_trace *t = rd_trace_get(v->vm);
	struct rd_guest_driver said;

	if (IS_ERR(t))
		return PTR_ERR(t);
	if ((gpa & ~RD_PAGE_MASK) > RD_PAGE_SIZE - sizeof(said) ||
	    rd_vcpu_read_gpa(v, gpa, &said, sizeof(said)))
		return -EFAULT;
	spin_lock(&t->want.lock);
	memcpy(&t->want.driver, &said, TOLD);
	t->want.called = true;
	t->want.called_ns = rd_host_now_ns();
	said = t->want.driver;
	spin_unlock(&t->want.lock);
	return rd_vcpu_write_gpa(v, gpa + TOLD, (u8 *)&said + TOLD, sizeof(said) - TOLD);
}
