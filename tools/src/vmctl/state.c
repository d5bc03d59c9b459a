// SPDX-License-Identifier: GPL-2.0-only
/* The list of a machine's devices that have state. */
#include "tools/src/vmctl/state.h"

#include <stdio.h>
#include <string.h>

const struct rd_state *rd_states_find(const struct rd_states *s, const char *name)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (!strcmp(s->list[i].name, name))
			return &s->list[i];
	return NULL;
}

bool rd_states_add(struct rd_states *s, const char *name, const struct rd_state_ops *ops,
		   void *dev)
{
	struct rd_state *e = &s->list[s->n];

	if (s->n == RD_STATES_MAX || strlen(name) >= sizeof(e->name) || rd_states_find(s, name))
		return false;
	memset(e, 0, sizeof(*e));
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->ops = ops;
	e->dev = dev;
	s->n++;
	return true;
}

void rd_states_pause(const struct rd_states *s)
{
	for (unsigned int i = s->n; i--;)
		if (s->list[i].ops->pause)
			s->list[i].ops->pause(s->list[i].dev);
}

void rd_states_resume(const struct rd_states *s)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->list[i].ops->resume)
			s->list[i].ops->resume(s->list[i].dev);
}

static bool known(const struct rd_states *s, const void *dev)
{
	for (unsigned int i = 0; i < s->n; i++)
		if (s->list[i].dev == dev)
			return true;
	return false;
}

static bool stranger(const struct rd_states *s, const struct rd_range *ranges, unsigned int n,
		     const char *what, char *text, size_t len)
{
	for (unsigned int i = 0; i < n; i++) {
		if (known(s, ranges[i].dev))
			continue;
		snprintf(text, len, "the device at %s 0x%llx", what,
			 (unsigned long long)ranges[i].base);
		return true;
	}
	return false;
}

bool rd_states_missing(const struct rd_states *s, const struct rd_bus *bus, char *text, size_t len)
{
	for (unsigned int i = 0; i < s->n; i++) {
		if (!s->list[i].ops->unsavable)
			continue;
		snprintf(text, len, "device %s", s->list[i].name);
		return true;
	}
	return stranger(s, bus->pio, bus->n_pio, "port", text, len) ||
	       stranger(s, bus->mmio, bus->n_mmio, "address", text, len);
}
