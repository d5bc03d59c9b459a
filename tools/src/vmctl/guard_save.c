// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host wants of the guest's driver, in a snapshot.
 * Invariant: a machine of which nothing is wanted has no such section.
 */
#include "tools/src/vmctl/guard.h"
#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/traces.h"
#include "tools/src/vmctl/util.h"

#include <string.h>

void rd_guard_transfer(struct rd_guest_driver *want, struct rd_pack *p)
{
	uint32_t allow = want->allow;

	rd_pack_u32(p, &allow);
	rd_pack_bytes(p, want->action, sizeof(want->action));
	if (!p->loading)
		return;
	want->want = 1;
	want->allow = allow;
	if (allow & ~(uint32_t)RD_ALLOW_ALL)
		p->bad = true;
}

int rd_guard_save(const struct rd_machine *m, struct rd_stream *s)
{
	struct rd_guest_driver_status driver;
	struct rd_pack p;
	int status;

	if (!rd_traces_driver(m, &driver) || !driver.driver.want)
		return RD_OK;
	rd_pack_save(&p);
	rd_guard_transfer(&driver.driver, &p);
	if (rd_pack_ok(&p))
		status = rd_stream_put(s, RD_SECTION_GUARD, 0, p.data, p.len, NULL, 0);
	else
		status = rd_fail(RD_HOST_ERROR, "out of memory");
	rd_pack_free(&p);
	return status;
}

int rd_guard_load(struct rd_machine *m, const struct rd_stream *s,
		  const struct rd_section *section)
{
	struct rd_guest_driver want = { 0 };
	struct rd_pack p;
	int err;

	rd_pack_load(&p, section->data, section->len);
	rd_guard_transfer(&want, &p);
	if (section->instance || !rd_pack_ok(&p))
		return rd_stream_damaged(s, "what is wanted of no guest");
	if (!m->traces.supported)
		return rd_fail(RD_USAGE, "%s: the guest's kernel is to be guarded, %s cannot",
			       s->name, m->kvm->node);
	err = rd_traces_want(m, want.want, want.allow, want.action);
	if (!err)
		return RD_OK;
	return rd_fail(RD_USAGE, "%s: %s refuses to guard the guest's kernel: %s", s->name,
		       m->kvm->node, strerror(err));
}
