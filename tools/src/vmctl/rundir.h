/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The directory of control sockets, and the names in it. Whoever can connect to a socket rules the
 * VM: the directory and the socket belong to the user alone, unless the directory was made for a
 * group (group-writable), whose members may then connect too.
 *
 * A socket file that nobody listens on is removed by the next one that wants the name, under a lock
 * on the directory.
 */
#ifndef RD_TOOLS_RUNDIR_H
#define RD_TOOLS_RUNDIR_H

#include <stdbool.h>
#include <sys/un.h>

#define RD_SOCKET_SUFFIX ".sock"

/* rd_run_dir - its path. */
const char *rd_run_dir(void);

/* rd_valid_name - whether NAME can name a VM: letters, digits, '-', '_', '.', not all digits. */
bool rd_valid_name(const char *name);

/* rd_run_address - the address of a VM's socket. False with errno: the path is too long. */
bool rd_run_address(struct sockaddr_un *addr, const char *name);

/*
 * rd_run_listen - a listening socket at ADDR, non-blocking. -1 with errno: EADDRINUSE when a
 * living process has the name, EPERM when others could replace files in the directory.
 */
int rd_run_listen(const struct sockaddr_un *addr, int backlog);

/* rd_run_unlink - remove the socket file of one that still listens. */
void rd_run_unlink(const struct sockaddr_un *addr);

#endif
