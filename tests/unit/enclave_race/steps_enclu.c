// SPDX-License-Identifier: GPL-2.0-only
/* Leaves of ENCLU, in steps (step.h). */
#include "tests/unit/enclave_race/step.h"
#include "enclave/enclu.c"
#include "enclave/enclu_dyn.c"
#include "enclave/enter.c"
