// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parsing of requests from one table: a command, and for each of its arguments where the value
 * goes. What the table does not name is refused, so that a misspelt argument is not ignored.
 */
#include "tools/src/vmctl/proto.h"

#include "tools/src/vmctl/util.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ARGS_MAX 3

struct argument {
	const char *name;
	json_type type;		/* JSON_TRUE stands for both truth values */
	bool required;
	size_t offset;		/* in struct rd_request */
};

#define TEXT(member) { #member, JSON_STRING, true, offsetof(struct rd_request, member) }
#define NUMBER(member) { #member, JSON_INTEGER, false, offsetof(struct rd_request, member) }
#define ARRAY(member, needed) \
	{ #member, JSON_ARRAY, needed, offsetof(struct rd_request, member) }
#define FLAG(member) { #member, JSON_TRUE, false, offsetof(struct rd_request, member) }

static const struct {
	const char *name;
	struct argument args[ARGS_MAX];
} commands[RD_REQUESTS] = {
	[RD_REQ_HELLO] = { "hello", { { 0 } } },
	[RD_REQ_STATUS] = { "status", { { 0 } } },
	[RD_REQ_SHOW] = { "show", { { 0 } } },
	[RD_REQ_STATS] = { "stats", { FLAG(vcpus) } },
	[RD_REQ_PAUSE] = { "pause", { { 0 } } },
	[RD_REQ_RESUME] = { "resume", { { 0 } } },
	[RD_REQ_STOP] = { "stop", { { 0 } } },
	[RD_REQ_KILL] = { "kill", { { 0 } } },
	[RD_REQ_CONSOLE] = { "console", { { 0 } } },
	[RD_REQ_SNAPSHOT] = { "snapshot", { TEXT(file), FLAG(stop) } },
	[RD_REQ_BALLOON] = { "balloon", { NUMBER(memory) } },
	[RD_REQ_TRACE_ADD] = { "trace_add", { ARRAY(ranges, true), ARRAY(actions, false),
					      NUMBER(tag) } },
	[RD_REQ_TRACE_REMOVE] = { "trace_remove", { ARRAY(ranges, false), FLAG(all) } },
	[RD_REQ_TRACE_LIST] = { "trace_list", { NUMBER(from) } },
	[RD_REQ_TRACE_STATS] = { "trace_stats", { { 0 } } },
	[RD_REQ_TRACE_WATCH] = { "trace_watch", { { 0 } } },
	[RD_REQ_TRACE_UNISOLATE] = { "trace_unisolate", { { 0 } } },
	[RD_REQ_TRACE_GUARD] = { "trace_guard", { ARRAY(actions, false), ARRAY(allow, false) } },
	[RD_REQ_TRACE_DRIVER] = { "trace_driver", { { 0 } } },
};

static const char *const codes[] = {
	[RD_CODE_SYNTAX] = "syntax",	 [RD_CODE_VERSION] = "version",
	[RD_CODE_COMMAND] = "command",	 [RD_CODE_ARGUMENT] = "argument",
	[RD_CODE_STATE] = "state",	 [RD_CODE_BUSY] = "busy",
	[RD_CODE_FAILED] = "failed",
};

const char *rd_request_name(enum rd_request_command command)
{
	return commands[command].name;
}

static bool refuse(struct rd_proto_error *e, enum rd_proto_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static bool refuse(struct rd_proto_error *e, enum rd_proto_code code, const char *fmt, ...)
{
	va_list ap;

	e->code = code;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return false;
}

static bool known_type(const struct argument *a, const json_t *value)
{
	return a->type == JSON_TRUE ? json_is_boolean(value) : json_typeof(value) == a->type;
}

static const char *type_name(json_type type)
{
	switch (type) {
	case JSON_TRUE:
		return "true or false";
	case JSON_INTEGER:
		return "an integer";
	case JSON_ARRAY:
		return "an array";
	default:
		return "a string";
	}
}

static void store(struct rd_request *r, const struct argument *a, json_t *value)
{
	void *where = (char *)r + a->offset;

	if (a->type == JSON_TRUE)
		*(bool *)where = json_is_true(value);
	else if (a->type == JSON_INTEGER)
		*(int64_t *)where = json_integer_value(value);
	else if (a->type == JSON_ARRAY)
		*(json_t **)where = value;
	else
		*(const char **)where = json_string_value(value);
}

static const struct argument *find_argument(enum rd_request_command command, const char *name)
{
	for (unsigned int i = 0; i < ARGS_MAX; i++) {
		const struct argument *a = &commands[command].args[i];

		if (a->name && !strcmp(a->name, name))
			return a;
	}
	return NULL;
}

static bool common_member(const char *name)
{
	return !strcmp(name, "command") || !strcmp(name, "id") || !strcmp(name, "protocol");
}

static bool take_arguments(struct rd_request *r, struct rd_proto_error *e)
{
	const char *name;
	json_t *value;

	json_object_foreach(r->root, name, value) {
		const struct argument *a = find_argument(r->command, name);

		if (common_member(name))
			continue;
		if (!a)
			return refuse(e, RD_CODE_ARGUMENT, "%s takes no argument \"%.40s\"",
				      commands[r->command].name, name);
		if (!known_type(a, value))
			return refuse(e, RD_CODE_ARGUMENT, "%s: \"%s\" must be %s",
				      commands[r->command].name, name,
				      type_name(a->type));
		store(r, a, value);
	}
	for (unsigned int i = 0; i < ARGS_MAX; i++) {
		const struct argument *a = &commands[r->command].args[i];

		if (a->name && a->required && !json_object_get(r->root, a->name))
			return refuse(e, RD_CODE_ARGUMENT, "%s needs an argument \"%s\"",
				      commands[r->command].name, a->name);
	}
	return true;
}

static bool take_id(struct rd_request *r, struct rd_proto_error *e)
{
	json_t *id = json_object_get(r->root, "id");

	if (id && !json_is_string(id) && !json_is_integer(id))
		return refuse(e, RD_CODE_ARGUMENT, "\"id\" must be a string or an integer");
	r->id = id;
	return true;
}

static bool check_version(const struct rd_request *r, struct rd_proto_error *e)
{
	json_t *version = json_object_get(r->root, "protocol");

	if (!version || (json_is_integer(version) &&
			 json_integer_value(version) == RD_PROTO_VERSION))
		return true;
	return refuse(e, RD_CODE_VERSION, "only protocol %d is spoken here", RD_PROTO_VERSION);
}

static bool take_command(struct rd_request *r, struct rd_proto_error *e)
{
	const char *name = json_string_value(json_object_get(r->root, "command"));

	if (!name)
		return refuse(e, RD_CODE_SYNTAX,
			      "a request is an object with a string \"command\"");
	for (unsigned int i = 0; i < RD_REQUESTS; i++) {
		if (strcmp(commands[i].name, name))
			continue;
		r->command = (enum rd_request_command)i;
		return true;
	}
	return refuse(e, RD_CODE_COMMAND, "no command \"%.40s\"", name);
}

bool rd_request_parse(struct rd_request *r, const char *line, size_t len,
		      struct rd_proto_error *error)
{
	json_error_t where;

	memset(r, 0, sizeof(*r));
	r->command = RD_REQUESTS;
	r->root = json_loadb(line, len, JSON_REJECT_DUPLICATES, &where);
	if (!r->root)
		return refuse(error, RD_CODE_SYNTAX, "not JSON: %.100s", where.text);
	if (!json_is_object(r->root))
		return refuse(error, RD_CODE_SYNTAX,
			      "a request is an object with a string \"command\"");
	return take_id(r, error) && check_version(r, error) && take_command(r, error) &&
	       take_arguments(r, error);
}

void rd_request_free(struct rd_request *r)
{
	json_decref(r->root);
	memset(r, 0, sizeof(*r));
}

json_t *rd_proto_hello(void)
{
	json_t *names = json_array();

	for (unsigned int i = 0; i < RD_REQUESTS; i++)
		json_array_append_new(names, json_string(commands[i].name));
	return json_pack("{s:b, s:i, s:s, s:o}", "ok", 1, "protocol", RD_PROTO_VERSION, "vmctl",
			 RD_VERSION, "commands", names);
}

json_t *rd_proto_fail(enum rd_proto_code code, const char *fmt, ...)
{
	char text[512];
	json_t *reply;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	reply = json_pack("{s:b, s:s, s:s}", "ok", 0, "code", codes[code], "error", text);
	if (reply)
		return reply;
	/* A file name may hold anything: show what is not plain text as a question mark. */
	for (char *p = text; *p; p++)
		if ((signed char)*p < ' ')
			*p = '?';
	return json_pack("{s:b, s:s, s:s}", "ok", 0, "code", codes[code], "error", text);
}
