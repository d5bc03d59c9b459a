/* SPDX-License-Identifier: GPL-2.0-only */
/* The format of AMD's nested page-table entries (P), see vmm/svm/npt.c. Invariant: const data,
 * nothing else. */
#ifndef RD_VMM_SVM_NPT_H
#define RD_VMM_SVM_NPT_H

#include "vmm/pt.h"

/*
 * Nested paging is as deep as the host's own paging is (CR4.LA57 at VMRUN; APM volume 2, "Nested
 * Paging").
 */
extern const struct rd_pt_format rd_npt_format, rd_npt_format_5;

#endif
