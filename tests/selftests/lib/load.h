/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A guest that works on a region (tests/guest/t_pressure.c) on threads of its own, and what the
 * host tells about the pages behind that region.
 */
#ifndef RDT_LOAD_H
#define RDT_LOAD_H

#include "tests/selftests/lib/rdt.h"

enum { RDT_PAGE = 4096 };

struct rdt_load {
	struct rdt_vm *vm;
	uint8_t *host; /* the region, aligned to 2 MiB */
	uint64_t pages;
	pthread_t thread;
};

/*
 * Start a payload of "pressure" over `pages` pages, with large pages asked for or refused, and
 * wait until it has been everywhere. generation: see the payload's args[4].
 */
void rdt_load_start(struct rdt_load *l, const char *test, uint64_t pages, bool huge,
		    uint64_t generation);
/* End it, free the machine. The guest has met no wrong word, or the test has failed. */
void rdt_load_stop(struct rdt_load *l);
/* Wait until every processor has gone round once from beginning to end. */
void rdt_load_round(const struct rdt_load *l);
/* Bring all pages to a generation, 0: new ones from now on; waits until they are there. */
void rdt_load_generation(struct rdt_load *l, uint64_t generation);
/* Does the page hold a generation, as this process sees it? */
bool rdt_load_holds(const struct rdt_load *l, uint64_t page, uint64_t generation);

/* How many pages of [first, first + n) of the region are in swap. */
uint64_t rdt_load_swapped(const struct rdt_load *l, uint64_t first, uint64_t n);
/* How many pages of [first, first + n) of two regions are one page of the host. Needs root. */
uint64_t rdt_load_shared(const struct rdt_load *a, const struct rdt_load *b, uint64_t first,
			 uint64_t n);
/* KiB of the region in large pages of the host. */
uint64_t rdt_load_huge_kb(const struct rdt_load *l);

/* A counter of KVM_GET_STATS_FD of a VM or vCPU descriptor; -1: there is none of that name. */
int64_t rdt_stat(int fd, const char *name);
/* The same, summed over the virtual processors; -1 on stock KVM only. */
int64_t rdt_vcpu_stat(const struct rdt_vm *vm, const char *name);

/* A file of the host that holds a number, or takes a line; -1 or false when it does not. */
long rdt_read_number(const char *path);
bool rdt_write_line(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What changes the host for everybody is done in the rig only: skips elsewhere. */
void rdt_need_rig(void);
/* Swap, made on compressed memory if the host has none. */
void rdt_need_swap(void);
/* Take that away again, for programs that measure memory afterwards. */
void rdt_drop_swap(void);
/* Put this process into a new memory cgroup; its directory. */
const char *rdt_need_cgroup(void);

#endif
