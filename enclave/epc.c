// SPDX-License-Identifier: GPL-2.0-only
/*
 * The EPC's memory (P).
 * Invariant: as in enclave/epc.h.
 */
#include "enclave/epc.h"

int rd_epc_init(struct rd_epc *epc, u64 base, u32 nr)
{
	u32 i;

	memset(epc, 0, sizeof(*epc));
	if (!nr || nr > RD_EPC_MAX_PAGES || base & ~RD_PAGE_MASK)
		return -EINVAL;
	epc->map = rd_host_zalloc(nr * sizeof(*epc->map));
	epc->page = rd_host_zalloc(nr * sizeof(*epc->page));
	if (!epc->map || !epc->page) {
		rd_epc_destroy(epc);
		return -ENOMEM;
	}
	for (i = 0; i < nr; i++)
		epc->map[i].secs = RD_NO_PAGE;
	epc->base = base;
	epc->nr = nr;
	return 0;
}

static void count(u32 *n, u32 by)
{
	u32 was = READ_ONCE(*n), seen;

	for (; (seen = cmpxchg(n, was, was + by)) != was; was = seen)
		;
}

int rd_epc_fill(struct rd_epc *epc, u32 page)
{
	epc->page[page] = rd_host_page_alloc();
	if (!epc->page[page])
		return -ENOMEM;
	count(&epc->used, 1);
	return 0;
}

void rd_epc_drop(struct rd_epc *epc, u32 page)
{
	if (!epc->page[page])
		return;
	rd_host_wipe(epc->page[page], RD_SGX_PAGE);
	rd_host_page_free(epc->page[page]);
	epc->page[page] = NULL;
	count(&epc->used, -1U);
}

void rd_epc_clear(struct rd_epc *epc)
{
	u32 i;

	for (i = 0; i < epc->nr; i++) {
		struct rd_epcm *e = &epc->map[i];

		if (rd_epcm_valid(e)) {
			*e = (struct rd_epcm){ .secs = RD_NO_PAGE };
			rd_epc_revoke(epc, i);
		}
		rd_epc_drop(epc, i);
	}
}

void rd_epc_destroy(struct rd_epc *epc)
{
	rd_epc_clear(epc);
	rd_host_free(epc->map);
	rd_host_free(epc->page);
	memset(epc, 0, sizeof(*epc));
}
