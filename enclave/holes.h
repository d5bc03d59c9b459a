/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Only for the negative controls of the tests (P): checks that a module made for them leaves out
 * when told to, so that they can show what an attack does then (tests/rig/module --open-enclaves,
 * its parameter enclave_holes).
 * Invariant: in every other build RD_HOLE() is the constant false.
 */
#ifndef RD_ENCLAVE_HOLES_H
#define RD_ENCLAVE_HOLES_H

#include "kmod/base.h"

/* Bits of the parameter: tests/selftests/sgx_drill.c has the same. */
enum rd_hole {
	RD_HOLE_ADDRESS,   /* a page is taken at any linear address */
	RD_HOLE_OWNER,     /* a page is taken whichever enclave's it is */
	RD_HOLE_RANGE,     /* ordinary memory is taken inside ELRANGE */
	RD_HOLE_REGISTERS, /* an asynchronous exit leaves the registers as they are */
	RD_HOLE_VERSION,   /* an evicted page may come back more than once */
	RD_HOLE_MAC,       /* an evicted page may come back changed */
	RD_HOLE_BUSY,      /* a TCS may be entered by two */
	RD_HOLE_ABORT,     /* the EPC can be read and written from outside */
};

#ifdef RD_TEST_OPEN_ENCLAVES
extern unsigned int rd_enclave_holes;
#define RD_HOLE(x) (READ_ONCE(rd_enclave_holes) & BIT(RD_HOLE_##x))
#else
#define RD_HOLE(x) false
#endif

#endif
