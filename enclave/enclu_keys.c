// SPDX-License-Identifier: GPL-2.0-only
/*
 * ENCLU[EREPORT] and ENCLU[EGETKEY] (P): what an enclave can show of itself, and the keys that only
 * it gets.
 * Invariant: what other threads of the enclave could change meanwhile is copied once; the output is
 * written when nothing can fail any more, whole.
 */
#include "enclave/enter.h"
#include "enclave/leaf.h"
#include "vmm/gwalk.h"

#define STRUCT_ALIGN 512U
#define REPORTDATA_ALIGN 128U
#define KEY_ALIGN 16U
#define KEY_BYTES 16U

/* An operand: where it is, and the page, which is shared. */
struct operand {
	u8 *at;
	u32 page;
};

static void let_go(struct rd_leaf *l, const struct operand *o, unsigned int n)
{
	while (n--)
		rd_epcm_unshare(&l->epc->map[o[n].page]);
}

struct report {
	struct rd_targetinfo target;
	struct rd_report report;
};

static void describe(struct rd_report *r, struct rd_secs *s)
{
	const struct rd_secs_own *own = rd_secs_own(s);

	r->miscselect = s->miscselect;
	r->attributes = s->attributes;
	r->isvprodid = s->isvprodid;
	r->isvsvn = s->isvsvn;
	r->configsvn = s->configsvn;
	memcpy(r->mrenclave, s->mrenclave, sizeof(r->mrenclave));
	memcpy(r->mrsigner, s->mrsigner, sizeof(r->mrsigner));
	memcpy(r->configid, s->configid, sizeof(r->configid));
	memcpy(r->isvfamilyid, own->isvfamilyid, sizeof(r->isvfamilyid));
	memcpy(r->isvextprodid, own->isvextprodid, sizeof(r->isvextprodid));
}

enum { TARGET, DATA, OUTPUT };

static int make_report(struct rd_leaf *l, const struct operand *o)
{
	struct report *r = rd_host_zalloc(sizeof(*r));
	int ret;

	if (!r)
		return -ENOMEM;
	memcpy(&r->target, o[TARGET].at, sizeof(r->target));
	memcpy(r->report.reportdata, o[DATA].at, sizeof(r->report.reportdata));
	describe(&r->report, rd_epc_secs(l->epc, l->in->secs));
	ret = rd_keys_report(&l->epc->keys, &r->target, &r->report);
	if (!ret)
		memcpy(o[OUTPUT].at, &r->report, sizeof(r->report));
	rd_host_wipe(r, sizeof(*r));
	rd_host_free(r);
	return ret;
}

int rd_ereport(struct rd_leaf *l)
{
	static const struct {
		u8 gpr, acc;
		u16 len, align;
	} want[] = {
		[TARGET] = { RD_RBX, RD_ACC_READ, sizeof(struct rd_targetinfo), STRUCT_ALIGN },
		[DATA] = { RD_RCX, RD_ACC_READ, sizeof(((struct rd_report *)0)->reportdata),
			   REPORTDATA_ALIGN },
		[OUTPUT] = { RD_RDX, RD_ACC_WRITE, sizeof(struct rd_report), STRUCT_ALIGN },
	};
	struct operand o[ARRAY_SIZE(want)];
	unsigned int n;
	int ret = 0;

	for (n = 0; n < ARRAY_SIZE(want) && !ret; n++)
		ret = rd_leaf_inside(l, l->gpr[want[n].gpr], want[n].len, want[n].align,
				     want[n].acc, &o[n].at, &o[n].page);
	if (ret)
		n--; /* the last one was not had */
	else
		ret = make_report(l, o);
	let_go(l, o, n);
	return ret;
}

static int get_key(struct rd_leaf *l, const struct rd_keyrequest *r, u8 *out)
{
	struct rd_secs *s = rd_epc_secs(l->epc, l->in->secs);
	u8 key[KEY_BYTES];
	int ret;

	if (!rd_keyrequest_valid(r, s))
		return rd_leaf_gp(l);
	ret = rd_keys_get(&l->epc->keys, s, r, key);
	if (ret < 0)
		return ret;
	if (!ret)
		memcpy(out, key, sizeof(key));
	rd_host_wipe(key, sizeof(key));
	return rd_leaf_end(l, ret);
}

int rd_egetkey(struct rd_leaf *l)
{
	struct rd_keyrequest r;
	struct operand o[2];
	int ret;

	ret = rd_leaf_inside(l, l->gpr[RD_RBX], sizeof(r), STRUCT_ALIGN, RD_ACC_READ, &o[0].at,
			     &o[0].page);
	if (ret)
		return ret;
	ret = rd_leaf_inside(l, l->gpr[RD_RCX], KEY_BYTES, KEY_ALIGN, RD_ACC_WRITE, &o[1].at,
			     &o[1].page);
	if (ret) {
		let_go(l, o, 1);
		return ret;
	}
	memcpy(&r, o[0].at, sizeof(r));
	ret = get_key(l, &r, o[1].at);
	let_go(l, o, 2);
	return ret;
}
