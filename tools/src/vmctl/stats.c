// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading and summing of counters. The image of a statistics descriptor comes from the kernel but
 * is checked like a file all the same: every offset against the length.
 */
#include "tools/src/vmctl/stats.h"

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IMAGE_MAX 65536u

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

/* FD is a VM or a vCPU. Data beyond the image size would be counters nobody has invented yet. */
static void add_from(struct rd_stats *stats, int fd)
{
	int stats_fd = ioctl(fd, KVM_GET_STATS_FD, NULL);
	uint8_t *image;
	size_t len = 0;
	ssize_t n;

	if (stats_fd < 0)
		return;
	image = malloc(IMAGE_MAX);
	while (image && len < IMAGE_MAX) {
		n = pread(stats_fd, image + len, IMAGE_MAX - len, (off_t)len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	if (image)
		rd_stats_parse(stats, image, len);
	free(image);
	close(stats_fd);
}

void rd_stats_add_machine(struct rd_stats *stats, const struct rd_machine *m)
{
	bool binary = rd_kvm_cap(m->kvm->fd, KVM_CAP_BINARY_STATS_FD);

	/* Momentary values of an earlier life of the VM say nothing now. */
	for (size_t i = 0; i < stats->n; i++)
		if (stats->list[i].kind == RD_STAT_LAST)
			stats->list[i].value = 0;
	if (binary && m->vm_fd >= 0)
		add_from(stats, m->vm_fd);
	for (uint32_t i = 0; m->cpus && i < m->n_cpus; i++) {
		const struct rd_cpu *cpu = &m->cpus[i];

		if (binary && cpu->fd >= 0)
			add_from(stats, cpu->fd);
		for (size_t j = 0; j < RD_ARRAY_SIZE(cpu->exits); j++)
			stats->user_exits[j] += __atomic_load_n(&cpu->exits[j], __ATOMIC_RELAXED);
	}
}

void rd_stats_copy(struct rd_stats *to, const struct rd_stats *from)
{
	for (size_t i = 0; i < from->n; i++)
		add(to, from->list[i].name, from->list[i].kind, from->list[i].value);
	for (size_t i = 0; i < RD_ARRAY_SIZE(to->user_exits); i++)
		to->user_exits[i] += from->user_exits[i];
}

static uint64_t user_total(const struct rd_stats *stats)
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
	return user_total(stats);
}

json_t *rd_stats_json(const struct rd_stats *stats)
{
	json_t *counters = json_object();
	json_t *user = json_object();

	for (size_t i = 0; i < stats->n; i++)
		json_object_set_new(counters, stats->list[i].name,
				    json_integer((json_int_t)stats->list[i].value));
	for (uint32_t i = 0; i < RD_ARRAY_SIZE(stats->user_exits); i++) {
		const char *name = rd_exit_name(i);
		json_t *old = json_object_get(user, name);
		json_int_t n = (json_int_t)stats->user_exits[i] + json_integer_value(old);

		if (n)
			json_object_set_new(user, name, json_integer(n));
	}
	return json_pack("{s:I, s:o, s:I, s:o}", "exits", (json_int_t)rd_stats_exits(stats),
			 "counters", counters, "user_exits_total", (json_int_t)user_total(stats),
			 "user_exits", user);
}

static void print_line(const char *name, uint64_t value)
{
	if (value)
		fprintf(stderr, "  %-32s %14llu\n", name, (unsigned long long)value);
}

void rd_stats_print(const struct rd_stats *stats)
{
	fprintf(stderr, "exits: %llu\n", (unsigned long long)rd_stats_exits(stats));
	for (size_t i = 0; i < stats->n; i++)
		if (strcmp(stats->list[i].name, "exits"))
			print_line(stats->list[i].name, stats->list[i].value);
	fprintf(stderr, "user-space exits: %llu\n", (unsigned long long)user_total(stats));
	for (uint32_t i = 0; i < RD_ARRAY_SIZE(stats->user_exits); i++)
		print_line(rd_exit_name(i), stats->user_exits[i]);
}
