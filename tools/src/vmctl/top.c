// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rates. The hypervisor's counters are taken by name: those of exits by reason are called exit_X
 * by one and X_exits by another, faults and interrupts have the same names everywhere.
 */
#include "tools/src/vmctl/top.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "exit_"
#define SUFFIX "_exits"

double rd_top_number(const json_t *o, const char *key)
{
	return json_number_value(json_object_get(o, key));
}

/* The reason that a counter stands for, to NAME; false: it stands for something else. */
static bool reason_of(const char *counter, char *name, size_t len)
{
	size_t n = strlen(counter);

	if (!strncmp(counter, PREFIX, strlen(PREFIX)))
		snprintf(name, len, "%s", counter + strlen(PREFIX));
	else if (n > strlen(SUFFIX) && !strcmp(counter + n - strlen(SUFFIX), SUFFIX))
		snprintf(name, len, "%.*s", (int)(n - strlen(SUFFIX)), counter);
	else
		return false;
	return true;
}

/* Counters only grow; one that did not began anew. */
static double grown(const json_t *earlier, const json_t *now)
{
	double a = json_number_value(earlier), b = json_number_value(now);

	return b >= a ? b - a : b;
}

static double counter_rate(const json_t *earlier, const json_t *now, const char *name,
			   double seconds)
{
	return grown(json_object_get(json_object_get(earlier, "counters"), name),
		     json_object_get(json_object_get(now, "counters"), name)) / seconds;
}

static double member_rate(const json_t *earlier, const json_t *now, const char *name,
			  double seconds)
{
	return grown(json_object_get(earlier, name), json_object_get(now, name)) / seconds;
}

static json_t *reasons(const json_t *earlier, const json_t *now, double seconds)
{
	json_t *all = json_object(), *value;
	const char *counter;
	char name[64];

	json_object_foreach(json_object_get((json_t *)now, "counters"), counter, value) {
		if (!reason_of(counter, name, sizeof(name)))
			continue;
		json_object_set_new(all, name,
				    json_real(counter_rate(earlier, now, counter, seconds)));
	}
	return all;
}

static void set_rates(json_t *o, const json_t *earlier, const json_t *now, double seconds)
{
	bool taken = json_object_get(json_object_get(now, "counters"), "pf_taken");

	json_object_set_new(o, "exits", json_real(member_rate(earlier, now, "exits", seconds)));
	json_object_set_new(o, "user_exits",
			    json_real(member_rate(earlier, now, "user_exits_total", seconds)));
	json_object_set_new(o, "faults",
			    json_real(counter_rate(earlier, now, taken ? "pf_taken" : "exit_npf",
						   seconds)));
	json_object_set_new(o, "interrupts",
			    json_real(counter_rate(earlier, now, "irq_injections", seconds) +
				      counter_rate(earlier, now, "nmi_injections", seconds)));
	json_object_set_new(o, "reasons", reasons(earlier, now, seconds));
}

/* Milliseconds per second are tenths of a percent. The thread is a new one after a pause. */
static void set_times(json_t *o, const json_t *earlier, const json_t *now, double seconds)
{
	if (rd_top_number(earlier, "tid") != rd_top_number(now, "tid"))
		earlier = NULL;
	json_object_set_new(o, "cpu", json_real(member_rate(earlier, now, "cpu_ms", seconds) / 10));
	json_object_set_new(o, "guest",
			    json_real(member_rate(earlier, now, "guest_ms", seconds) / 10));
}

static json_t *vcpus(const json_t *earlier, const json_t *now, double seconds)
{
	const json_t *old = json_object_get(earlier, "vcpus");
	json_t *list = json_array(), *vcpu;
	size_t i;

	json_array_foreach(json_object_get(now, "vcpus"), i, vcpu) {
		json_t *o = json_object();

		json_object_set(o, "index", json_object_get(vcpu, "index"));
		set_rates(o, json_array_get(old, i), vcpu, seconds);
		set_times(o, json_array_get(old, i), vcpu, seconds);
		json_array_append_new(list, o);
	}
	return list;
}

static double sum(const json_t *list, const char *key)
{
	double total = 0;
	json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
		total += rd_top_number(o, key);
	return total;
}

json_t *rd_top_rates(const json_t *earlier, const json_t *now, double seconds)
{
	json_t *o = json_object(), *list;

	if (rd_top_number(earlier, "pid") != rd_top_number(now, "pid"))
		earlier = NULL;
	json_object_set(o, "name", json_object_get(now, "name"));
	json_object_set(o, "pid", json_object_get(now, "pid"));
	json_object_set(o, "state", json_object_get(now, "state"));
	set_rates(o, earlier, now, seconds);
	list = vcpus(earlier, now, seconds);
	json_object_set_new(o, "cpu", json_real(sum(list, "cpu")));
	json_object_set_new(o, "guest", json_real(sum(list, "guest")));
	json_object_set_new(o, "vcpus", list);
	return o;
}

static int by_rate(const void *a, const void *b)
{
	const struct rd_top_reason *x = a, *y = b;

	if (x->rate != y->rate)
		return x->rate < y->rate ? 1 : -1;
	return strcmp(x->name, y->name);
}

size_t rd_top_reasons(const json_t *o, struct rd_top_reason *list, size_t n)
{
	json_t *all = json_object_get(o, "reasons"), *value;
	size_t count = 0, room = json_object_size(all);
	struct rd_top_reason *sorted = calloc(room ? room : 1, sizeof(*sorted));
	const char *name;

	if (!sorted)
		return 0;
	json_object_foreach(all, name, value) {
		if (count < room && json_number_value(value) > 0)
			sorted[count++] = (struct rd_top_reason){ name, json_number_value(value) };
	}
	qsort(sorted, count, sizeof(*sorted), by_rate);
	count = count < n ? count : n;
	memcpy(list, sorted, count * sizeof(*list));
	free(sorted);
	return count;
}

void rd_top_line(const json_t *o, char *text, size_t len)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	const char *state = json_string_value(json_object_get(o, "state"));
	char vcpu[32];

	snprintf(vcpu, sizeof(vcpu), "  vCPU %lld",
		 (long long)json_integer_value(json_object_get(o, "index")));
	snprintf(text, len, "%-24.24s %-8.8s %6.1f %6.1f %10.0f %8.0f %8.0f %8.0f",
		 name ? name : vcpu, state ? state : "", rd_top_number(o, "guest"),
		 rd_top_number(o, "cpu"), rd_top_number(o, "exits"),
		 rd_top_number(o, "user_exits"), rd_top_number(o, "faults"),
		 rd_top_number(o, "interrupts"));
}
