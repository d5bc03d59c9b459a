// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EPCM (P): locks, tracking, and what it says of an access. The transitions are in
 * epcm_page.c and epcm_dyn.c.
 * Invariant: as in enclave/epcm.h.
 */
#include "enclave/epc.h"
#include "enclave/holes.h"
#include "vmm/gwalk.h"

bool rd_epcm_share(struct rd_epcm *e)
{
	u32 was = READ_ONCE(e->lock), seen;

	for (;; was = seen) {
		if (was >= RD_EPCM_EXCLUSIVE - 1)
			return false;
		seen = cmpxchg(&e->lock, was, was + 1);
		if (seen == was)
			return true;
	}
}

void rd_epcm_unshare(struct rd_epcm *e)
{
	u32 was = READ_ONCE(e->lock), seen;

	for (;; was = seen) {
		seen = cmpxchg(&e->lock, was, was - 1);
		if (seen == was)
			return;
	}
}

bool rd_epcm_own(struct rd_epcm *e)
{
	return cmpxchg(&e->lock, 0U, RD_EPCM_EXCLUSIVE) == 0;
}

void rd_epcm_disown(struct rd_epcm *e)
{
	smp_store_release(&e->lock, 0U);
}

/*
 * track: the epoch in bits 63:32, the threads that came before it in 31:16, those that came in it
 * in 15:0. There are fewer vCPUs than either can count.
 */
#define EPOCH(t) ((u32)((t) >> 32))
#define BEFORE(t) ((t)&0xffff0000ULL)
#define OURS(t) ((t)&0xffffULL)

u32 rd_track_enter(struct rd_epcm *e)
{
	u64 was = READ_ONCE(e->track), seen;

	for (;; was = seen) {
		seen = cmpxchg(&e->track, was, was + 1);
		if (seen == was)
			return EPOCH(was);
	}
}

void rd_track_leave(struct rd_epcm *e, u32 epoch)
{
	u64 was = READ_ONCE(e->track), seen;

	for (;; was = seen) {
		seen = cmpxchg(&e->track, was, was - (EPOCH(was) == epoch ? 1 : 0x10000));
		if (seen == was)
			return;
	}
}

bool rd_track_begin(struct rd_epcm *e)
{
	u64 was = READ_ONCE(e->track), seen;

	for (;; was = seen) {
		if (BEFORE(was))
			return false;
		seen = cmpxchg(&e->track, was, (u64)(EPOCH(was) + 1) << 32 | OURS(was) << 16);
		if (seen == was)
			return true;
	}
}

bool rd_track_any(const struct rd_epcm *e)
{
	return (u32)READ_ONCE(e->track);
}

u32 rd_track_epoch(const struct rd_epcm *e)
{
	return EPOCH(READ_ONCE(e->track));
}

bool rd_track_done(const struct rd_epcm *e, u32 stamp)
{
	u64 now = READ_ONCE(e->track);
	u32 since = EPOCH(now) - stamp;

	/* The second ETRACK since then could begin only when they all had left. */
	return since > 1 || (since == 1 && !BEFORE(now));
}

/*
 * EBLOCK does not wait for EMODPR, nor the other way round, and ETRACK waits for neither: of two
 * stamps at the same time the earlier epoch must not stay, or threads of the later one are not
 * waited for.  Whoever writes last has written the epoch that it then still finds.
 */
void rd_track_stamp(struct rd_epc *epc, u32 page)
{
	struct rd_epcm *e = &epc->map[page];
	const struct rd_epcm *secs = &epc->map[e->secs];
	u32 epoch;

	do {
		epoch = rd_track_epoch(secs);
		(void)xchg(&e->stamp, epoch);
	} while (rd_track_epoch(secs) != epoch);
}

u32 rd_epcm_check(const struct rd_epcm *e, u32 secs, u64 la, unsigned int acc, u64 *rights)
{
	u64 state = smp_load_acquire(&e->state), need = 0;
	u32 error = RD_PF_SGX | RD_PF_P;

	if (acc & RD_ACC_FETCH) {
		need |= RD_SI_X;
		error |= RD_PF_I;
	}
	if (acc & RD_ACC_WRITE) {
		need |= RD_SI_W;
		error |= RD_PF_W;
	}
	if (acc & RD_ACC_READ)
		need |= RD_SI_R;
	if ((state & (RD_EPCM_VALID | RD_EPCM_BLOCKED | RD_SI_PENDING | RD_SI_MODIFIED |
		      RD_SI_PT_MASK)) != (RD_EPCM_VALID | RD_SI_PT(RD_PT_REG)))
		return error;
	if (READ_ONCE(e->secs) != secs && !RD_HOLE(OWNER))
		return error;
	if (READ_ONCE(e->addr) != (la & RD_PAGE_MASK) && !RD_HOLE(ADDRESS))
		return error;
	if ((state & need) != need)
		return error;
	*rights = state & RD_SI_RWX;
	return 0;
}
