// SPDX-License-Identifier: GPL-2.0-only
/* The thread that writes a snapshot: temporary file, sections in a fixed order, rename. */
#include "tools/src/vmctl/snapshot.h"

#include "tools/src/vmctl/cpu_save.h"
#include "tools/src/vmctl/describe.h"
#include "tools/src/vmctl/guard.h"
#include "tools/src/vmctl/mem_save.h"
#include "tools/src/vmctl/state.h"
#include "tools/src/vmctl/trace_save.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define FILE_BUFFER (1u << 18)

#define NEED(cap) { KVM_CAP_##cap, "KVM_CAP_" #cap }

static const struct {
	int cap;
	const char *name;
} needed[] = {
	NEED(MP_STATE), NEED(VCPU_EVENTS), NEED(DEBUGREGS), NEED(XSAVE), NEED(XCRS),
	NEED(SREGS2), NEED(ADJUST_CLOCK),
};

void rd_snapshot_init(struct rd_snapshot *s)
{
	memset(s, 0, sizeof(*s));
	s->done_fd = -1;
}

bool rd_snapshot_possible(const struct rd_machine *m, char *text, size_t len)
{
	char device[64];

	if (m->sgx.size) {
		snprintf(text, len, "enclaves cannot be saved yet");
		return false;
	}
	for (size_t i = 0; i < RD_ARRAY_SIZE(needed); i++) {
		if (rd_kvm_cap(m->vm_fd, needed[i].cap) > 0)
			continue;
		snprintf(text, len, "%s lacks %s", m->kvm->node, needed[i].name);
		return false;
	}
	if (!rd_states_missing(&m->states, &m->bus, device, sizeof(device)))
		return true;
	snprintf(text, len, "%s cannot save its state", device);
	return false;
}

/* --- sections --- */

static int put_pack(struct rd_stream *s, enum rd_section_type type, uint32_t instance,
		    const struct rd_pack *p)
{
	if (!rd_pack_ok(p))
		return rd_fail(RD_HOST_ERROR, "out of memory");
	return rd_stream_put(s, type, instance, p->data, p->len, NULL, 0);
}

static int put_description(const struct rd_snapshot *snap, struct rd_stream *s)
{
	json_t *o = rd_describe(snap->machine->config, snap->name);
	char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	int status;

	if (text)
		status = rd_stream_put(s, RD_SECTION_DESCRIPTION, 0, text, strlen(text), NULL, 0);
	else
		status = rd_fail(RD_HOST_ERROR, "the machine cannot be described in JSON");
	free(text);
	json_decref(o);
	return status;
}

static int put_cpus(const struct rd_machine *m, struct rd_stream *s)
{
	int status = RD_OK;

	for (uint32_t i = 0; i < m->n_cpus && !status; i++) {
		struct rd_pack p;

		rd_pack_save(&p);
		status = rd_cpu_save(&m->cpus[i], &p);
		if (!status)
			status = put_pack(s, RD_SECTION_VCPU, i, &p);
		rd_pack_free(&p);
	}
	return status;
}

static int put_chips(const struct rd_machine *m, struct rd_stream *s)
{
	int status = RD_OK;

	for (uint32_t i = 0; i < RD_KERNEL_CHIPS && m->kernel_irqchip && !status; i++) {
		struct kvm_irqchip chip = { .chip_id = i };

		if (ioctl(m->vm_fd, KVM_GET_IRQCHIP, &chip) < 0)
			return rd_kvm_fail("KVM_GET_IRQCHIP");
		status = rd_stream_put(s, RD_SECTION_CHIP, i, &chip, sizeof(chip), NULL, 0);
	}
	return status;
}

static int put_clocks(struct rd_machine *m, struct rd_stream *s)
{
	struct rd_pack p;
	int status;

	rd_pack_save(&p);
	rd_clocks_transfer(m, &p);
	status = put_pack(s, RD_SECTION_CLOCKS, 0, &p);
	rd_pack_free(&p);
	return status;
}

static int put_devices(const struct rd_machine *m, struct rd_stream *s)
{
	int status = RD_OK;

	for (unsigned int i = 0; i < m->states.n && !status; i++) {
		struct rd_state state = m->states.list[i];
		uint32_t version = state.ops->version;
		struct rd_pack p;

		rd_pack_save(&p);
		rd_pack_bytes(&p, state.name, sizeof(state.name));
		rd_pack_u32(&p, &version);
		if (state.ops->transfer)
			state.ops->transfer(state.dev, &p);
		status = put_pack(s, RD_SECTION_DEVICE, i, &p);
		rd_pack_free(&p);
	}
	return status;
}

int rd_snapshot_write(struct rd_snapshot *snap, FILE *file)
{
	struct rd_mem_save how = { .done = &snap->done, .cancel = &snap->cancel };
	struct rd_stream s;
	int status = rd_stream_create(&s, file, snap->partial);

	if (!status)
		status = put_description(snap, &s);
	if (!status)
		status = put_cpus(snap->machine, &s);
	if (!status)
		status = put_chips(snap->machine, &s);
	if (!status)
		status = put_clocks(snap->machine, &s);
	if (!status)
		status = put_devices(snap->machine, &s);
	if (!status)
		status = rd_trace_save(snap->machine, &s);
	if (!status)
		status = rd_mem_save(&snap->machine->ram, &s, &how);
	if (!status)
		status = rd_tree_save(snap->machine, &s);
	if (!status)
		status = rd_guard_save(snap->machine, &s);
	if (!status)
		status = rd_stream_finish(&s);
	snap->size = s.bytes;
	return status;
}

/* --- the file --- */

static FILE *open_partial(struct rd_snapshot *s)
{
	int fd = open(s->partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "w");

	if (!file) {
		snprintf(s->error, sizeof(s->error), "%.150s: %s", s->partial, strerror(errno));
		if (fd >= 0) {
			close(fd);
			unlink(s->partial);
		}
		return NULL;
	}
	setvbuf(file, NULL, _IOFBF, FILE_BUFFER);
	return file;
}

static int publish(struct rd_snapshot *s, FILE *file)
{
	if (fsync(fileno(file)))
		return rd_fail(RD_HOST_ERROR, "%s: %s", s->partial, strerror(errno));
	if (rename(s->partial, s->path))
		return rd_fail(RD_HOST_ERROR, "%s: %s", s->path, strerror(errno));
	return RD_OK;
}

static void *write_thread(void *arg)
{
	struct rd_snapshot *s = arg;
	FILE *file = open_partial(s);
	uint64_t one = 1;
	int status = RD_HOST_ERROR;

	rd_messages_capture(s->error, sizeof(s->error));
	if (file) {
		status = rd_snapshot_write(s, file);
		if (!status)
			status = publish(s, file);
		if (status)
			unlink(s->partial);
		fclose(file);
	}
	s->status = status;
	if (write(s->done_fd, &one, sizeof(one)) != sizeof(one))
		abort();	/* an eventfd takes a first 1 */
	return NULL;
}

static bool fill_paths(struct rd_snapshot *s, const char *path)
{
	int n = snprintf(s->partial, sizeof(s->partial), "%s.partial-%d", path, (int)getpid());

	if (path[0] != '/')
		snprintf(s->error, sizeof(s->error), "\"file\" must be an absolute path");
	else if (n < 0 || (size_t)n >= sizeof(s->partial))
		snprintf(s->error, sizeof(s->error), "\"file\" is too long");
	else
		return snprintf(s->path, sizeof(s->path), "%s", path) > 0;
	return false;
}

bool rd_snapshot_start(struct rd_snapshot *s, struct rd_machine *m, const char *name,
		       const char *path)
{
	int err;

	rd_snapshot_init(s);
	s->machine = m;
	snprintf(s->name, sizeof(s->name), "%s", name);
	if (!fill_paths(s, path))
		return false;
	s->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = s->done_fd < 0 ? errno : pthread_create(&s->thread, NULL, write_thread, s);
	s->running = !err;
	if (!err)
		return true;
	snprintf(s->error, sizeof(s->error), "%s", strerror(err));
	if (s->done_fd >= 0)
		close(s->done_fd);
	s->done_fd = -1;
	return false;
}

void rd_snapshot_cancel(struct rd_snapshot *s)
{
	__atomic_store_n(&s->cancel, 1, __ATOMIC_RELAXED);
}

void rd_snapshot_join(struct rd_snapshot *s)
{
	if (!s->running)
		return;
	pthread_join(s->thread, NULL);
	close(s->done_fd);
	s->done_fd = -1;
	s->running = false;
}
