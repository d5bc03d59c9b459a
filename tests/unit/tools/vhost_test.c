// SPDX-License-Identifier: GPL-2.0-only
/* What vhost is told of memory, and --vsock as it is written. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/config.h"
#include "tools/src/vmctl/util.h"
#include "tools/src/vmctl/vhost.h"
#include "tools/src/vmctl/virtio_devices.h"

START_TEST(small_memory_is_one_region)
{
	struct rd_vhost_memory m;
	struct rd_ram ram;

	rd_ram_split(&ram, 512 * RD_MIB);
	ram.host = (uint8_t *)0x7f0000000000;
	rd_vhost_memory(&ram, &m);
	ck_assert_uint_eq(m.nregions, 1);
	ck_assert_uint_eq(m.padding, 0);
	ck_assert_uint_eq(m.regions[0].guest_phys_addr, 0);
	ck_assert_uint_eq(m.regions[0].memory_size, 512 * RD_MIB);
	ck_assert_uint_eq(m.regions[0].userspace_addr, 0x7f0000000000);
}
END_TEST

START_TEST(large_memory_is_two)
{
	struct rd_vhost_memory m;
	struct rd_ram ram;

	rd_ram_split(&ram, 5 * RD_GIB);
	ram.host = (uint8_t *)0x7f0000000000;
	rd_vhost_memory(&ram, &m);
	ck_assert_uint_eq(m.nregions, 2);
	ck_assert_uint_eq(m.regions[0].memory_size, RD_RAM_GAP_START);
	ck_assert_uint_eq(m.regions[1].guest_phys_addr, RD_RAM_HIGH_START);
	ck_assert_uint_eq(m.regions[1].memory_size, 2 * RD_GIB);
	ck_assert_uint_eq(m.regions[1].userspace_addr, 0x7f0000000000 + RD_RAM_GAP_START);
	ck_assert_uint_eq(m.regions[1].flags_padding, 0);
}
END_TEST

START_TEST(no_node_is_no_crash)
{
	struct rd_vhost h;

	ck_assert_int_ne(rd_vhost_open(&h, "/dev/null", NULL), RD_OK);
	rd_vhost_close(&h);
	ck_assert_int_ne(rd_vhost_open(&h, "/dev/no-such-node", NULL), RD_OK);
	rd_vhost_close(&h);
	ck_assert_int_eq(h.fd, -1);
}
END_TEST

static const struct {
	const char *text;
	int status;
	uint32_t cid;
} cids[] = {
	{ "3", RD_OK, 3 },
	{ "4294967294", RD_OK, 0xfffffffe },
	{ "0", RD_USAGE, 0 },
	{ "2", RD_USAGE, 0 },
	{ "4294967295", RD_USAGE, 0 },
	{ "4294967299", RD_USAGE, 0 },
	{ "-3", RD_USAGE, 0 },
	{ "", RD_USAGE, 0 },
	{ "3x", RD_USAGE, 0 },
};

START_TEST(context_ids)
{
	uint32_t cid = 0;

	ck_assert_int_eq(rd_vsock_parse(cids[_i].text, &cid), cids[_i].status);
	if (!cids[_i].status)
		ck_assert_uint_eq(cid, cids[_i].cid);
}
END_TEST

TCase *vhost_case(void)
{
	TCase *t = tcase_create("vhost");

	tcase_add_test(t, small_memory_is_one_region);
	tcase_add_test(t, large_memory_is_two);
	tcase_add_test(t, no_node_is_no_crash);
	tcase_add_loop_test(t, context_ids, 0, (int)(sizeof(cids) / sizeof(cids[0])));
	return t;
}
