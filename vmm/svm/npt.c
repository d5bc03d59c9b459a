// SPDX-License-Identifier: GPL-2.0-only
/*
 * The entries of AMD's nested page tables (P): the format of ordinary long-mode page tables, which
 * the CPU walks as a user-mode access.
 * Invariant: every entry has the user bit, and large pages never use the PAT bit, which moves with
 * the level.
 */
#include "vmm/pt.h"
#include "vmm/svm/npt.h"

#define NPT_P   BIT_ULL(0)
#define NPT_W   BIT_ULL(1)
#define NPT_U   BIT_ULL(2)
#define NPT_PWT BIT_ULL(3)
#define NPT_PCD BIT_ULL(4)
#define NPT_A   BIT_ULL(5)
#define NPT_D   BIT_ULL(6)
#define NPT_PS  BIT_ULL(7)
#define NPT_AVL BIT_ULL(52) /* the first of the bits that the CPU leaves to software */
#define NPT_NX  BIT_ULL(63)

/* PCD and PWT together select entry 3 of the host's PAT, which Linux keeps at UC. */
#define NPT_FORMAT(depth)                                                                          \
	{                                                                                          \
		.table = NPT_P | NPT_W | NPT_U | NPT_A,                                            \
		.leaf = NPT_P | NPT_U,                                                             \
		.large = NPT_PS,                                                                   \
		.present = NPT_P,                                                                  \
		.write = NPT_W,                                                                    \
		.exec_clear = NPT_NX,                                                              \
		.accessed = NPT_A,                                                                 \
		.dirty = NPT_D,                                                                    \
		.memtype_uc = NPT_PCD | NPT_PWT,                                                   \
		.pa_mask = GENMASK_ULL(51, 12),                                                    \
		.soft_write = NPT_AVL,                                                             \
		.levels = (depth),                                                                 \
		.max_leaf_level = 3,                                                               \
	}

const struct rd_pt_format rd_npt_format = NPT_FORMAT(4);
const struct rd_pt_format rd_npt_format_5 = NPT_FORMAT(5);
