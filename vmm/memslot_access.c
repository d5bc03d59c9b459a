// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads and writes of guest memory by the module, through the VMM's own mapping of it (K).
 * Invariant: every write has asked the write traces, and goes through slot_write() or
 * slot_cmpxchg(), which refuse read-only slots and record the page as dirty after the data is there
 * (before, a reader of the log could take the bit and miss the data).
 */
#include <linux/highmem.h>
#include <linux/mm.h>
#include <linux/uaccess.h>
#include "vmm/memslot.h"
#include "vmm/vm.h"

/* Bytes from gpa to the end of the slot, at most len. */
static unsigned int slot_run(const struct rd_slot *s, u64 gpa, unsigned int len)
{
	return min_t(u64, len, ((s->base_gfn + s->npages) << RD_PAGE_SHIFT) - gpa);
}

static void __user *slot_ptr(const struct rd_slot *s, u64 gpa)
{
	return (void __user *)(s->hva + (gpa - (s->base_gfn << RD_PAGE_SHIFT)));
}

/* Register sizes are worth a load of their own; access_ok() was done for the whole slot. */
static int slot_read(const struct rd_slot *s, u64 gpa, void *buf, unsigned int len)
{
	void __user *p = slot_ptr(s, gpa);

	if (len != sizeof(u64) && len != sizeof(u32))
		return raw_copy_from_user(buf, p, len) ? -EFAULT : 0;
	if (!user_access_begin(p, len))
		return -EFAULT;
	if (len == sizeof(u64))
		unsafe_get_user(*(u64 *)buf, (u64 __user *)p, fault);
	else
		unsafe_get_user(*(u32 *)buf, (u32 __user *)p, fault);
	user_access_end();
	return 0;
fault:
	user_access_end();
	return -EFAULT;
}

static void slot_dirty_range(struct rd_vcpu *v, struct rd_slot *s, u64 gpa, unsigned int len)
{
	u64 gfn = gpa >> RD_PAGE_SHIFT;

	if (likely(!rd_slot_logs(s)))
		return;
	/* The data must be out before the bit is looked at, or a bit that is just taken looks set.
	 */
	smp_mb();
	for (; gfn <= (gpa + len - 1) >> RD_PAGE_SHIFT; gfn++)
		rd_mark_dirty(v, s, gfn);
}

static int slot_write(struct rd_vcpu *v, struct rd_slot *s, u64 gpa, const void *buf,
		      unsigned int len)
{
	if (s->flags & KVM_MEM_READONLY)
		return -EFAULT;
	if (raw_copy_to_user(slot_ptr(s, gpa), buf, len))
		return -EFAULT;
	slot_dirty_range(v, s, gpa, len);
	return 0;
}

int rd_vcpu_read_gpa(struct rd_vcpu *v, u64 gpa, void *buf, unsigned int len)
{
	while (len) {
		struct rd_slot *s = rd_vcpu_slot(v, gpa >> RD_PAGE_SHIFT);
		unsigned int n;

		if (!s)
			return -EFAULT;
		n = slot_run(s, gpa, len);
		if (slot_read(s, gpa, buf, n))
			return -EFAULT;
		gpa += n;
		buf += n;
		len -= n;
	}
	return 0;
}

int rd_vcpu_write_gpa_asked(struct rd_vcpu *v, u64 gpa, const void *buf, unsigned int len)
{
	while (len) {
		struct rd_slot *s = rd_vcpu_slot(v, gpa >> RD_PAGE_SHIFT);
		unsigned int n;

		if (!s)
			return -EFAULT;
		n = slot_run(s, gpa, len);
		if (slot_write(v, s, gpa, buf, n))
			return -EFAULT;
		gpa += n;
		buf += n;
		len -= n;
	}
	return 0;
}

/* Does a write trace stop it? Page by page, before any of it is written. */
static bool stopped(struct rd_vcpu *v, u64 gpa, const void *buf, unsigned int len)
{
	bool stop = false;

	while (len) {
		unsigned int n = min_t(u64, len, RD_PAGE_SIZE - (gpa & ~RD_PAGE_MASK));

		if (unlikely(rd_prot_traced(&v->vm->mmu.prot, gpa >> RD_PAGE_SHIFT)))
			stop |= rd_trace_stops_module(v, gpa, buf, n);
		gpa += n;
		buf += n;
		len -= n;
	}
	return stop;
}

int rd_vcpu_write_gpa(struct rd_vcpu *v, u64 gpa, const void *buf, unsigned int len)
{
	if (stopped(v, gpa, buf, len))
		return -EFAULT;
	return rd_vcpu_write_gpa_asked(v, gpa, buf, len);
}

/* For callers without a vCPU. */
int rd_vm_read_gpa(struct rd_vm *vm, u64 gpa, void *buf, unsigned int len)
{
	struct rd_slots *slots;
	int idx, ret = 0;

	if (current->mm != vm->mm)
		return -EFAULT;
	idx = srcu_read_lock(&vm->srcu);
	slots = srcu_dereference(vm->slots, &vm->srcu);
	while (len && !ret) {
		struct rd_slot *s = rd_slot_find(slots, gpa >> RD_PAGE_SHIFT);
		unsigned int n = s ? slot_run(s, gpa, len) : 0;

		ret = s ? slot_read(s, gpa, buf, n) : -EFAULT;
		buf += n;
		gpa += n;
		len -= n;
	}
	srcu_read_unlock(&vm->srcu, idx);
	return ret;
}

/* --- compare and exchange --------------------------------------------------------------------- */

static bool cmpxchg16(void *p, u64 *old, const u64 *new_val)
{
	bool done;

	asm volatile("lock cmpxchg16b %1"
		     : "=@ccz"(done), "+m"(*(u64(*)[2])p), "+a"(old[0]), "+d"(old[1])
		     : "b"(new_val[0]), "c"(new_val[1])
		     : "memory");
	return done;
}

/* The kernel has no user-memory form for 16 bytes: pin the page and use its kernel mapping. */
static int user_cmpxchg16(void __user *p, void *old, const void *new_val)
{
	struct page *page;
	char *map;
	bool done;

	if (!IS_ALIGNED((unsigned long)p, 16) ||
	    get_user_pages_fast((unsigned long)p, 1, FOLL_WRITE, &page) != 1)
		return -EFAULT;
	map = kmap_local_page(page);
	done = cmpxchg16(map + offset_in_page(p), old, new_val);
	kunmap_local(map);
	set_page_dirty_lock(page);
	put_page(page);
	return !done;
}

#define USER_CMPXCHG(type)                                                                         \
	unsafe_try_cmpxchg_user((type __user *)p, (type *)old, *(const type *)new_val, fault)

static int user_cmpxchg(void __user *p, void *old, const void *new_val, unsigned int len)
{
	bool done = false;

	if (!user_access_begin(p, len))
		return -EFAULT;
	switch (len) {
	case 1:
		done = USER_CMPXCHG(u8);
		break;
	case 2:
		done = USER_CMPXCHG(u16);
		break;
	case 4:
		done = USER_CMPXCHG(u32);
		break;
	case 8:
		done = USER_CMPXCHG(u64);
		break;
	}
	user_access_end();
	return !done;
fault:
	user_access_end();
	return -EFAULT;
}

static int plain_cmpxchg(void __user *p, void *old, const void *new_val, unsigned int len)
{
	u8 found[16];

	if (raw_copy_from_user(found, p, len))
		return -EFAULT;
	if (memcmp(found, old, len)) {
		memcpy(old, found, len);
		return 1;
	}
	return raw_copy_to_user(p, new_val, len) ? -EFAULT : 0;
}

static int slot_cmpxchg(struct rd_vcpu *v, struct rd_slot *s, u64 gpa, void *old,
			const void *new_val, unsigned int len)
{
	void __user *p = slot_ptr(s, gpa);
	int ret;

	if (s->flags & KVM_MEM_READONLY)
		return -EFAULT;
	if (len == 16)
		ret = user_cmpxchg16(p, old, new_val);
	else if ((gpa & 63) + len > 64)
		ret = plain_cmpxchg(p, old, new_val, len);
	else
		ret = user_cmpxchg(p, old, new_val, len);
	if (ret >= 0)
		slot_dirty_range(v, s, gpa, len);
	return ret;
}

int rd_vcpu_cmpxchg_gpa_asked(struct rd_vcpu *v, u64 gpa, void *old, const void *new_val,
			      unsigned int len)
{
	struct rd_slot *s = rd_vcpu_slot(v, gpa >> RD_PAGE_SHIFT);

	if (!s || !is_power_of_2(len) || len > 16 || (gpa & ~RD_PAGE_MASK) + len > RD_PAGE_SIZE)
		return -EFAULT;
	return slot_cmpxchg(v, s, gpa, old, new_val, len);
}

int rd_vcpu_cmpxchg_gpa(struct rd_vcpu *v, u64 gpa, void *old, const void *new_val,
			unsigned int len)
{
	if (memcmp(old, new_val, len) && stopped(v, gpa, new_val, len))
		return -EFAULT;
	return rd_vcpu_cmpxchg_gpa_asked(v, gpa, old, new_val, len);
}
