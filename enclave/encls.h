/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ENCLS leaves share (P): pages of the EPC as operands, had under their locks and in the state
 * that the leaf asks for.
 * Invariant: what a function here gives it holds; when it fails it holds nothing.
 */
#ifndef RD_ENCLAVE_ENCLS_H
#define RD_ENCLAVE_ENCLS_H

#include "enclave/leaf.h"

#define RD_ACC_EPC (RD_ACC_READ | RD_ACC_WRITE)

/* The PAGEINFO that RBX names. 0, RD_LEAF_FAULT. */
int rd_encls_pageinfo(struct rd_leaf *l, struct rd_pageinfo *pi);

/*
 * The page, which la named, for new contents: owned, free, and filled with zeros.  The counterpart
 * takes the contents back unless the page has become valid. 0, RD_LEAF_FAULT, -ENOMEM.
 */
int rd_encls_new(struct rd_leaf *l, u64 la, u32 page);
void rd_encls_put_new(struct rd_leaf *l, u32 page);

/* The page, which la named, shared and of this type (that of a SECS, VA). 0, RD_LEAF_FAULT. */
int rd_encls_share(struct rd_leaf *l, u64 la, u32 page, enum rd_page_type type);

/* The next of numbers that are never given twice, from 1. Any thread. */
u64 rd_encls_number(u64 *last);

#endif
