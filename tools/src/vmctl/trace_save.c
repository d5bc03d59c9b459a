// SPDX-License-Identifier: GPL-2.0-only
/*
 * The traces of a machine as sections of its snapshot. They are put on when their section is read,
 * so they stand before the first instruction of the machine that is restored.
 */
#include "tools/src/vmctl/trace_save.h"

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/traces.h"
#include "tools/src/vmctl/util.h"

#include <stdlib.h>
#include <string.h>

/* The end of a list of actions is zeros up to its end. */
static bool actions_ok(const uint8_t action[RD_TRACE_MAX_ACTIONS])
{
	unsigned int i = 0;

	while (i < RD_TRACE_MAX_ACTIONS && action[i])
		if (action[i++] >= RD_TRACE_NR_ACTIONS)
			return false;
	while (i < RD_TRACE_MAX_ACTIONS)
		if (action[i++])
			return false;
	return true;
}

static bool range_ok(const struct rd_trace_range *r, uint64_t *from)
{
	if (r->gpa < *from || !r->size || r->size > INT64_MAX || r->gpa > INT64_MAX - r->size)
		return false;
	*from = r->gpa + r->size;
	return actions_ok(r->action);
}

void rd_trace_section_transfer(struct rd_trace_section *t, struct rd_pack *p, uint64_t *from)
{
	rd_pack_bool(p, &t->isolated);
	rd_pack_u32(p, &t->n);
	if (t->n > RD_TRACE_SECTION_MAX) {
		p->bad = true;
		t->n = 0;
	}
	for (uint32_t i = 0; i < t->n && !p->bad; i++) {
		struct rd_trace_range *r = &t->ranges[i];
		uint64_t gpa = r->gpa, size = r->size;

		rd_pack_u64(p, &gpa);
		rd_pack_u64(p, &size);
		r->gpa = gpa;
		r->size = size;
		rd_pack_bytes(p, r->action, sizeof(r->action));
		rd_pack_u16(p, &r->tag);
		if (p->loading && !range_ok(r, from))
			p->bad = true;
	}
}

static int put(struct rd_trace_section *t, uint32_t instance, struct rd_stream *s)
{
	uint64_t from = 0;
	struct rd_pack p;
	int status;

	rd_pack_save(&p);
	rd_trace_section_transfer(t, &p, &from);
	if (rd_pack_ok(&p))
		status = rd_stream_put(s, RD_SECTION_TRACES, instance, p.data, p.len, NULL, 0);
	else
		status = rd_fail(RD_HOST_ERROR, "out of memory");
	rd_pack_free(&p);
	return status;
}

int rd_trace_save(const struct rd_machine *m, struct rd_stream *s)
{
	struct rd_trace_section *t = calloc(1, sizeof(*t));
	uint32_t instance = 0;
	uint64_t from = 0;
	int status = RD_OK;

	if (!t)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	t->isolated = __atomic_load_n(&m->isolated, __ATOMIC_RELAXED);
	do {
		t->n = 0;
		while (t->n < RD_TRACE_SECTION_MAX && rd_traces_next(m, &from, &t->ranges[t->n]))
			t->n++;
		if (t->n || (t->isolated && !instance))
			status = put(t, instance++, s);
	} while (!status && t->n == RD_TRACE_SECTION_MAX);
	free(t);
	return status;
}

static int apply(struct rd_machine *m, const struct rd_stream *s, const struct rd_trace_section *t)
{
	size_t failed = 0;
	int err;

	m->isolated = t->isolated;
	if (!t->n)
		return RD_OK;
	if (!m->traces.supported)
		return rd_fail(RD_USAGE, "%s: the machine has write traces, %s cannot have any",
			       s->name, m->kvm->node);
	err = rd_traces_add(m, t->ranges, t->n, &failed);
	if (!err)
		return RD_OK;
	return rd_fail(RD_USAGE, "%s: %s refuses the write trace at 0x%llx: %s", s->name,
		       m->kvm->node, (unsigned long long)t->ranges[failed].gpa, strerror(err));
}

int rd_trace_load(struct rd_machine *m, const struct rd_stream *s,
		  const struct rd_section *section, uint64_t *from)
{
	struct rd_trace_section *t = calloc(1, sizeof(*t));
	struct rd_pack p;
	int status;

	if (!t)
		return rd_fail(RD_HOST_ERROR, "out of memory");
	rd_pack_load(&p, section->data, section->len);
	rd_trace_section_transfer(t, &p, from);
	status = rd_pack_ok(&p) ? apply(m, s, t) :
				  rd_stream_damaged(s, "write traces of no machine");
	free(t);
	return status;
}

/* --- the guest's own tree --- */

void rd_tree_transfer(struct rd_guest_attach *tree, struct rd_pack *p)
{
	uint64_t root = tree->root, image = tree->image;
	uint32_t nr_lists = tree->nr_lists, pages = tree->image_pages, code = tree->image_code;
	uint32_t entry = tree->entry;

	rd_pack_u64(p, &root);
	rd_pack_u32(p, &nr_lists);
	tree->root = root;
	tree->nr_lists = nr_lists;
	rd_pack_bytes(p, tree->node_action, sizeof(tree->node_action));
	rd_pack_bytes(p, tree->list, sizeof(tree->list));
	rd_pack_u64(p, &image);
	rd_pack_u32(p, &pages);
	rd_pack_u32(p, &code);
	rd_pack_u32(p, &entry);
	tree->image = image;
	tree->image_pages = pages;
	tree->image_code = code;
	tree->entry = entry;
	/* This number means to end a tree. */
	if (p->loading && tree->root == RD_GUEST_NO_TREE)
		p->bad = true;
}

int rd_tree_save(const struct rd_machine *m, struct rd_stream *s)
{
	struct rd_guest_attach tree = { 0 };
	struct rd_pack p;
	int status;

	if (!rd_traces_get_tree(m, &tree))
		return RD_OK;
	rd_pack_save(&p);
	rd_tree_transfer(&tree, &p);
	if (rd_pack_ok(&p))
		status = rd_stream_put(s, RD_SECTION_TREE, 0, p.data, p.len, NULL, 0);
	else
		status = rd_fail(RD_HOST_ERROR, "out of memory");
	rd_pack_free(&p);
	return status;
}

int rd_tree_load(struct rd_machine *m, const struct rd_stream *s, const struct rd_section *section)
{
	struct rd_guest_attach tree = { 0 };
	struct rd_pack p;
	int err;

	rd_pack_load(&p, section->data, section->len);
	rd_tree_transfer(&tree, &p);
	if (section->instance || !rd_pack_ok(&p))
		return rd_stream_damaged(s, "a trace tree of no guest");
	if (!m->traces.supported)
		return rd_fail(RD_USAGE, "%s: the guest guards itself by a trace tree, %s cannot",
			       s->name, m->kvm->node);
	err = rd_traces_set_tree(m, &tree);
	if (!err)
		return RD_OK;
	return rd_fail(RD_USAGE, "%s: %s refuses the guest's trace tree: %s", s->name,
		       m->kvm->node, strerror(err));
}
