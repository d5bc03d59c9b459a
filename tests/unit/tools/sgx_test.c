// SPDX-License-Identifier: GPL-2.0-only
/* The option, the place and the making of an EPC, and what the machine's description says of it. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/describe.h"
#include "tools/src/vmctl/sgx.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FAKE_VM (-77)
#define T4G (4 * RD_GIB)

/* What the calls of a VM that is none answer: 0, or an errno. */
static int set_answer, info_answer;
static uint32_t info_leaves;
static struct rd_vm_epc epc_asked;
static unsigned int calls;

static int answer(unsigned long request)
{
	if (request == RD_VM_SET_EPC)
		return set_answer;
	return request == RD_VM_GET_SGX_INFO ? info_answer : ENOTTY;
}

int ioctl(int fd, unsigned long request, ...)
{
	struct rd_vm_sgx_info *info;
	va_list list;
	void *arg;

	va_start(list, request);
	arg = va_arg(list, void *);
	va_end(list);
	if (fd != FAKE_VM)
		return (int)syscall(SYS_ioctl, fd, request, arg);
	calls++;
	errno = answer(request);
	if (errno)
		return -1;
	if (request == RD_VM_SET_EPC) {
		memcpy(&epc_asked, arg, sizeof(epc_asked));
		return 0;
	}
	info = arg;
	*info = (struct rd_vm_sgx_info){
		.base = epc_asked.base,
		.size = epc_asked.size,
		.sgx_leaves = info_leaves,
	};
	return 0;
}

static char message[256];

static void setup(void)
{
	set_answer = info_answer = 0;
	info_leaves = 0x803;
	calls = 0;
	memset(&epc_asked, 0xcc, sizeof(epc_asked));
	message[0] = 0;
	rd_messages_capture(message, sizeof(message));
}

static void teardown(void)
{
	rd_messages_capture(NULL, 0);
}

START_TEST(sizes)
{
	static const struct {
		const char *text;
		uint64_t size; /* 0: refused */
		const char *message;
	} t[] = {
		{ "1M", RD_MIB, "" },
		{ "64m", 64 * RD_MIB, "" },
		{ "4G", T4G, "" },
		{ "4194304K", T4G, "" },
		{ "1052672", RD_MIB + 4096, "" },
		{ "1023K", 0, "--epc: from 1M to 4G, not \"1023K\"" },
		{ "0", 0, "--epc: from 1M to 4G, not \"0\"" },
		{ "4194308K", 0, "--epc: from 1M to 4G, not \"4194308K\"" },
		{ "1T", 0, "--epc: from 1M to 4G, not \"1T\"" },
		{ "1048577", 0, "--epc: a multiple of 4K, not \"1048577\"" },
		{ "1030K", 0, "--epc: a multiple of 4K, not \"1030K\"" },
		{ "64MB", 0, "--epc: a size such as 64M or 1G, not \"64MB\"" },
		{ "", 0, "--epc: a size such as 64M or 1G, not \"\"" },
		{ "-1M", 0, "--epc: a size such as 64M or 1G, not \"-1M\"" },
		{ "99999999999T", 0, "--epc: a size such as 64M or 1G, not \"99999999999T\"" },
	};

	for (size_t i = 0; i < RD_ARRAY_SIZE(t); i++) {
		uint64_t size = 0;

		message[0] = 0;
		ck_assert_int_eq(rd_epc_parse(t[i].text, &size), t[i].size ? RD_OK : RD_USAGE);
		if (t[i].size)
			ck_assert_uint_eq(size, t[i].size);
		ck_assert_str_eq(message, t[i].message);
	}
}
END_TEST

START_TEST(places)
{
	static const struct {
		uint64_t memory, size;
		uint64_t base;
	} t[] = {
		{ 512 * RD_MIB, RD_MIB, T4G },
		{ 3 * RD_GIB, 64 * RD_MIB, T4G },
		{ 3 * RD_GIB + 4096, RD_MIB, T4G + 2 * RD_MIB },
		{ 3 * RD_GIB + 4096, 2 * RD_MIB, T4G + 2 * RD_MIB },
		{ 3 * RD_GIB + 4096, 2 * RD_MIB + 4096, T4G + 4 * RD_MIB },
		{ 3 * RD_GIB + 4096, 48 * RD_MIB, T4G + 64 * RD_MIB },
		{ 3 * RD_GIB + 64 * RD_MIB, 64 * RD_MIB, T4G + 64 * RD_MIB },
		{ 4 * RD_GIB, RD_GIB, 5 * RD_GIB },
		{ 4 * RD_GIB + 4096, RD_GIB, 6 * RD_GIB },
		{ 4 * RD_GIB + 4096, 4 * RD_GIB, 6 * RD_GIB },
		{ 1024 * RD_GIB, 4 * RD_GIB, 1025 * RD_GIB },
	};

	for (size_t i = 0; i < RD_ARRAY_SIZE(t); i++) {
		uint64_t base = 0;

		ck_assert(rd_epc_place(t[i].memory, t[i].size, 48, &base));
		ck_assert_uint_eq(base, t[i].base);
	}
}
END_TEST

START_TEST(no_place)
{
	static const struct {
		uint64_t memory, size;
		uint32_t bits;
		bool fits;
	} t[] = {
		{ 512 * RD_MIB, RD_MIB, 31, false },
		{ 512 * RD_MIB, RD_MIB, 32, false },
		{ 512 * RD_MIB, 4 * RD_GIB, 33, true },
		{ 3 * RD_GIB + 4096, 4 * RD_GIB, 33, false },
		{ 62 * RD_GIB, RD_GIB, 36, true },
		{ 62 * RD_GIB + 4096, RD_GIB, 36, false },
		{ 63 * RD_GIB, RD_MIB, 36, false },
		{ 64 * RD_GIB, RD_MIB, 36, false },
		{ 1ull << 52, RD_MIB, 52, false },
		{ 1ull << 52, RD_MIB, 64, false },
		{ 1ull << 52, RD_MIB, 255, false },
		{ UINT64_MAX, RD_MIB, 52, false },
		{ UINT64_MAX - RD_GIB, 4 * RD_GIB, 64, false },
		{ 512 * RD_MIB, UINT64_MAX & ~4095ull, 52, false },
		{ 512 * RD_MIB, RD_MIB, 0, false },
		{ (1ull << 52) - 2 * RD_GIB, RD_GIB, 60, true },
	};

	for (size_t i = 0; i < RD_ARRAY_SIZE(t); i++) {
		uint64_t base;

		ck_assert_msg(rd_epc_place(t[i].memory, t[i].size, t[i].bits, &base) == t[i].fits,
			      "row %zu", i);
	}
}
END_TEST

START_TEST(an_epc_is_made)
{
	struct rd_vm_sgx_info info = { 0 };

	ck_assert_int_eq(rd_epc_create(FAKE_VM, "/dev/x", T4G, 64 * RD_MIB, &info), RD_OK);
	ck_assert_uint_eq(epc_asked.base, T4G);
	ck_assert_uint_eq(epc_asked.size, 64 * RD_MIB);
	ck_assert_uint_eq(epc_asked.reserved[0] | epc_asked.reserved[1], 0);
	ck_assert_uint_eq(info.sgx_leaves, 0x803);
	ck_assert_uint_eq(info.size, 64 * RD_MIB);
	ck_assert_uint_eq(calls, 2);
	ck_assert_str_eq(message, "");
}
END_TEST

START_TEST(an_epc_cannot_be_made)
{
	static const struct {
		int set, info;
		uint32_t leaves;
		int status;
		const char *message;
	} t[] = {
		{ ENOTTY, 0, 3, RD_USAGE, "--epc: /dev/x has no enclaves for guests" },
		{ EOPNOTSUPP, 0, 3, RD_HOST_ERROR,
		  "--epc: the host lacks AES-GCM or CMAC (modprobe gcm cmac)" },
		{ ENOMEM, 0, 3, RD_HOST_ERROR, "RD_VM_SET_EPC: Cannot allocate memory" },
		{ 0, EFAULT, 3, RD_HOST_ERROR, "RD_VM_GET_SGX_INFO: Bad address" },
		{ 0, 0, 0, RD_USAGE, "--epc: /dev/x cannot run enclaves yet" },
		{ 0, 0, 2, RD_USAGE, "--epc: /dev/x cannot run enclaves yet" },
	};
	struct rd_vm_sgx_info info = { 0 };

	set_answer = t[_i].set;
	info_answer = t[_i].info;
	info_leaves = t[_i].leaves;
	ck_assert_int_eq(rd_epc_create(FAKE_VM, "/dev/x", T4G, RD_MIB, &info), t[_i].status);
	ck_assert_str_eq(message, t[_i].message);
}
END_TEST

static json_int_t member(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);

	return v ? json_integer_value(v) : -1;
}

START_TEST(the_description_has_it)
{
	struct rd_config config = {
		.name = "vm",
		.kernel = "/k",
		.n_cpus = 1,
		.memory = 3 * RD_GIB + 4096,
		.epc = 48 * RD_MIB,
	};
	json_t *o = rd_describe(&config, "vm");

	ck_assert_ptr_nonnull(o);
	ck_assert_int_eq(member(o, "epc_base"), (json_int_t)(T4G + 64 * RD_MIB));
	ck_assert_int_eq(member(o, "epc_size"), (json_int_t)(48 * RD_MIB));
	ck_assert_int_eq(member(o, "memory"), (json_int_t)(3 * RD_GIB + 4096));
	json_decref(o);
	config.epc = 0;
	o = rd_describe(&config, "vm");
	ck_assert_ptr_nonnull(o);
	ck_assert_ptr_null(json_object_get(o, "epc_base"));
	ck_assert_ptr_null(json_object_get(o, "epc_size"));
	json_decref(o);
}
END_TEST

/* No snapshot has an EPC, so a file that claims one is refused; without it it is not. */
START_TEST(no_description_may_ask_for_one)
{
	struct rd_config config = {
		.name = "vm",
		.kernel = "/k",
		.n_cpus = 1,
		.memory = RD_GIB,
	};
	struct rd_config read = { 0 };
	json_t *root = NULL;

	for (int epc = 0; epc < 2; epc++) {
		json_t *o;
		char *text;

		config.epc = epc * RD_MIB;
		o = rd_describe(&config, "vm");
		text = json_dumps(o, JSON_COMPACT);
		ck_assert_ptr_nonnull(text);
		ck_assert_int_eq(rd_describe_parse(&read, &root, text, strlen(text), "f"),
				 epc ? RD_USAGE : RD_OK);
		ck_assert_uint_eq(read.epc, 0);
		ck_assert_ptr_eq(strstr(message, "epc") ? message : NULL, epc ? message : NULL);
		json_decref(root);
		json_decref(o);
		free(text);
	}
}
END_TEST

TCase *sgx_case(void)
{
	TCase *tc = tcase_create("sgx");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, sizes);
	tcase_add_test(tc, places);
	tcase_add_test(tc, no_place);
	tcase_add_test(tc, an_epc_is_made);
	tcase_add_loop_test(tc, an_epc_cannot_be_made, 0, 6);
	tcase_add_test(tc, the_description_has_it);
	tcase_add_test(tc, no_description_may_ask_for_one);
	return tc;
}
