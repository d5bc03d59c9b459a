// SPDX-License-Identifier: GPL-2.0-only
/* MSI-X registers (PCI Local Bus Specification, "MSI-X Capability and Table Structures"). */
#include "tools/src/vmctl/msix.h"

#include <linux/pci_regs.h>
#include <string.h>

#define ENTRY_LEN PCI_MSIX_ENTRY_SIZE
#define WORD_CTRL (PCI_MSIX_ENTRY_VECTOR_CTRL / 4)

static bool function_live(const struct rd_msix *x)
{
	return (x->control & (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL)) ==
	       PCI_MSIX_FLAGS_ENABLE;
}

/* Tell the host what vector V is now. Caller holds the lock. */
static void announce(struct rd_msix *x, unsigned int v)
{
	const uint32_t *e = x->table[v];
	struct rd_msi msi = {
		.address = e[0] | (uint64_t)e[1] << 32,
		.data = e[2],
		.masked = !function_live(x) || e[WORD_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT,
	};

	x->host.set(x->host.ctx, v, &msi);
}

void rd_msix_init(struct rd_msix *x, struct rd_pci_dev *pci, unsigned int n_vectors,
		  uint32_t table_off, uint32_t pba_off, struct rd_msix_host host)
{
	memset(x, 0, sizeof(*x));
	pthread_mutex_init(&x->lock, NULL);
	x->host = host;
	x->pci = pci;
	x->n = n_vectors;
	x->cap = rd_pci_add_cap(pci, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	rd_pci_set16(pci, x->cap + PCI_MSIX_FLAGS, (uint16_t)(n_vectors - 1));
	rd_pci_set32(pci, x->cap + PCI_MSIX_TABLE, table_off);
	rd_pci_set32(pci, x->cap + PCI_MSIX_PBA, pba_off);
	pci->writable[x->cap + PCI_MSIX_FLAGS + 1] =
		(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	for (unsigned int v = 0; v < n_vectors; v++)
		x->table[v][WORD_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

/* Double words, and quad words made of two; anything else is undefined to the driver as well. */
uint64_t rd_msix_table_read(struct rd_msix *x, uint64_t off, unsigned int size)
{
	uint64_t v = 0;

	if (size < 4 || off % size || off + size > x->n * ENTRY_LEN)
		return 0;
	pthread_mutex_lock(&x->lock);
	memcpy(&v, (uint8_t *)x->table + off, size);
	pthread_mutex_unlock(&x->lock);
	return v;
}

void rd_msix_table_write(struct rd_msix *x, uint64_t off, unsigned int size, uint64_t value)
{
	unsigned int v = (unsigned int)(off / ENTRY_LEN);
	uint32_t old[4];

	if (size < 4 || off % size || off + size > x->n * ENTRY_LEN)
		return;
	pthread_mutex_lock(&x->lock);
	memcpy(old, x->table[v], sizeof(old));
	memcpy((uint8_t *)x->table + off, &value, size);
	x->table[v][WORD_CTRL] &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
	/* Message words of a masked vector are not news: the unmasking announces them. */
	if (memcmp(old, x->table[v], sizeof(old)) &&
	    !(old[WORD_CTRL] & x->table[v][WORD_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT))
		announce(x, v);
	pthread_mutex_unlock(&x->lock);
}

uint64_t rd_msix_pba_read(struct rd_msix *x, uint64_t off, unsigned int size)
{
	uint64_t v = 0;

	pthread_mutex_lock(&x->lock);
	for (unsigned int i = 0; i < size * 8 && off * 8 + i < x->n; i++)
		if (x->host.pending(x->host.ctx, (unsigned int)off * 8 + i))
			v |= 1ull << i;
	pthread_mutex_unlock(&x->lock);
	return v;
}

void rd_msix_config_written(struct rd_msix *x, unsigned int reg, unsigned int size)
{
	unsigned int at = x->cap + PCI_MSIX_FLAGS;
	bool was;

	if (reg + size <= at || reg > at + 1)
		return;
	pthread_mutex_lock(&x->lock);
	was = function_live(x);
	x->control = rd_pci_get16(x->pci, at);
	if (function_live(x) != was)
		for (unsigned int v = 0; v < x->n; v++)
			if (!(x->table[v][WORD_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT))
				announce(x, v);
	pthread_mutex_unlock(&x->lock);
}

void rd_msix_signal(struct rd_msix *x, unsigned int v)
{
	if (v < x->n)
		x->host.signal(x->host.ctx, v);
}

void rd_msix_transfer(struct rd_msix *x, struct rd_pack *p)
{
	uint64_t pending = 0;

	for (unsigned int v = 0; v < x->n; v++)
		if (x->host.pending(x->host.ctx, v))
			pending |= 1ull << v;
	rd_pack_u64(p, &pending);
	for (unsigned int v = 0; v < x->n; v++)
		rd_pack_sized(p, x->table[v], sizeof(x->table[v]));
	x->loaded_pending = pending;
}

void rd_msix_loaded(struct rd_msix *x)
{
	pthread_mutex_lock(&x->lock);
	x->control = rd_pci_get16(x->pci, x->cap + PCI_MSIX_FLAGS);
	for (unsigned int v = 0; v < x->n; v++) {
		x->table[v][WORD_CTRL] &= PCI_MSIX_ENTRY_CTRL_MASKBIT;
		if (!(x->table[v][WORD_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT))
			announce(x, v);
	}
	pthread_mutex_unlock(&x->lock);
	for (unsigned int v = 0; v < x->n; v++)
		if (x->loaded_pending >> v & 1)
			rd_msix_signal(x, v);
}
_Static_assert(RD_MSIX_VECTORS_MAX <= 64, "pending vectors are bits of one word");
