/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of a session, shared by its loop (session.c) and the commands that arrive on the
 * control socket (session_commands.c). Main thread only.
 */
#ifndef RD_TOOLS_SESSION_PRIV_H
#define RD_TOOLS_SESSION_PRIV_H

#include "tools/src/vmctl/console.h"
#include "tools/src/vmctl/control.h"
#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/snapshot.h"
#include "tools/src/vmctl/stats.h"
#include "tools/src/vmctl/watch.h"

#include <signal.h>
#include <stdbool.h>
#include <time.h>

/* What write traces have done to the session; session_trace.h. */
struct rd_session_trace {
	bool suspended;			/* the machine is paused by one */
	bool save;			/* one wants it saved, which has not begun */
	bool saving;			/* the snapshot that is written is for one */
	bool isolated;			/* the network cards are cut, over resets, too */
	struct rd_guest_driver want;	/* of the guest's driver, when the machine ended */
	char why[256];			/* of suspended */
	time_t second;			/* of the lines on standard error */
	unsigned int said;		/* how many of them */
};

struct rd_session {
	const struct rd_config *config;
	struct rd_config life;		/* of the machine that runs: without the snapshot later */
	struct rd_kvm kvm;
	struct rd_machine machine;
	struct rd_console console;
	struct rd_console hvc;		/* the virtio console's; its I/O thread's while that runs */
	struct rd_control control;
	struct rd_watch watch;
	struct rd_session_trace trace;
	struct rd_stats earlier;	/* counters of the machines before the last reset */
	struct rd_snapshot snapshot;	/* running: the machine is left alone */
	struct rd_control_client *snapshot_client;	/* who waits for it, NULL: nobody */
	bool snapshot_stop;		/* end when it is written */
	bool snapshot_resume;		/* the machine ran before it */
	sigset_t old_mask;
	int signal_fd;
	int timeout_fd;
	int tick_fd;			/* timer: progress of the snapshot is due */
	int flush_ms;			/* poll timeout until the console is flushed, -1: none */
	bool ran;			/* a guest ran: there is something to count */
	bool over;			/* `status` is final */
	int status;
};

/* rd_session_finish - end with STATUS. The first call counts. */
void rd_session_finish(struct rd_session *s, int status);

/* rd_session_control - for rd_control_init(); the context is the session. */
extern const struct rd_control_ops rd_session_control;

/* rd_session_pause, rd_session_resume - a status; on failure the session is over. */
int rd_session_pause(struct rd_session *s);
int rd_session_resume(struct rd_session *s);

/* rd_session_tick - tick_fd is readable. rd_session_saved - the snapshot's thread is done. */
void rd_session_tick(struct rd_session *s);
void rd_session_saved(struct rd_session *s);

/* rd_session_abandon_snapshot - the session is over: end a snapshot that is being written. */
void rd_session_abandon_snapshot(struct rd_session *s);

#endif
