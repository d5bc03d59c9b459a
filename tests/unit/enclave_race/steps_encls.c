// SPDX-License-Identifier: GPL-2.0-only
/* Leaves of ENCLS on pages, in steps (step.h). */
#include "tests/unit/enclave_race/step.h"
#include "enclave/leaf.c"
#include "enclave/encls.c"
#include "enclave/encls_dyn.c"
#include "enclave/encls_page.c"
