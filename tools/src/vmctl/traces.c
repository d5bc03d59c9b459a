// SPDX-License-Identifier: GPL-2.0-only
/* Write traces on the hypervisor's calls, and the part of their actions that is the VMM's. */
#include "tools/src/vmctl/traces.h"

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/net_report.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

_Static_assert(sizeof(struct rd_trace_exit) <= sizeof(((struct kvm_run *)0)->padding),
	       "the exit fits into the run page's union");

/* A device is about to write. Any thread. */
static bool ask(void *ctx, uint64_t gpa, uint64_t len)
{
	struct rd_trace_range r = { .gpa = gpa, .size = len };
	struct rd_machine *m = ctx;
	int ret;

	do {
		ret = ioctl(m->vm_fd, RD_VM_TRACE_WRITE, &r);
	} while (ret < 0 && errno == EINTR);
	if (ret >= 0)
		return true;
	__atomic_fetch_add(&m->traces.dma_refused, 1, __ATOMIC_RELAXED);
	return false;
}

int rd_traces_init(struct rd_machine *m)
{
	struct rd_traces *t = &m->traces;

	pthread_mutex_init(&t->isolating, NULL);
	pthread_mutex_init(&t->lock, NULL);
	t->supported = !ioctl(m->vm_fd, RD_VM_TRACE_SERVE, 0);
	if (!t->supported)
		return RD_OK;
	m->ram.ask = ask;
	m->ram.ask_ctx = m;
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return t->wake_fd < 0 ? rd_fail(RD_HOST_ERROR, "eventfd: %s", strerror(errno)) : RD_OK;
}

void rd_traces_destroy(struct rd_machine *m)
{
	if (m->traces.wake_fd >= 0)
		close(m->traces.wake_fd);
	m->traces.wake_fd = -1;
}

/* --- the set --- */

bool rd_traces_next(const struct rd_machine *m, uint64_t *from, struct rd_trace_range *out)
{
	memset(out, 0, sizeof(*out));
	out->gpa = *from;
	if (!m->traces.supported || ioctl(m->vm_fd, RD_VM_TRACE_NEXT, out) < 0)
		return false;
	/* Whatever answers, the walk has an end. */
	if (!out->size || out->gpa + out->size <= *from)
		return false;
	*from = out->gpa + out->size;
	return true;
}

bool rd_traces_get_tree(const struct rd_machine *m, struct rd_guest_attach *tree)
{
	return m->traces.supported && !ioctl(m->vm_fd, RD_VM_TRACE_GET_GUEST, tree);
}

int rd_traces_set_tree(struct rd_machine *m, const struct rd_guest_attach *tree)
{
	__atomic_store_n(&m->ram.traced, 1, __ATOMIC_SEQ_CST);
	return ioctl(m->vm_fd, RD_VM_TRACE_SET_GUEST, tree) < 0 ? errno : 0;
}

int rd_traces_want(struct rd_machine *m, bool want, uint32_t allow,
		   const uint8_t action[RD_TRACE_MAX_ACTIONS])
{
	struct rd_guest_driver_status s = { .driver = { .want = want, .allow = allow } };

	memcpy(s.driver.action, action, sizeof(s.driver.action));
	return ioctl(m->vm_fd, RD_VM_TRACE_WANT, &s) < 0 ? errno : 0;
}

bool rd_traces_driver(const struct rd_machine *m, struct rd_guest_driver_status *out)
{
	return m->traces.supported && !ioctl(m->vm_fd, RD_VM_TRACE_DRIVER, out);
}

static void look_for_any(struct rd_machine *m)
{
	struct rd_guest_attach tree;
	struct rd_trace_range r;
	uint64_t from = 0;

	/* A tree that the guest hands over meanwhile says so after it is there. */
	__atomic_store_n(&m->ram.traced, 0, __ATOMIC_SEQ_CST);
	if (rd_traces_next(m, &from, &r) || rd_traces_get_tree(m, &tree))
		__atomic_store_n(&m->ram.traced, 1, __ATOMIC_SEQ_CST);
}

static int remove_one(const struct rd_machine *m, const struct rd_trace_range *range)
{
	struct rd_trace_range r = { .gpa = range->gpa, .size = range->size };

	return ioctl(m->vm_fd, RD_VM_TRACE_REMOVE, &r) < 0 ? errno : 0;
}

/* Devices ask from before the first trace is there. */
int rd_traces_add(struct rd_machine *m, const struct rd_trace_range *r, size_t n, size_t *failed)
{
	int err = 0;
	size_t i;

	__atomic_store_n(&m->ram.traced, 1, __ATOMIC_SEQ_CST);
	for (i = 0; i < n && !err; i++)
		if (ioctl(m->vm_fd, RD_VM_TRACE_ADD, &r[i]) < 0)
			err = errno;
	if (!err)
		return 0;
	*failed = --i;
	while (i--)
		remove_one(m, &r[i]);
	look_for_any(m);
	return err;
}

int rd_traces_remove(struct rd_machine *m, const struct rd_trace_range *r, size_t n,
		     size_t *failed)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		err = remove_one(m, &r[i]);
		*failed = i;
	}
	look_for_any(m);
	return err;
}

int rd_traces_clear(struct rd_machine *m)
{
	struct rd_trace_range r;
	uint64_t from = 0;
	int err = 0;

	while (!err && rd_traces_next(m, &from, &r))
		err = remove_one(m, &r);
	look_for_any(m);
	return err;
}

/* --- what a vCPU's thread does --- */

static struct rd_trace_exit *exit_of(const struct rd_cpu *cpu)
{
	return (struct rd_trace_exit *)(void *)cpu->run->padding;
}

static void wake(struct rd_traces *t)
{
	uint64_t one = 1;

	if (write(t->wake_fd, &one, sizeof(one)) != sizeof(one))
		abort();	/* nobody counts that far */
}

/* The main thread pauses the machine; this vCPU goes no further than here. */
static enum rd_trace_outcome hold(struct rd_cpu *cpu)
{
	__atomic_store_n(&cpu->held, exit_of(cpu)->action, __ATOMIC_RELEASE);
	__atomic_store_n(&cpu->machine->stopping, 1, __ATOMIC_RELAXED);
	wake(&cpu->machine->traces);
	return RD_TRACE_DONE;
}

static enum rd_trace_outcome save(struct rd_cpu *cpu)
{
	return *cpu->machine->config->trace_snapshot ? hold(cpu) : RD_TRACE_FAILED;
}

bool rd_traces_isolate(struct rd_machine *m, bool cut)
{
	bool done;

	pthread_mutex_lock(&m->traces.isolating);
	__atomic_store_n(&m->isolated, cut, __ATOMIC_RELAXED);
	done = rd_net_isolate(m, cut);
	pthread_mutex_unlock(&m->traces.isolating);
	return done;
}

static enum rd_trace_outcome isolate(struct rd_cpu *cpu)
{
	return rd_traces_isolate(cpu->machine, true) ? RD_TRACE_DONE : RD_TRACE_FAILED;
}

/* A main thread that is too far behind does not make the guest wait. */
static enum rd_trace_outcome note(struct rd_cpu *cpu)
{
	struct rd_traces *t = &cpu->machine->traces;
	bool room;

	pthread_mutex_lock(&t->lock);
	room = t->n_notes < RD_TRACE_NOTES;
	if (room)
		t->notes[t->n_notes++] = exit_of(cpu)->event;
	pthread_mutex_unlock(&t->lock);
	wake(t);
	return room ? RD_TRACE_DONE : RD_TRACE_FAILED;
}

void rd_traces_exit(struct rd_cpu *cpu)
{
	static enum rd_trace_outcome (*const serve[RD_TRACE_NR_ACTIONS])(struct rd_cpu *cpu) = {
		[RD_TRACE_SUSPEND] = hold,
		[RD_TRACE_SNAPSHOT] = save,
		[RD_TRACE_ISOLATE] = isolate,
		[RD_TRACE_NOTIFY] = note,
	};
	struct rd_trace_exit *x = exit_of(cpu);

	/* The guest has handed over a tree: devices ask from now on. */
	if (x->action == RD_TRACE_NONE)
		__atomic_store_n(&cpu->machine->ram.traced, 1, __ATOMIC_SEQ_CST);
	else if (x->action < RD_TRACE_NR_ACTIONS && serve[x->action])
		x->outcome = serve[x->action](cpu);
	else
		x->outcome = RD_TRACE_UNSUPPORTED;
}

/* --- what the main thread does --- */

struct rd_trace_event *rd_traces_event(const struct rd_cpu *cpu)
{
	return &exit_of(cpu)->event;
}

void rd_traces_release(struct rd_cpu *cpu, enum rd_trace_outcome outcome)
{
	exit_of(cpu)->outcome = outcome;
	__atomic_store_n(&cpu->held, RD_TRACE_NONE, __ATOMIC_RELAXED);
}

bool rd_traces_held(const struct rd_machine *m)
{
	for (uint32_t i = 0; i < m->n_cpus; i++)
		if (__atomic_load_n(&m->cpus[i].held, __ATOMIC_ACQUIRE))
			return true;
	return false;
}

unsigned int rd_traces_notes(struct rd_traces *t, struct rd_trace_event out[RD_TRACE_NOTES])
{
	unsigned int n;

	pthread_mutex_lock(&t->lock);
	n = t->n_notes;
	memcpy(out, t->notes, n * sizeof(out[0]));
	t->n_notes = 0;
	pthread_mutex_unlock(&t->lock);
	return n;
}
