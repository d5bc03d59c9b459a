// SPDX-License-Identifier: GPL-2.0-only
/* Leaves of ENCLS on contents, in steps (step.h). */
#include "tests/unit/enclave_race/step.h"
#include "enclave/encls_create.c"
#include "enclave/encls_debug.c"
#include "enclave/encls_evict.c"
