// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine of the tests of enclave/.
 * Invariant: as in enclave_world.h.
 */
#include "tests/unit/enclave_world.h"
#include "tests/unit/host_shim.h"
#include "vmm/gwalk.h"

struct world w;

static void die(const char *what)
{
	fprintf(stderr, "enclave_world: %s\n", what);
	abort();
}

static int page_fault(struct rd_leaf *l, u64 la, unsigned int acc, u32 present)
{
	return rd_leaf_pf(l, la,
			  present | (acc & RD_ACC_WRITE ? RD_PF_W : 0) |
				  (acc & RD_ACC_FETCH ? RD_PF_I : 0) | (l->user ? RD_PF_U : 0));
}

static int translate(struct rd_leaf *l, u64 la, unsigned int acc, u64 *gpa)
{
	unsigned int i;

	if (la - W_RAM < sizeof(w.ram)) {
		*gpa = la;
		return 0;
	}
	if (!l->in && la - W_EPC < W_EPC_NR * 4096ULL) {
		*gpa = la - W_EPC + W_EPC_BASE;
		return 0;
	}
	for (i = 0; i < w.maps; i++)
		if (w.map[i].la == (la & RD_PAGE_MASK) && w.map[i].acc) {
			*gpa = w.map[i].gpa | (la & ~RD_PAGE_MASK);
			return (acc & ~w.map[i].acc) ? page_fault(l, la, acc, RD_PF_P) : 0;
		}
	return page_fault(l, la, acc, 0);
}

/* The byte at la; NULL: in the EPC, or *fault. */
static u8 *byte_at(struct rd_leaf *l, u64 la, unsigned int acc, int *fault)
{
	u64 gpa;

	*fault = translate(l, la, acc, &gpa);
	return *fault || gpa - W_RAM >= sizeof(w.ram) ? NULL : &w.ram[gpa - W_RAM];
}

/* All of it, the usual case; NULL: byte by byte. */
static u8 *ram_at(u64 la, unsigned int len)
{
	return la - W_RAM <= sizeof(w.ram) - len ? &w.ram[la - W_RAM] : NULL;
}

static int read_bytes(struct rd_leaf *l, u64 la, void *buf, unsigned int len)
{
	const u8 *ram = ram_at(la, len);
	unsigned int i;
	int fault;

	if (ram) {
		memcpy(buf, ram, len);
		return 0;
	}
	for (i = 0; i < len; i++) {
		u8 *b = byte_at(l, la + i, RD_ACC_READ, &fault);

		if (fault)
			return fault;
		((u8 *)buf)[i] = b ? *b : 0xff;
	}
	return 0;
}

static int write_bytes(struct rd_leaf *l, u64 la, const void *buf, unsigned int len)
{
	u8 *ram = ram_at(la, len);
	unsigned int i;
	int fault;

	if (ram) {
		memcpy(ram, buf, len);
		return 0;
	}
	for (i = 0; i < len; i++) {
		byte_at(l, la + i, RD_ACC_WRITE, &fault);
		if (fault)
			return fault;
	}
	for (i = 0; i < len; i++) {
		u8 *b = byte_at(l, la + i, RD_ACC_WRITE, &fault);

		if (b)
			*b = ((const u8 *)buf)[i];
	}
	return 0;
}

static void xsave(struct rd_leaf *l, u8 *area, u64 xfrm)
{
	memcpy(area, w.xstate, rd_xsave_size(&l->epc->model, xfrm));
}

static bool xrstor(struct rd_leaf *l, const u8 *area, u64 xfrm)
{
	if (!w.xrstor_refuses)
		memcpy(w.xstate, area, rd_xsave_size(&l->epc->model, xfrm));
	return !w.xrstor_refuses;
}

static void xinit(struct rd_leaf *l, u64 xfrm)
{
	memset(w.xstate, 0, rd_xsave_size(&l->epc->model, xfrm));
}

static const struct rd_leaf_ops ops = {
	.translate = translate,
	.read = read_bytes,
	.write = write_bytes,
	.xsave = xsave,
	.xrstor = xrstor,
	.xinit = xinit,
};

static void revoke(struct rd_epc *epc, u32 page)
{
	(void)epc;
	w.revoked++;
	w.last_revoked = page;
}

void world_reset(bool has_keys)
{
	static const u8 root[RD_ROOT_KEY_BYTES];

	memset(&w, 0, sizeof(w));
	rd_shim_reset();
	if (rd_epc_init(&w.epc, W_EPC_BASE, W_EPC_NR))
		die("no EPC");
	w.epc.model = (struct rd_sgx_model){
		.attributes = { RD_ATTR_DEBUG | RD_ATTR_MODE64 | RD_ATTR_PROVISIONKEY |
					RD_ATTR_EINITTOKENKEY | RD_ATTR_KSS | RD_ATTR_AEXNOTIFY,
				7 },
		.miscselect = RD_MISC_EXINFO,
		.size_bits = 36,
		.xsave_end[2] = 832,
	};
	w.epc.revoke = revoke;
	if (has_keys && rd_keys_init(&w.epc.keys, root))
		die("no keys");
	w.l = (struct rd_leaf){
		.epc = &w.epc,
		.ops = &ops,
		.stay = &w.stay,
		.xbuf = w.xbuf,
		.va_bits = 48,
		.xcr0 = 7,
		.osfxsr = true,
		.osxsave = true,
		.rip = 0x401000,
		.rflags = 0x202,
	};
}

void world_end(void)
{
	if (w.epc.keys.paging)
		rd_keys_destroy(&w.epc.keys);
	rd_epc_destroy(&w.epc);
	if (rd_shim_allocations())
		die("memory has leaked");
}

void world_map(u64 la, u64 gpa, unsigned int acc)
{
	unsigned int i;

	for (i = 0; i < w.maps && w.map[i].la != la; i++)
		;
	if (i == W_MAPS)
		die("too many mappings");
	w.map[i].la = la;
	w.map[i].gpa = gpa;
	w.map[i].acc = acc;
	if (i == w.maps)
		w.maps++;
}

int w_encls(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx)
{
	w.l.gpr[RD_RAX] = leaf;
	w.l.gpr[RD_RBX] = rbx;
	w.l.gpr[RD_RCX] = rcx;
	w.l.gpr[RD_RDX] = rdx;
	return rd_encls(&w.l);
}

int w_enclu(unsigned int leaf, u64 rbx, u64 rcx, u64 rdx)
{
	w.l.gpr[RD_RAX] = leaf;
	w.l.gpr[RD_RBX] = rbx;
	w.l.gpr[RD_RCX] = rcx;
	w.l.gpr[RD_RDX] = rdx;
	return rd_enclu(&w.l);
}
