// SPDX-License-Identifier: GPL-2.0-only
/* Requests of the control protocol, well formed and hostile. */
#include "tests/unit/lifecycle/lifecycle_test.h"
#include "tools/src/vmctl/proto.h"
#include "tools/src/vmctl/util.h"

#include <stdlib.h>
#include <string.h>

static struct rd_request request;
static struct rd_proto_error error;

/* A copy of just the length, so that reading beyond it is found. */
static bool parse(const char *line, size_t len)
{
	char *copy = malloc(len ? len : 1);
	bool ok;

	memcpy(copy, line, len);
	ok = rd_request_parse(&request, copy, len, &error);
	free(copy);
	return ok;
}

static bool parse_text(const char *line)
{
	return parse(line, strlen(line));
}

START_TEST(commands)
{
	ck_assert(parse_text("{\"command\":\"status\"}") && request.command == RD_REQ_STATUS);
	rd_request_free(&request);
	ck_assert(parse_text("{\"command\":\"stats\",\"vcpus\":true,\"id\":7}"));
	ck_assert(request.command == RD_REQ_STATS && request.vcpus);
	ck_assert_int_eq(json_integer_value(request.id), 7);
	rd_request_free(&request);
	ck_assert(parse_text(" { \"file\" : \"/x\", \"command\":\"snapshot\", \"protocol\":1 } "));
	ck_assert(request.command == RD_REQ_SNAPSHOT && !strcmp(request.file, "/x"));
	ck_assert(!request.stop);
	rd_request_free(&request);
	ck_assert(parse_text("{\"command\":\"balloon\",\"memory\":268435456}"));
	ck_assert(request.command == RD_REQ_BALLOON && request.memory == 268435456);
	rd_request_free(&request);
	ck_assert(parse_text("{\"command\":\"balloon\"}") && !request.memory);
	rd_request_free(&request);
}
END_TEST

START_TEST(refusals)
{
	static const struct {
		const char *line;
		enum rd_proto_code code;
		const char *text;
	} bad[] = {
		{ "", RD_CODE_SYNTAX, "not JSON" },
		{ "status", RD_CODE_SYNTAX, "not JSON" },
		{ "{", RD_CODE_SYNTAX, "not JSON" },
		{ "[]", RD_CODE_SYNTAX, "object" },
		{ "{}", RD_CODE_SYNTAX, "command" },
		{ "{\"command\":1}", RD_CODE_SYNTAX, "command" },
		{ "{\"command\":\"fly\"}", RD_CODE_COMMAND, "fly" },
		{ "{\"command\":\"\"}", RD_CODE_COMMAND, "no command" },
		{ "{\"command\":\"status\",\"command\":\"kill\"}", RD_CODE_SYNTAX, "duplicate" },
		{ "{\"command\":\"status\"}{}", RD_CODE_SYNTAX, "end of file" },
		{ "{\"command\":\"status\",\"protocol\":2}", RD_CODE_VERSION, "only protocol 1" },
		{ "{\"command\":\"status\",\"protocol\":\"1\"}", RD_CODE_VERSION, "only" },
		{ "{\"command\":\"status\",\"id\":[]}", RD_CODE_ARGUMENT, "id" },
		{ "{\"command\":\"status\",\"vcpus\":true}", RD_CODE_ARGUMENT, "no argument" },
		{ "{\"command\":\"stats\",\"vcpus\":1}", RD_CODE_ARGUMENT, "true or false" },
		{ "{\"command\":\"snapshot\"}", RD_CODE_ARGUMENT, "needs" },
		{ "{\"command\":\"balloon\",\"memory\":1.5}", RD_CODE_ARGUMENT, "an integer" },
		{ "{\"command\":\"snapshot\",\"file\":null}", RD_CODE_ARGUMENT, "a string" },
		{ "{\"command\":\"snapshot\",\"file\":\"a\\u0000b\"}", RD_CODE_SYNTAX, "JSON" },
		{ "{\"command\":\"\xff\xfe\"}", RD_CODE_SYNTAX, "not JSON" },
	};

	for (size_t i = 0; i < RD_ARRAY_SIZE(bad); i++) {
		ck_assert_msg(!parse_text(bad[i].line), "case %zu", i);
		ck_assert_msg(error.code == bad[i].code, "case %zu: code %d", i, error.code);
		ck_assert_msg(strstr(error.text, bad[i].text), "case %zu: %s", i, error.text);
		rd_request_free(&request);
	}
	ck_assert(!parse("{\"command\":\"status\"}\0x", 22));
	rd_request_free(&request);
}
END_TEST

START_TEST(deep_nesting)
{
	static char line[RD_PROTO_LINE_MAX];

	memset(line, '[', sizeof(line));
	ck_assert(!parse(line, sizeof(line)));
	rd_request_free(&request);
}
END_TEST

START_TEST(mutations)
{
	static const char *const seeds[] = {
		"{\"command\":\"stats\",\"vcpus\":true,\"id\":\"a\",\"protocol\":1}",
		"{\"command\":\"snapshot\",\"file\":\"/tmp/x\",\"stop\":false}",
	};

	for (unsigned int round = 0; round < 20000; round++) {
		const char *seed = seeds[round % 2];
		size_t len = strlen(seed);
		char line[128];

		random_seed(round);
		memcpy(line, seed, len);
		for (unsigned int i = random_u32() % 4 + 1; i; i--)
			line[random_u32() % len] = (char)random_u32();
		if (!parse(line, random_u32() % 4 ? len : random_u32() % len)) {
			json_t *o = rd_proto_fail(error.code, "%s", error.text);

			/* Whatever was sent, the answer is JSON on one line. */
			char *text = json_dumps(o, JSON_COMPACT);

			ck_assert_ptr_nonnull(text);
			ck_assert_ptr_null(strchr(text, '\n'));
			free(text);
			json_decref(o);
		}
		rd_request_free(&request);
	}
}
END_TEST

START_TEST(hello)
{
	json_t *o = rd_proto_hello();

	ck_assert_int_eq(json_integer_value(json_object_get(o, "protocol")), RD_PROTO_VERSION);
	ck_assert_uint_eq(json_array_size(json_object_get(o, "commands")), RD_REQUESTS);
	json_decref(o);
}
END_TEST

TCase *proto_case(void)
{
	TCase *t = tcase_create("proto");

	tcase_add_test(t, commands);
	tcase_add_test(t, refusals);
	tcase_add_test(t, deep_nesting);
	tcase_add_test(t, mutations);
	tcase_add_test(t, hello);
	return t;
}
