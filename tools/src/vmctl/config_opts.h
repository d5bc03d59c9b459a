/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Options that `run` and `restore` have in common, for their tables: each checks its value and
 * stores it. The context is the struct rd_config.
 */
#ifndef RD_TOOLS_CONFIG_OPTS_H
#define RD_TOOLS_CONFIG_OPTS_H

int rd_config_set_name(void *ctx, const char *v);
int rd_config_set_device(void *ctx, const char *v);
int rd_config_set_serial(void *ctx, const char *v);
int rd_config_set_console(void *ctx, const char *v);
int rd_config_set_mem_merge(void *ctx, const char *v);
int rd_config_set_stats(void *ctx, const char *v);
int rd_config_set_trace_snapshot(void *ctx, const char *v);
int rd_config_set_timeout(void *ctx, const char *v);

#endif
