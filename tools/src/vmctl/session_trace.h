/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A session's part in write traces (traces.h). Main thread only.
 *
 * A machine that a trace suspended is paused until somebody resumes it. One that a trace saves is
 * paused for that, and goes on afterwards if nothing else holds it.
 */
#ifndef RD_TOOLS_SESSION_TRACE_H
#define RD_TOOLS_SESSION_TRACE_H

#include "tools/src/vmctl/session_priv.h"

/* rd_session_trace - traces.wake_fd is readable. */
void rd_session_trace(struct rd_session *s);

/* rd_session_trace_collect - the machine was paused: see which vCPUs wait, and for what. */
void rd_session_trace_collect(struct rd_session *s);

/*
 * rd_session_trace_save - begin the snapshot that a vCPU waits for, in a machine that is paused;
 * RESUME: it is to go on afterwards. False: none is begun.
 */
bool rd_session_trace_save(struct rd_session *s, bool resume);

/* rd_session_trace_saved - a snapshot has ended, and was joined. */
void rd_session_trace_saved(struct rd_session *s);

/* rd_session_trace_began, rd_session_trace_ended - a machine is there, or does not run any more. */
void rd_session_trace_began(struct rd_session *s);
void rd_session_trace_ended(struct rd_session *s);

/* rd_session_trace_show - add to the answer to `show` whether the guest guards its kernel. */
void rd_session_trace_show(const struct rd_session *s, json_t *reply);

/* rd_session_trace_request - the commands trace_…; as rd_control_ops.request. */
json_t *rd_session_trace_request(struct rd_session *s, struct rd_control_client *client,
				 const struct rd_request *q);

#endif
