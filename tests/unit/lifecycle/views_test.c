// SPDX-License-Identifier: GPL-2.0-only
/* Descriptions of machines, comparison of CPUs, and the rates of `vmctl top`. */
#include "tests/unit/lifecycle/lifecycle_test.h"
#include "tools/src/vmctl/cpuid_fit.h"
#include "tools/src/vmctl/describe.h"
#include "tools/src/vmctl/top.h"
#include "tools/src/vmctl/util.h"

#include <stdlib.h>
#include <string.h>

static void setup(void)
{
	catch_messages();
}

static void teardown(void)
{
	rd_messages_capture(NULL, 0);
}

static const struct rd_config sample = {
	.kernel = "/no/such/kernel", .append = "console=ttyS0 \"x\"", .n_cpus = 4,
	.memory = 256 << 20, .split_irqchip = true, .has_serial = true, .n_disks = 1,
	.rng = true, .balloon = true, .has_console = true, .vsock_cid = 7, .n_nets = 2,
	.nets = { { .kind = RD_NET_TAP, .ifname = "tap0", .vhost = RD_VHOST_OFF, .mac = { 2, 3 } },
		  { .kind = RD_NET_USER, .mac = { 0x52, 0, 0, 0, 0, 0xff }, .n_forwards = 1,
		    .forwards[0] = { .udp = true, .host_port = 65535, .guest_port = 1,
				     .host.s_addr = 0x0100007f } } },
	.n_shares = 1, .shares[0] = { .path = "/no/folder,ro", .path_len = 10, .tag = "t",
				      .read_only = true },
	.disks[0] = { .path = "/no/disk,ro", .path_len = 8, .id = "d0", .read_only = true },
};

START_TEST(description_comes_back)
{
	struct rd_config c = { 0 };
	json_t *o = rd_describe(&sample, "vm"), *root;
	char *text = json_dumps(o, JSON_COMPACT);

	ck_assert_ptr_nonnull(text);
	ck_assert_int_eq(rd_describe_parse(&c, &root, text, strlen(text), "f"), 0);
	ck_assert(!strcmp(c.name, "vm") && !strcmp(c.kernel, sample.kernel) && !c.initrd);
	ck_assert(!strcmp(c.append, sample.append) && c.n_cpus == 4 && c.memory == sample.memory);
	ck_assert(c.split_irqchip && c.has_serial && !c.no_reboot && c.rng && c.balloon);
	ck_assert(c.has_console && c.vsock_cid == 7 && c.n_nets == 2);
	ck_assert(c.nets[0].kind == RD_NET_TAP && !strcmp(c.nets[0].ifname, "tap0"));
	ck_assert(c.nets[0].vhost == RD_VHOST_OFF && !memcmp(c.nets[0].mac, sample.nets[0].mac, 6));
	ck_assert(c.nets[1].kind == RD_NET_USER && c.nets[1].n_forwards == 1);
	ck_assert_mem_eq(c.nets[1].mac, sample.nets[1].mac, 6);
	ck_assert(c.nets[1].forwards[0].udp && c.nets[1].forwards[0].host_port == 65535);
	ck_assert(c.nets[1].forwards[0].host.s_addr == 0x0100007f);
	ck_assert(c.n_shares == 1 && c.shares[0].path_len == 10 && c.shares[0].read_only);
	ck_assert(!strncmp(c.shares[0].path, "/no/folder", 10) && !strcmp(c.shares[0].tag, "t"));
	ck_assert_uint_eq(c.n_disks, 1);
	ck_assert(c.disks[0].path_len == 8 && !strncmp(c.disks[0].path, "/no/disk", 8));
	ck_assert(!strcmp(c.disks[0].id, "d0") && c.disks[0].read_only && !c.disks[0].direct);
	free(text);
	json_decref(o);
	json_decref(root);
}
END_TEST

/* One member of a good description replaced by VALUE, or taken out. */
static int with(const char *member, json_t *value)
{
	struct rd_config c = { 0 };
	json_t *o = rd_describe(&sample, "vm"), *root;
	char *text;
	int status;

	if (value)
		json_object_set_new(o, member, value);
	else
		json_object_del(o, member);
	text = json_dumps(o, JSON_COMPACT);
	status = rd_describe_parse(&c, &root, text, strlen(text), "f");
	free(text);
	json_decref(o);
	json_decref(root);
	return status;
}

START_TEST(description_refused)
{
	ck_assert_int_eq(with("cpus", json_integer(1)), 0);
	ck_assert_int_eq(with("cpus", json_integer(0)), RD_USAGE);
	ck_assert_int_eq(with("cpus", json_integer(4097)), RD_USAGE);
	ck_assert_int_eq(with("cpus", json_string("1")), RD_USAGE);
	ck_assert_int_eq(with("memory", json_integer(4097 << 10)), RD_USAGE);
	ck_assert_int_eq(with("memory", json_integer(-4096)), RD_USAGE);
	ck_assert_int_eq(with("memory", json_integer(256 << 20 | 1)), RD_USAGE);
	ck_assert_int_eq(with("name", json_string("../x")), RD_USAGE);
	ck_assert_int_eq(with("name", json_null()), RD_USAGE);
	ck_assert_int_eq(with("irqchip", json_string("other")), RD_USAGE);
	ck_assert_int_eq(with("kernel", json_integer(1)), RD_USAGE);
	ck_assert_int_eq(with("kernel", NULL), RD_USAGE);
	ck_assert_int_eq(with("vsock", json_integer(2)), RD_USAGE);
	ck_assert_int_eq(with("vsock", NULL), 0);
	ck_assert_int_eq(with("nets", NULL), 0);
	ck_assert_int_eq(with("nets", json_true()), RD_USAGE);
	ck_assert_int_eq(with("nets", json_pack("[i]", 1)), RD_USAGE);
	ck_assert_int_eq(with("nets", json_pack("[s]", "none")), RD_USAGE);
	ck_assert_int_eq(with("nets", json_pack("[s]", "tap:../x")), RD_USAGE);
	ck_assert_int_eq(with("nets", json_pack("[s,s,s,s,s]", "user", "user", "user", "user",
						"user")), RD_USAGE);
	ck_assert_int_eq(with("shares", NULL), 0);
	ck_assert_int_eq(with("shares", json_pack("[s]", "/x")), RD_USAGE);
	ck_assert_int_eq(with("shares", json_pack("[{s:s, s:s, s:b}]", "folder", "/x", "tag", "",
						  "read_only", 1)), RD_USAGE);
	ck_assert_int_eq(with("gpu", json_true()), RD_USAGE);
	ck_assert_int_eq(with("disks", json_null()), RD_USAGE);
	ck_assert_int_eq(with("disks", json_pack("[{}]")), RD_USAGE);
	ck_assert_int_eq(with("disks", json_pack("[{s:s, s:s, s:b, s:b}]", "file", "/x", "id",
						 "an id of more than twenty", "read_only", 0,
						 "direct", 0)), RD_USAGE);
	ck_assert(strstr(message, "f: ") == message);
}
END_TEST

struct cpuid {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 e[4];
};

START_TEST(cpus_compared)
{
	struct cpuid host = {
		.head.nent = 3,
		.e = { { .function = 0, .ebx = 1, .ecx = 2, .edx = 3 },
		       { .function = 1, .ecx = 0xf0, .edx = 0xff },
		       { .function = 7, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .ebx = 0x3 } },
	};
	struct cpuid guest = host;
	char text[96];

	ck_assert(rd_cpuid_fits(&guest.head, &host.head, text, sizeof(text)));
	guest.e[1].ecx = 0x70 | 1u << 31 | 1u << 27;	/* less, and what does not count */
	ck_assert(rd_cpuid_fits(&guest.head, &host.head, text, sizeof(text)));
	guest.e[1].ecx |= 0x100;
	ck_assert(!rd_cpuid_fits(&guest.head, &host.head, text, sizeof(text)));
	ck_assert_str_eq(text, "CPUID 0x1.0 ECX bits 0x100 are missing");
	guest = host;
	host.head.nent = 2;
	ck_assert(!rd_cpuid_fits(&guest.head, &host.head, text, sizeof(text)));
	ck_assert_str_eq(text, "CPUID 0x7.0 EBX bits 0x3 are missing");
	host.head.nent = 3;
	host.e[0].ecx = 9;
	ck_assert(!rd_cpuid_fits(&guest.head, &host.head, text, sizeof(text)));
}
END_TEST

static json_t *answer(int pid, int tid, json_int_t n)
{
	json_t *counters = json_pack("{s:I, s:I, s:I, s:I, s:I}", "exit_io", n, "halt_exits",
				     2 * n, "pf_taken", 3 * n, "irq_injections", 4 * n,
				     "nmi_injections", n);

	return json_pack("{s:s, s:i, s:s, s:I, s:I, s:O, s:[{s:i, s:i, s:I, s:I, s:I, s:o}]}",
			 "name", "vm", "pid", pid, "state", "running", "exits", 10 * n,
			 "user_exits_total", n, "counters", counters, "vcpus", "index", 0, "tid",
			 tid, "cpu_ms", n, "guest_ms", n / 2, "exits", 10 * n, "counters",
			 counters);
}

START_TEST(rates)
{
	json_t *a = answer(1, 5, 1000), *b = answer(1, 5, 3000), *o = rd_top_rates(a, b, 2);
	struct rd_top_reason list[4];
	char text[160];

	ck_assert(rd_top_number(o, "exits") == 10000 && rd_top_number(o, "user_exits") == 1000);
	ck_assert(rd_top_number(o, "faults") == 3000 && rd_top_number(o, "interrupts") == 5000);
	ck_assert(rd_top_number(o, "cpu") == 100 && rd_top_number(o, "guest") == 50);
	ck_assert_uint_eq(rd_top_reasons(o, list, 4), 2);
	ck_assert(!strcmp(list[0].name, "halt") && list[0].rate == 2000);
	ck_assert(!strcmp(list[1].name, "io") && list[1].rate == 1000);
	ck_assert_uint_eq(rd_top_reasons(o, list, 1), 1);
	rd_top_line(o, text, sizeof(text));
	ck_assert(strstr(text, "vm ") == text && strstr(text, " running ") &&
		  strstr(text, " 10000 "));
	rd_top_line(json_array_get(json_object_get(o, "vcpus"), 0), text, sizeof(text));
	ck_assert(strstr(text, "  vCPU 0 ") == text && strstr(text, " 100.0 "));
	json_decref(a);
	json_decref(b);
	json_decref(o);
}
END_TEST

/* A new process of the same name, and new threads after a pause, begin at zero. */
START_TEST(rates_of_new_lives)
{
	json_t *a = answer(1, 5, 1000), *b = answer(2, 6, 500), *c = answer(1, 7, 1500), *o;

	o = rd_top_rates(a, b, 1);
	ck_assert(rd_top_number(o, "exits") == 5000);
	json_decref(o);
	o = rd_top_rates(NULL, b, 1);
	ck_assert(rd_top_number(o, "exits") == 5000);
	json_decref(o);
	o = rd_top_rates(a, c, 1);
	ck_assert(rd_top_number(o, "exits") == 5000 && rd_top_number(o, "cpu") == 150);
	json_decref(o);
	json_decref(a);
	json_decref(b);
	json_decref(c);
}
END_TEST

/* An answer may hold anything: nothing is taken for granted. */
START_TEST(rates_of_nonsense)
{
	json_t *bad = json_pack("{s:n, s:[n, i], s:i, s:s}", "counters", "vcpus", 1, "exits", -5,
				"pid", "x");
	json_t *o = rd_top_rates(bad, bad, 1);
	char text[160];

	rd_top_line(o, text, sizeof(text));
	json_decref(o);
	json_decref(bad);
}
END_TEST

TCase *views_case(void)
{
	TCase *t = tcase_create("views");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, description_comes_back);
	tcase_add_test(t, description_refused);
	tcase_add_test(t, cpus_compared);
	tcase_add_test(t, rates);
	tcase_add_test(t, rates_of_new_lives);
	tcase_add_test(t, rates_of_nonsense);
	return t;
}
