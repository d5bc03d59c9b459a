// SPDX-License-Identifier: GPL-2.0-only
/* Packs of state. Numbers are little-endian, as the machines are that this runs on. */
#include "tools/src/vmctl/pack.h"

#include <stdlib.h>
#include <string.h>

void rd_pack_save(struct rd_pack *p)
{
	memset(p, 0, sizeof(*p));
}

void rd_pack_load(struct rd_pack *p, const void *data, size_t len)
{
	memset(p, 0, sizeof(*p));
	p->data = (uint8_t *)data;	/* only read from */
	p->len = len;
	p->loading = true;
}

void rd_pack_free(struct rd_pack *p)
{
	if (!p->loading)
		free(p->data);
	memset(p, 0, sizeof(*p));
}

static bool grow(struct rd_pack *p, size_t n)
{
	size_t room = p->room ? p->room : 256;
	uint8_t *data;

	if (n > SIZE_MAX / 4 - p->len)
		return false;
	while (room < p->len + n)
		room *= 2;
	if (room == p->room)
		return true;
	data = realloc(p->data, room);
	if (!data)
		return false;
	p->data = data;
	p->room = room;
	return true;
}

static void put(struct rd_pack *p, const void *v, size_t n)
{
	if (p->bad || !grow(p, n)) {
		p->bad = true;
		return;
	}
	memcpy(p->data + p->len, v, n);
	p->len += n;
}

static void get(struct rd_pack *p, void *v, size_t n)
{
	if (p->bad || n > p->len - p->pos) {
		p->bad = true;
		memset(v, 0, n);
		return;
	}
	memcpy(v, p->data + p->pos, n);
	p->pos += n;
}

void rd_pack_bytes(struct rd_pack *p, void *v, size_t n)
{
	if (!n)
		return;
	if (p->loading)
		get(p, v, n);
	else
		put(p, v, n);
}

void rd_pack_sized(struct rd_pack *p, void *v, uint32_t n)
{
	uint32_t size = n;

	rd_pack_u32(p, &size);
	if (size != n)
		p->bad = true;
	rd_pack_bytes(p, v, n);
}

void rd_pack_u8(struct rd_pack *p, uint8_t *v)
{
	rd_pack_bytes(p, v, sizeof(*v));
}

void rd_pack_u16(struct rd_pack *p, uint16_t *v)
{
	rd_pack_bytes(p, v, sizeof(*v));
}

void rd_pack_u32(struct rd_pack *p, uint32_t *v)
{
	rd_pack_bytes(p, v, sizeof(*v));
}

void rd_pack_u64(struct rd_pack *p, uint64_t *v)
{
	rd_pack_bytes(p, v, sizeof(*v));
}

void rd_pack_bool(struct rd_pack *p, bool *v)
{
	uint8_t byte = *v;

	rd_pack_u8(p, &byte);
	if (byte > 1)
		p->bad = true;
	*v = byte == 1;
}

bool rd_pack_ok(const struct rd_pack *p)
{
	return !p->bad && (!p->loading || p->pos == p->len);
}
