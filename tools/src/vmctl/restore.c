// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading of a snapshot. Each section goes through a table by its type; what must be there exactly
 * once is counted, so that a file that is sound in itself but belongs to no machine is refused.
 */
#include "tools/src/vmctl/restore.h"

#include "tools/src/vmctl/cpu_save.h"
#include "tools/src/vmctl/describe.h"
#include "tools/src/vmctl/guard.h"
#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/mem_save.h"
#include "tools/src/vmctl/progress.h"
#include "tools/src/vmctl/trace_save.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BUFFER (1u << 18)

struct loading {
	struct rd_restore *r;
	struct rd_machine *m;
	uint32_t cpus, chips, clocks, devices, traces;	/* how many were loaded, in order */
	uint64_t next_page, next_trace;
};

static int open_file(struct rd_restore *r, const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return rd_fail(RD_USAGE, "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return rd_fail(RD_USAGE, "%s: not a regular file", path);
	}
	r->size = (uint64_t)st.st_size;
	r->file = fdopen(fd, "r");
	if (r->file)
		return RD_OK;
	close(fd);
	return rd_fail(RD_HOST_ERROR, "%s: %s", path, strerror(errno));
}

int rd_restore_open(struct rd_restore *r, const char *path, struct rd_config *config)
{
	struct rd_section section;
	int status;

	memset(r, 0, sizeof(*r));
	status = open_file(r, path);
	if (status)
		return status;
	setvbuf(r->file, NULL, _IOFBF, FILE_BUFFER);
	status = rd_stream_open(&r->stream, r->file, path);
	if (!status)
		status = rd_stream_next(&r->stream, &section);
	if (status)
		return status;
	if (section.type != RD_SECTION_DESCRIPTION)
		return rd_stream_damaged(&r->stream, "the machine's description is missing");
	return rd_describe_parse(config, &r->description, section.data, section.len, path);
}

static int load_cpu(struct loading *l, const struct rd_section *section)
{
	struct rd_pack p;

	if (section->instance != l->cpus || l->cpus == l->m->n_cpus)
		return rd_stream_damaged(&l->r->stream, "a vCPU too many");
	rd_pack_load(&p, section->data, section->len);
	return rd_cpu_load(&l->m->cpus[l->cpus++], &p, l->r->stream.name);
}

static int load_chip(struct loading *l, const struct rd_section *section)
{
	struct kvm_irqchip chip;

	if (!l->m->kernel_irqchip || section->instance != l->chips ||
	    l->chips == RD_KERNEL_CHIPS || section->len != sizeof(chip))
		return rd_stream_damaged(&l->r->stream, "an interrupt controller too many");
	memcpy(&chip, section->data, sizeof(chip));
	chip.chip_id = l->chips++;
	if (ioctl(l->m->vm_fd, KVM_SET_IRQCHIP, &chip) < 0)
		return rd_fail(RD_USAGE, "%s: %s refuses interrupt controller %u: %s",
			       l->r->stream.name, l->m->kvm->node, chip.chip_id, strerror(errno));
	return RD_OK;
}

static int load_clocks(struct loading *l, const struct rd_section *section)
{
	struct rd_pack p;

	rd_pack_load(&p, section->data, section->len);
	rd_clocks_transfer(l->m, &p);
	if (l->clocks++ || !rd_pack_ok(&p))
		return rd_stream_damaged(&l->r->stream, "clocks of another machine");
	return RD_OK;
}

static int load_device(struct loading *l, const struct rd_section *section)
{
	char name[RD_STATE_NAME_MAX];
	const struct rd_state *state;
	uint32_t version = 0;
	struct rd_pack p;

	rd_pack_load(&p, section->data, section->len);
	rd_pack_bytes(&p, name, sizeof(name));
	rd_pack_u32(&p, &version);
	if (p.bad || !memchr(name, 0, sizeof(name)))
		return rd_stream_damaged(&l->r->stream, "a device without a name");
	if (l->devices == l->m->states.n || section->instance != l->devices)
		return rd_stream_damaged(&l->r->stream, "a device too many");
	state = &l->m->states.list[l->devices++];
	if (strcmp(state->name, name) != 0 || state->ops->version != version)
		return rd_fail(RD_USAGE, "%s: the device %s of version %u is not the one here",
			       l->r->stream.name, state->name, version);
	if (state->ops->transfer)
		state->ops->transfer(state->dev, &p);
	if (!rd_pack_ok(&p) || (state->ops->loaded && !state->ops->loaded(state->dev)))
		return rd_fail(RD_USAGE, "%s: the state of device %s is damaged",
			       l->r->stream.name, state->name);
	return RD_OK;
}

static int load_traces(struct loading *l, const struct rd_section *section)
{
	if (section->instance != l->traces++)
		return rd_stream_damaged(&l->r->stream, "write traces out of their order");
	return rd_trace_load(l->m, &l->r->stream, section, &l->next_trace);
}

static int load_tree(struct loading *l, const struct rd_section *section)
{
	return rd_tree_load(l->m, &l->r->stream, section);
}

static int load_guard(struct loading *l, const struct rd_section *section)
{
	return rd_guard_load(l->m, &l->r->stream, section);
}

static int load_memory(struct loading *l, const struct rd_section *section)
{
	return rd_mem_load(&l->m->ram, &l->r->stream, section, &l->next_page);
}

static int load_second_description(struct loading *l, const struct rd_section *section)
{
	(void)section;
	return rd_stream_damaged(&l->r->stream, "a second description");
}

static int (*const loaders[RD_SECTION_TYPES])(struct loading *l, const struct rd_section *s) = {
	[RD_SECTION_DESCRIPTION] = load_second_description,
	[RD_SECTION_VCPU] = load_cpu,
	[RD_SECTION_CHIP] = load_chip,
	[RD_SECTION_CLOCKS] = load_clocks,
	[RD_SECTION_DEVICE] = load_device,
	[RD_SECTION_MEMORY] = load_memory,
	[RD_SECTION_TRACES] = load_traces,
	[RD_SECTION_TREE] = load_tree,
	[RD_SECTION_GUARD] = load_guard,
};

static int check_complete(const struct loading *l)
{
	if (l->cpus == l->m->n_cpus && l->clocks == 1 && l->devices == l->m->states.n &&
	    l->chips == (l->m->kernel_irqchip ? RD_KERNEL_CHIPS : 0))
		return RD_OK;
	return rd_stream_damaged(&l->r->stream, "parts of the machine are missing");
}

/* The controllers know their own state by now, but not what the devices' lines carry. */
static void assert_lines(const struct rd_machine *m)
{
	for (unsigned int i = 0; i < m->states.n; i++)
		if (m->states.list[i].ops->lines)
			m->states.list[i].ops->lines(m->states.list[i].dev);
}

int rd_restore_load(struct rd_restore *r, struct rd_machine *m)
{
	struct loading l = { .r = r, .m = m };
	struct rd_progress progress;
	struct rd_section section;
	int status;

	rd_progress_start(&progress, "restoring");
	while (true) {
		status = rd_stream_next(&r->stream, &section);
		if (status || section.type == RD_SECTION_END)
			break;
		status = loaders[section.type](&l, &section);
		if (status)
			break;
		rd_progress_show(&progress, r->stream.bytes, r->size);
	}
	rd_progress_end(&progress);
	if (!status)
		status = check_complete(&l);
	if (!status)
		assert_lines(m);
	return status;
}

void rd_restore_close(struct rd_restore *r)
{
	if (r->file)
		fclose(r->file);
	rd_stream_close(&r->stream);
	json_decref(r->description);
	memset(r, 0, sizeof(*r));
}
