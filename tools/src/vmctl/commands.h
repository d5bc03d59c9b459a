/* SPDX-License-Identifier: GPL-2.0-only */
/* The commands of vmctl, one per file. */
#ifndef RD_TOOLS_COMMANDS_H
#define RD_TOOLS_COMMANDS_H

#include "tools/src/vmctl/opts.h"

extern const struct rd_command rd_cmd_run;
extern const struct rd_command rd_cmd_check;
extern const struct rd_command rd_cmd_list;
extern const struct rd_command rd_cmd_stats;
extern const struct rd_command rd_cmd_stop;
extern const struct rd_command rd_cmd_kill;
extern const struct rd_command rd_cmd_show;
extern const struct rd_command rd_cmd_pause;
extern const struct rd_command rd_cmd_resume;
extern const struct rd_command rd_cmd_console;
extern const struct rd_command rd_cmd_top;
extern const struct rd_command rd_cmd_trace;
extern const struct rd_command rd_cmd_snapshot;
extern const struct rd_command rd_cmd_balloon;
extern const struct rd_command rd_cmd_restore;
extern const struct rd_command rd_cmd_image;
extern const struct rd_command rd_cmd_enclave;

#endif
