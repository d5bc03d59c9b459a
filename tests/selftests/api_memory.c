// SPDX-License-Identifier: GPL-2.0-only
/* Memory slots and the dirty log as calls: what is refused, what is replaced, what stays. */
#include "tests/selftests/lib/rdt.h"

enum { PAGE = 4096 };

static uint8_t *host_pages(size_t n)
{
	uint8_t *p = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			  0);

	RDT_CHECK(p != MAP_FAILED);
	return p;
}

static void misaligned(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	uint8_t *p = host_pages(16);

	RDT_ERRNO(rdt_slot_set(vm, 0, 0x800, PAGE, p, 0), EINVAL);
	RDT_ERRNO(rdt_slot_set(vm, 0, 0, PAGE + 1, p, 0), EINVAL);
	RDT_ERRNO(rdt_slot_set(vm, 0, 0, PAGE, p + 1, 0), EINVAL);
	RDT_ERRNO(rdt_slot_set(vm, 0, 0, PAGE / 2, p, 0), EINVAL);
}

static void bad_ranges(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	uint8_t *p = host_pages(16);

	RDT_ERRNO(rdt_slot_set(vm, 0, -4096ull, 2 * PAGE, p, 0), EINVAL);
	RDT_ERRNO(rdt_slot_set(vm, 0, 0, PAGE, (void *)0xffff800000000000, 0), EINVAL);
	RDT_ERRNO(rdt_slot_set(vm, 0, 0, -4096ull, p, 0), EINVAL);
}

static void bad_flags(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	uint8_t *p = host_pages(16);

	RDT_ERRNO(rdt_slot_set(vm, 0, 0, PAGE, p, 0x100), EINVAL);
	RDT_ERRNO(rdt_slot_set(vm, 0, 0, PAGE, p, 0x80000000), EINVAL);
	RDT_OK(rdt_slot_set(vm, 0, 0, PAGE, p, KVM_MEM_LOG_DIRTY_PAGES | KVM_MEM_READONLY));
}

static void slot_numbers(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	uint8_t *p = host_pages(16);
	long n = rdt_cap(vm->fd, KVM_CAP_NR_MEMSLOTS), spaces;

	RDT_OK(rdt_slot_set(vm, n - 1, 0, PAGE, p, 0));
	RDT_ERRNO(rdt_slot_set(vm, n, PAGE, PAGE, p, 0), EINVAL);
	RDT_ERRNO(rdt_slot_set(vm, 0xffff, PAGE, PAGE, p, 0), EINVAL);
	spaces = rdt_cap(vm->fd, KVM_CAP_MULTI_ADDRESS_SPACE);
	RDT_ERRNO(rdt_slot_set(vm, (spaces > 1 ? spaces : 1) << 16, PAGE, PAGE, p, 0), EINVAL);
}

static void overlap(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	uint8_t *p = host_pages(64);

	RDT_OK(rdt_slot_set(vm, 0, 16 * PAGE, 16 * PAGE, p, 0));
	RDT_ERRNO(rdt_slot_set(vm, 1, 16 * PAGE, 16 * PAGE, p, 0), EEXIST);
	RDT_ERRNO(rdt_slot_set(vm, 1, 31 * PAGE, PAGE, p, 0), EEXIST);
	RDT_ERRNO(rdt_slot_set(vm, 1, 0, 17 * PAGE, p, 0), EEXIST);
	RDT_ERRNO(rdt_slot_set(vm, 1, 0, 64 * PAGE, p, 0), EEXIST);
	RDT_ERRNO(rdt_slot_set(vm, 1, 20 * PAGE, 2 * PAGE, p, 0), EEXIST);
	RDT_OK(rdt_slot_set(vm, 1, 0, 16 * PAGE, p, 0));
	RDT_OK(rdt_slot_set(vm, 2, 32 * PAGE, PAGE, p, 0));
	/* Moving a slot onto another one is refused, and the slot stays where it was. */
	RDT_ERRNO(rdt_slot_set(vm, 2, 31 * PAGE, PAGE, p, 0), EEXIST);
	RDT_ERRNO(rdt_slot_set(vm, 3, 32 * PAGE, PAGE, p, 0), EEXIST);
}

static void change_in_place(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	uint8_t *p = host_pages(64);

	RDT_OK(rdt_slot_set(vm, 0, 0, 16 * PAGE, p, 0));
	RDT_OK(rdt_slot_set(vm, 0, 0, 16 * PAGE, p, 0));	/* no change */
	RDT_OK(rdt_slot_set(vm, 0, 0, 16 * PAGE, p, KVM_MEM_LOG_DIRTY_PAGES));
	RDT_OK(rdt_slot_set(vm, 0, 0, 16 * PAGE, p, 0));
	RDT_OK(rdt_slot_set(vm, 0, 64 * PAGE, 16 * PAGE, p, 0));	/* move */
	RDT_ERRNO(rdt_slot_set(vm, 0, 64 * PAGE, 8 * PAGE, p, 0), EINVAL);	/* resize */
	RDT_ERRNO(rdt_slot_set(vm, 0, 64 * PAGE, 16 * PAGE, p + PAGE, 0), EINVAL);
	RDT_ERRNO(rdt_slot_set(vm, 0, 64 * PAGE, 16 * PAGE, p, KVM_MEM_READONLY), EINVAL);
	/* What was refused has left the slot alone: it can still be deleted and made anew. */
	RDT_OK(rdt_slot_set(vm, 0, 64 * PAGE, 0, p, 0));
	RDT_OK(rdt_slot_set(vm, 0, 64 * PAGE, 8 * PAGE, p + PAGE, KVM_MEM_READONLY));
}

static void delete(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	uint8_t *p = host_pages(16);

	RDT_ERRNO(rdt_slot_set(vm, 5, 0, 0, p, 0), EINVAL);
	RDT_OK(rdt_slot_set(vm, 5, 0, PAGE, p, 0));
	RDT_OK(rdt_slot_set(vm, 5, 0, 0, p, 0));
	RDT_ERRNO(rdt_slot_set(vm, 5, 0, 0, p, 0), EINVAL);
	RDT_OK(rdt_slot_set(vm, 6, 0, PAGE, p, 0));
}

static void many_slots(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	uint8_t *p = host_pages(1);
	long n = rdt_cap(vm->fd, KVM_CAP_NR_MEMSLOTS);

	if (n > 400)
		n = 400;
	for (long i = 0; i < n; i++)
		RDT_OK(rdt_slot_set(vm, i, (uint64_t)i * 2 * PAGE, PAGE, p, 0));
	for (long i = 0; i < n; i += 2)
		RDT_OK(rdt_slot_set(vm, i, 0, 0, NULL, 0));
	for (long i = 0; i < n; i += 2)
		RDT_OK(rdt_slot_set(vm, i, (uint64_t)(2 * i + 1) * PAGE, PAGE, p, 0));
}

static void dirty_log_errors(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	uint8_t *p = host_pages(64);
	uint64_t bitmap[2] = { 0 };
	struct kvm_dirty_log log = { .slot = 3, .dirty_bitmap = bitmap };

	RDT_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	RDT_OK(rdt_slot_set(vm, 3, 0, 64 * PAGE, p, 0));
	RDT_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
	RDT_OK(rdt_slot_set(vm, 3, 0, 64 * PAGE, p, KVM_MEM_LOG_DIRTY_PAGES));
	RDT_OK(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log));
	RDT_EQ(bitmap[0], 0);
	log.slot = 0xfffff;
	RDT_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), EINVAL);
	log.slot = 0xffff;
	RDT_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), EINVAL);
	log.slot = 3;
	log.dirty_bitmap = RDT_BAD_PTR;
	RDT_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), EFAULT);
	RDT_OK(rdt_slot_set(vm, 3, 0, 64 * PAGE, p, 0));
	log.dirty_bitmap = bitmap;
	RDT_ERRNO(ioctl(vm->fd, KVM_GET_DIRTY_LOG, &log), ENOENT);
}

static void clear_log_errors(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, .args = { 1 } };
	uint64_t bitmap[2] = { 0 };
	struct kvm_clear_dirty_log clear = { .slot = 3, .dirty_bitmap = bitmap, .num_pages = 64 };

	if (rdt_cap(vm->fd, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2) <= 0)
		rdt_skip("no KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2");
	RDT_OK(ioctl(vm->fd, KVM_ENABLE_CAP, &cap));
	RDT_ERRNO(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), ENOENT);
	RDT_OK(rdt_slot_set(vm, 3, 0, 128 * PAGE, host_pages(128), KVM_MEM_LOG_DIRTY_PAGES));
	RDT_OK(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear));
	clear.first_page = 1;
	RDT_ERRNO(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL);
	clear.first_page = 128;
	RDT_ERRNO(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL);
	clear.first_page = 0;
	clear.num_pages = 63;
	RDT_ERRNO(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), EINVAL);
	clear.num_pages = 64;
	clear.dirty_bitmap = RDT_BAD_PTR;
	RDT_ERRNO(ioctl(vm->fd, KVM_CLEAR_DIRTY_LOG, &clear), EFAULT);
}

/* The host's memory need not exist yet, nor stay: only the guest's access to it fails. */
static void unmapped_host_memory(void)
{
	struct rdt_vm *vm = rdt_vm_new(0, 0);
	struct rdt_vcpu *vcpu = rdt_vcpu_new(vm, 0);

	RDT_OK(rdt_slot_set(vm, 0, 0, 256 * PAGE, RDT_BAD_PTR - 256 * PAGE, 0));
	rdt_real_mode(vcpu, 0x10000, 0, 0);
	errno = 0;
	if (!rdt_run_once(vcpu))
		RDT_EQ(vcpu->run->exit_reason, KVM_EXIT_INTERNAL_ERROR);
	else
		RDT_EQ(errno, EFAULT);
}

static const struct rdt_test tests[] = {
	{ "misaligned", misaligned },
	{ "bad_ranges", bad_ranges },
	{ "bad_flags", bad_flags },
	{ "slot_numbers", slot_numbers },
	{ "overlap", overlap },
	{ "change_in_place", change_in_place },
	{ "delete", delete },
	{ "many_slots", many_slots, 30 },
	{ "dirty_log_errors", dirty_log_errors },
	{ "clear_log_errors", clear_log_errors },
	{ "unmapped_host_memory", unmapped_host_memory },
};

int main(int argc, char **argv)
{
	return rdt_main(argc, argv, tests, ARRAY_SIZE(tests));
}
