// SPDX-License-Identifier: GPL-2.0-only
/* The one place where the tracepoints of kmod/trace.h come into being. */
#include "kmod/base.h"
#define CREATE_TRACE_POINTS
#include "kmod/trace.h"
