/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The control socket of a running VM: RUN_DIR/NAME.sock, one JSON object per line in each
 * direction. Commands: status, stats, stop (press the power button), quit (end the VM now).
 *
 * The socket exists exactly as long as its process: a socket file that nobody listens on is
 * removed by the next one that wants the name, under a lock on the directory.
 */
#ifndef RD_TOOLS_CONTROL_H
#define RD_TOOLS_CONTROL_H

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/stats.h"

#include <poll.h>
#include <sys/un.h>
#include <time.h>

#define RD_CONTROL_CLIENTS 8u
#define RD_CONTROL_POLL_MAX (RD_CONTROL_CLIENTS + 1)
#define RD_CONTROL_LINE_MAX 1024u

struct rd_control_client {
	int fd;			/* -1: free */
	size_t len;
	char line[RD_CONTROL_LINE_MAX];
};

struct rd_control {
	int listen_fd;		/* -1: no control socket */
	char name[64];
	struct sockaddr_un addr;
	struct timespec started;
	struct rd_control_client clients[RD_CONTROL_CLIENTS];
};

enum rd_control_event { RD_CONTROL_NOTHING, RD_CONTROL_POWER_BUTTON, RD_CONTROL_QUIT };

void rd_control_init(struct rd_control *c);

/*
 * rd_control_open - listen. Without a name in the configuration the VM is called "vm-PID", and a
 * directory that cannot be used is only worth a warning. A status.
 */
int rd_control_open(struct rd_control *c, const struct rd_config *config);
void rd_control_close(struct rd_control *c);

/* rd_control_poll - fill in at most RD_CONTROL_POLL_MAX entries, return how many. */
unsigned int rd_control_poll(const struct rd_control *c, struct pollfd *p);

/* rd_control_handle - serve what poll() found. EARLIER holds counters of the VM's former lives. */
enum rd_control_event rd_control_handle(struct rd_control *c, const struct pollfd *p,
					unsigned int n, const struct rd_machine *m,
					const struct rd_stats *earlier);

/* rd_run_dir - the directory of control sockets. */
const char *rd_run_dir(void);

/* rd_valid_name - whether NAME can name a VM: letters, digits, '-', '_', '.', not all digits. */
bool rd_valid_name(const char *name);

#endif
