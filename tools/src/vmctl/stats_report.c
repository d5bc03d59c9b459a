// SPDX-License-Identifier: GPL-2.0-only
/* Counters between the machine, where they are read, and the operator, who reads them. */
#include "tools/src/vmctl/stats_report.h"

#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define IMAGE_MAX 65536u

int rd_stats_open(const struct rd_kvm *kvm, int fd)
{
	if (!rd_kvm_cap(kvm->fd, KVM_CAP_BINARY_STATS_FD))
		return -1;
	return ioctl(fd, KVM_GET_STATS_FD, NULL);
}

/* Data beyond the image size would be counters nobody has invented yet. */
static void add_from(struct rd_stats *stats, int stats_fd)
{
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
}

static void add_cpu(struct rd_stats *stats, const struct rd_cpu *cpu)
{
	add_from(stats, cpu->stats_fd);
	for (size_t j = 0; j < RD_ARRAY_SIZE(cpu->exits); j++)
		stats->user_exits[j] += __atomic_load_n(&cpu->exits[j], __ATOMIC_RELAXED);
}

void rd_stats_add_machine(struct rd_stats *stats, const struct rd_machine *m)
{
	/* Momentary values of an earlier life of the VM say nothing now. */
	for (size_t i = 0; i < stats->n; i++)
		if (stats->list[i].kind == RD_STAT_LAST)
			stats->list[i].value = 0;
	add_from(stats, m->stats_fd);
	for (uint32_t i = 0; m->cpus && i < m->n_cpus; i++)
		add_cpu(stats, &m->cpus[i]);
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
			 "counters", counters, "user_exits_total",
			 (json_int_t)rd_stats_user_exits(stats), "user_exits", user);
}

/* Fields of /proc/self/task/TID/stat after the name, counted from the state as 0. */
enum { TASK_USER = 11, TASK_SYSTEM = 12, TASK_GUEST = 40 };

/* Processor time of a thread in milliseconds; zeros when there is none. */
static void task_times(int tid, long long *cpu_ms, long long *guest_ms)
{
	long long ticks[TASK_GUEST + 1] = { 0 }, hz = sysconf(_SC_CLK_TCK);
	char path[64], text[1024], *field, *save = NULL;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = tid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	text[n > 0 ? n : 0] = 0;
	/* The name may hold anything but ends with the last parenthesis. */
	field = strrchr(text, ')');
	field = field ? strtok_r(field + 1, " ", &save) : NULL;
	for (int i = 0; field && i <= TASK_GUEST; i++, field = strtok_r(NULL, " ", &save))
		ticks[i] = i ? atoll(field) : 0;
	*cpu_ms = (ticks[TASK_USER] + ticks[TASK_SYSTEM]) * 1000 / (hz > 0 ? hz : 100);
	*guest_ms = ticks[TASK_GUEST] * 1000 / (hz > 0 ? hz : 100);
}

static json_t *vcpu_json(const struct rd_cpu *cpu)
{
	int tid = __atomic_load_n(&cpu->tid, __ATOMIC_RELAXED);
	long long cpu_ms, guest_ms;
	struct rd_stats stats;
	json_t *o;

	rd_stats_init(&stats);
	add_cpu(&stats, cpu);
	o = rd_stats_json(&stats);
	rd_stats_free(&stats);
	task_times(tid, &cpu_ms, &guest_ms);
	json_object_set_new(o, "index", json_integer(cpu->index));
	json_object_set_new(o, "tid", json_integer(tid));
	json_object_set_new(o, "cpu_ms", json_integer(cpu_ms));
	json_object_set_new(o, "guest_ms", json_integer(guest_ms));
	return o;
}

json_t *rd_stats_vcpus(const struct rd_machine *m)
{
	json_t *list = json_array();

	for (uint32_t i = 0; m->cpus && i < m->n_cpus; i++)
		json_array_append_new(list, vcpu_json(&m->cpus[i]));
	return list;
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
	fprintf(stderr, "user-space exits: %llu\n", (unsigned long long)rd_stats_user_exits(stats));
	for (uint32_t i = 0; i < RD_ARRAY_SIZE(stats->user_exits); i++)
		print_line(rd_exit_name(i), stats->user_exits[i]);
}
