// SPDX-License-Identifier: GPL-2.0-only
/* The EPC and its map, in steps (step.h). */
#include "tests/unit/enclave_race/step.h"
#include "enclave/epc.c"
#include "enclave/epcm.c"
#include "enclave/epcm_dyn.c"
#include "enclave/epcm_page.c"
