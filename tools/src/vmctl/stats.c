// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsing and summing of counters. The image of a statistics descriptor comes from the kernel but
 * is checked like a file all the same: every offset against the length.
 */
#include "tools/src/vmctl/stats.h"

#include "tools/src/vmctl/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void rd_stats_init(struct rd_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
}

void rd_stats_free(struct rd_stats *stats)
{
	free(stats->list);
	rd_stats_init(stats);
}

static struct rd_stat *find_or_add(struct rd_stats *stats, const char *name)
{
	struct rd_stat *list = stats->list;

	for (size_t i = 0; i < stats->n; i++)
		if (!strcmp(list[i].name, name))
			return &list[i];
	if (stats->n == stats->room) {
		size_t room = stats->room ? stats->room * 2 : 64;

		list = realloc(list, room * sizeof(*list));
		if (!list)
			return NULL;
		stats->list = list;
		stats->room = room;
	}
	memset(&list[stats->n], 0, sizeof(*list));
	snprintf(list[stats->n].name, sizeof(list->name), "%s", name);
	return &list[stats->n++];
}

static void add(struct rd_stats *stats, const char *name, enum rd_stat_kind kind, uint64_t value)
{
	struct rd_stat *s = find_or_add(stats, name);

	if (!s)
		return;
	s->kind = kind;
	if (kind == RD_STAT_PEAK)
		s->value = value > s->value ? value : s->value;
	else
		s->value += value;
}

/* Histograms are not single numbers and are left out. */
static bool scalar_kind(const struct kvm_stats_desc *d, enum rd_stat_kind *kind)
{
	switch (d->flags & KVM_STATS_TYPE_MASK) {
	case KVM_STATS_TYPE_CUMULATIVE:
		*kind = RD_STAT_SUM;
		break;
	case KVM_STATS_TYPE_INSTANT:
		*kind = RD_STAT_LAST;
		break;
	case KVM_STATS_TYPE_PEAK:
		*kind = RD_STAT_PEAK;
		break;
	default:
		return false;
	}
	return d->size == 1;
}

static bool inside(size_t len, uint64_t off, uint64_t n)
{
	return off <= len && n <= len - off;
}

static void parse_one(struct rd_stats *stats, const uint8_t *image, size_t len,
		      const struct kvm_stats_header *h, uint64_t desc_off)
{
	struct kvm_stats_desc d;
	char name[RD_STAT_NAME_MAX];
	enum rd_stat_kind kind;
	uint64_t value, off;

	memcpy(&d, image + desc_off, sizeof(d));
	snprintf(name, sizeof(name), "%.*s", (int)h->name_size,
		 (const char *)image + desc_off + sizeof(d));
	off = (uint64_t)h->data_offset + d.offset;
	if (!scalar_kind(&d, &kind) || !*name || !inside(len, off, sizeof(value)))
		return;
	memcpy(&value, image + off, sizeof(value));
	add(stats, name, kind, value);
}

void rd_stats_parse(struct rd_stats *stats, const void *image, size_t len)
{
	struct kvm_stats_header h;
	uint64_t step, off;

	if (len < sizeof(h))
		return;
	memcpy(&h, image, sizeof(h));
	if (!h.name_size || h.name_size > 4096)
		return;
	step = sizeof(struct kvm_stats_desc) + h.name_size;
	off = h.desc_offset;
	for (uint32_t i = 0; i < h.num_desc && inside(len, off, step); i++, off += step)
		parse_one(stats, image, len, &h, off);
}

void rd_stats_copy(struct rd_stats *to, const struct rd_stats *from)
{
	for (size_t i = 0; i < from->n; i++)
		add(to, from->list[i].name, from->list[i].kind, from->list[i].value);
	for (size_t i = 0; i < RD_ARRAY_SIZE(to->user_exits); i++)
		to->user_exits[i] += from->user_exits[i];
}

uint64_t rd_stats_user_exits(const struct rd_stats *stats)
{
	uint64_t total = 0;

	for (size_t i = 0; i < RD_ARRAY_SIZE(stats->user_exits); i++)
		total += stats->user_exits[i];
	return total;
}

uint64_t rd_stats_exits(const struct rd_stats *stats)
{
	for (size_t i = 0; i < stats->n; i++)
		if (!strcmp(stats->list[i].name, "exits"))
			return stats->list[i].value;
	return rd_stats_user_exits(stats);
}
