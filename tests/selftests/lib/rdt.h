/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Library of the selftests: a small client of the KVM ioctl API and a TAP harness.
 *
 * A program is a table of tests. Each test runs in a child of its own with a time limit, so a
 * crash or a hang costs one line. Inside a test nothing returns an error: what must work and does
 * not ends the test as failed, with the place and the errno.
 */
#ifndef RDT_H
#define RDT_H

#include <errno.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/guest/protocol.h"

#define RDT_MAX_VCPUS 16
#define RDT_MAX_SLOTS 64
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* TAP harness (tap.c). */

struct rdt_test {
	const char *name;
	void (*fn)(void);
	int seconds; /* time limit, 0: the default */
	const void *arg; /* for table-driven tests, see rdt_arg() */
};

/*
 * Run the tests and print TAP. Options: --device NODE, --list, --timeout-scale N, and names or
 * shell patterns of tests. Give the exit status: 0 when none failed.
 */
int rdt_main(int argc, char **argv, const struct rdt_test *tests, size_t count);
const void *rdt_arg(void);
const char *rdt_device(void);
bool rdt_is_stock(void); /* the device is stock KVM's own node */
int rdt_time_scale(void);
bool rdt_is_emulated(void); /* this machine is QEMU's TCG */
/*
 * KiB of freed memory that a debug kernel keeps: KASAN's quarantine holds up to a thirty-second of
 * all memory back. There kmemleak is the judge, and a test only looks for more than that.
 */
long rdt_quarantine_kb(void);
/* What follows the options that rdt_main() knows, as `--key value`; NULL when absent. */
const char *rdt_option(const char *key);

void rdt_fail_at(const char *file, int line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4), noreturn));
void rdt_skip(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));
void rdt_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void rdt_pass(void) __attribute__((noreturn));

#define rdt_fail(...) rdt_fail_at(__FILE__, __LINE__, __VA_ARGS__)
#define RDT_CHECK(cond)                                                                            \
	do {                                                                                       \
		if (!(cond))                                                                       \
			rdt_fail("%s", #cond);                                                     \
	} while (0)
#define RDT_EQ(got, want)                                                                          \
	do {                                                                                       \
		uint64_t got_ = (uint64_t)(got), want_ = (uint64_t)(want);                         \
		if (got_ != want_)                                                                 \
			rdt_fail("%s is 0x%llx, want 0x%llx", #got, (unsigned long long)got_,      \
				 (unsigned long long)want_);                                       \
	} while (0)
/* A call that must succeed; gives its result. */
#define RDT_OK(call)                                                                               \
	({                                                                                         \
		long ok_ = (call);                                                                 \
		if (ok_ < 0)                                                                       \
			rdt_fail("%s: %s", #call, strerror(errno));                                \
		ok_;                                                                               \
	})
/* A call that must fail with this errno. */
#define RDT_ERRNO(call, want)                                                                      \
	do {                                                                                       \
		errno = 0;                                                                         \
		long e_ = (call);                                                                  \
		if (e_ >= 0)                                                                       \
			rdt_fail("%s gives %ld, want errno %s", #call, e_, #want);                 \
		if (errno != (want))                                                               \
			rdt_fail("%s: %s, want %s", #call, strerror(errno), #want);                \
	} while (0)
/* Where kernels differ, or where nothing follows from the answer: either errno is right. */
#define RDT_ERRNO2(call, want, other)                                                              \
	do {                                                                                       \
		errno = 0;                                                                         \
		long e_ = (call);                                                                  \
		if (e_ >= 0)                                                                       \
			rdt_fail("%s gives %ld, want errno %s", #call, e_, #want);                 \
		if (errno != (want) && errno != (other))                                           \
			rdt_fail("%s: %s, want %s or %s", #call, strerror(errno), #want, #other);  \
	} while (0)
/* An address that no process has mapped, in user range. */
#define RDT_BAD_PTR ((void *)0x7ffffff00000)

/* Machines (vm.c). */

struct rdt_vm;

struct rdt_vcpu {
	struct rdt_vm *vm;
	int id;
	int fd;
	struct kvm_run *run;
	size_t run_size;
	uint64_t exits;
	pthread_t thread;
	bool threaded;
	volatile bool stop;
};

struct rdt_slot {
	uint32_t id;
	uint32_t flags;
	uint64_t gpa;
	uint64_t size;
	uint8_t *host;
};

struct rdt_vm {
	int sys;
	int fd;
	uint32_t flags; /* RDP_* with which it was made */
	struct rdt_vcpu *vcpu[RDT_MAX_VCPUS];
	int vcpus;
	struct rdt_slot slots[RDT_MAX_SLOTS];
	int slot_count;
	uint8_t *ram; /* guest physical address 0 */
	uint64_t ram_size;
	volatile struct rdp_shared *shared;
	uint8_t echo[RDP_PORT_ECHO_SIZE];
	uint32_t stream;
	uint8_t mmio[RDP_MMIO_SIZE];
	pthread_mutex_t devices; /* guards the three above and the `seen` records */
	volatile int verdict; /* enum rdt_end of the processor that ended the payload */
};

int rdt_open(void); /* the device node; no node: skip */
int rdt_cap(int fd, long cap);
struct rdt_vm *rdt_vm_new(uint64_t ram_size, uint32_t flags);
void rdt_vm_free(struct rdt_vm *vm);
struct rdt_vcpu *rdt_vcpu_new(struct rdt_vm *vm, int id);
int rdt_slot_set(struct rdt_vm *vm, uint32_t id, uint64_t gpa, uint64_t size, void *host,
		 uint32_t flags); /* the bare ioctl */
/* Map `size` bytes of fresh memory at `gpa`; align2m: host address on 2 MiB with huge pages asked.
 */
uint8_t *rdt_slot_new(struct rdt_vm *vm, uint32_t id, uint64_t gpa, uint64_t size, uint32_t flags,
		      bool align2m);
void *rdt_gpa(struct rdt_vm *vm, uint64_t gpa);
struct kvm_cpuid2 *rdt_supported_cpuid(int sys);
struct kvm_cpuid_entry2 *rdt_cpuid_find(struct kvm_cpuid2 *c, uint32_t leaf, uint32_t sub);

/* State of a processor (state.c). */
void rdt_long_mode(struct rdt_vcpu *vcpu, uint64_t rip, uint64_t rsp, uint64_t arg);
void rdt_prot_mode(struct rdt_vcpu *vcpu, uint32_t eip, uint32_t esp, uint32_t arg);
void rdt_real_mode(struct rdt_vcpu *vcpu, uint64_t base, uint16_t ip, uint16_t arg);
void rdt_get_regs(struct rdt_vcpu *vcpu, struct kvm_regs *regs);
void rdt_set_regs(struct rdt_vcpu *vcpu, const struct kvm_regs *regs);
uint64_t rdt_get_msr(struct rdt_vcpu *vcpu, uint32_t msr);
int rdt_set_msr(struct rdt_vcpu *vcpu, uint32_t msr, uint64_t value); /* as the ioctl: 1, 0 or -1 */
void rdt_dump(struct rdt_vcpu *vcpu);

/* Payloads and the run loop (run.c). */

struct rdt_payload {
	uint8_t *image;
	size_t size;
	const struct rdp_header *header;
};

enum rdt_end {
	RDT_NONE, /* still running */
	RDT_PASS,
	RDT_FAIL,
	RDT_SKIP,
	RDT_SYNC, /* payload asked for the host; value in *value */
	RDT_EXIT, /* an exit that the device model does not know: look at run */
	RDT_INTR, /* KVM_RUN failed with EINTR or EAGAIN */
};

struct rdt_payload *rdt_payload_open(const char *name);
const struct rdp_test *rdt_payload_test(const struct rdt_payload *p, unsigned int i);
const char *rdt_payload_name(const struct rdt_payload *p, const struct rdp_test *t);
/* A machine with everything the test's flags ask for, first processor at its entry. */
struct rdt_vm *rdt_payload_vm(const char *payload, const char *test);
struct rdt_vm *rdt_payload_vm_flags(const char *payload, const char *test, uint64_t ram_size,
				    uint32_t more_flags);

/* Enter the guest until something for the caller happens; device accesses are served here. */
enum rdt_end rdt_step(struct rdt_vcpu *vcpu, uint32_t *value);
/* Serve one exit that stands in vcpu->run. */
enum rdt_end rdt_serve(struct rdt_vcpu *vcpu, uint32_t *value);
int rdt_run_once(struct rdt_vcpu *vcpu); /* the bare ioctl */
/* Run until the payload syncs; anything else fails the test. Gives the value. */
uint32_t rdt_until_sync(struct rdt_vcpu *vcpu);
/* Run to the end; a failed payload fails the test, a skip skips it. */
void rdt_finish(struct rdt_vcpu *vcpu);
/* Run until an exit with this reason, else fail. */
void rdt_until_exit(struct rdt_vcpu *vcpu, uint32_t reason);
/* Threads for all processors but the first; they serve device exits until the machine is freed. */
void rdt_start_others(struct rdt_vm *vm);
void rdt_stop_others(struct rdt_vm *vm);
void rdt_kick(struct rdt_vcpu *vcpu);
const char *rdt_exit_name(uint32_t reason);

#endif
