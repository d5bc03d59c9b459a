/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A VM's EPC (P): its map, the contents of its pages, what the VM's CPUs can do with enclaves, and
 * the VM's keys.
 * Invariant: a page has contents exactly while it is valid; they are host-kernel pages, on no list
 * of the VMM's memory, and zeroed before they go back.
 */
#ifndef RD_ENCLAVE_EPC_H
#define RD_ENCLAVE_EPC_H

#include "enclave/epcm.h"
#include "enclave/keys.h"

/* CPUID leaf 0x12, as the VM was told. */
struct rd_sgx_model {
	struct rd_attributes attributes; /* that a SECS may have */
	u32 miscselect;
	u8 size_bits; /* log2 of the largest enclave */
	u32 xsave_end[64]; /* of each component of XFRM in the standard format; 0: there is none */
};

/*
 * Bytes of an XSAVE area of the standard format with these components.  It fits in the first page
 * of an SSA frame: a model has no component that ends behind RD_SGX_PAGE.
 */
static inline u32 rd_xsave_size(const struct rd_sgx_model *m, u64 xfrm)
{
	u32 end = 576, i;

	for (i = 2; i < 63; i++)
		if (xfrm & BIT_ULL(i))
			end = max(end, m->xsave_end[i]);
	return end;
}

struct rd_epc {
	u64 base; /* guest-physical */
	u32 nr; /* pages */
	struct rd_epcm *map;
	u8 **page;
	struct rd_sgx_model model;
	struct rd_sgx_keys keys;
	u64 last_eid; /* atomic: enclave ids are never given twice */
	u64 last_version; /* atomic: so are versions of evicted pages, under one paging key */
	u32 used; /* atomic: pages with contents */
	/*
	 * Called when a page lost rights: on return no vCPU uses a translation to it that was made
	 * before. May sleep. NULL: there are none (tests).
	 */
	void (*revoke)(struct rd_epc *epc, u32 page);
};

/*
 * nr pages at base; model, keys and revoke are the caller's to fill.  0, -ENOMEM, -EINVAL (none, or
 * more than RD_EPC_MAX_PAGES).  May sleep.
 */
#define RD_EPC_MAX_PAGES (1U << 20)
int rd_epc_init(struct rd_epc *epc, u64 base, u32 nr);
/* All pages are free again, as after a reset of the machine. No leaf is at work, no thread inside.
 */
void rd_epc_clear(struct rd_epc *epc);
void rd_epc_destroy(struct rd_epc *epc);

/* Page number of a guest-physical address; RD_NO_PAGE: not in the EPC. */
static inline u32 rd_epc_index(const struct rd_epc *epc, u64 gpa)
{
	u64 n = (gpa - epc->base) / RD_SGX_PAGE;

	return gpa >= epc->base && n < epc->nr ? n : RD_NO_PAGE;
}

/* Contents for a free page, zeroed: 0, -ENOMEM. Owned; before the page becomes valid. May sleep. */
int rd_epc_fill(struct rd_epc *epc, u32 page);
/* Zero the contents and give them back. Owned; after the page became free and was revoked. */
void rd_epc_drop(struct rd_epc *epc, u32 page);

static inline struct rd_secs *rd_epc_secs(const struct rd_epc *epc, u32 page)
{
	return (struct rd_secs *)epc->page[page];
}

static inline struct rd_tcs *rd_epc_tcs(const struct rd_epc *epc, u32 page)
{
	return (struct rd_tcs *)epc->page[page];
}

static inline void rd_epc_revoke(struct rd_epc *epc, u32 page)
{
	if (epc->revoke)
		epc->revoke(epc, page);
}

/*
 * What the CPU keeps of an enclave in reserved4 of its SECS, so that it is evicted and loaded with
 * it: the measurement under way, and what EINIT took from SIGSTRUCT for reports and keys.
 */
struct rd_secs_own {
	u64 eid;
	struct rd_sha256 hash; /* until EINIT */
	u8 isvfamilyid[16], isvextprodid[16];
};

static inline struct rd_secs_own *rd_secs_own(struct rd_secs *s)
{
	/* reserved4 begins at 262: to the next multiple of eight. */
	return (struct rd_secs_own *)((u8 *)s + 264);
}

#endif
