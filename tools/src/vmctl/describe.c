// SPDX-License-Identifier: GPL-2.0-only
/* Machine descriptions as JSON. A description from a file is checked like a command line. */
#include "tools/src/vmctl/describe.h"

#include "tools/src/vmctl/ram.h"
#include "tools/src/vmctl/rundir.h"
#include "tools/src/vmctl/sgx.h"
#include "tools/src/vmctl/util.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of any host: whether this one has so many was seen when the machine was built. */
#define ADDRESS_BITS_MAX 52u

/* A machine that is restored elsewhere finds its kernel again, for a reset. */
static json_t *path(const char *name)
{
	char full[PATH_MAX];

	if (!name)
		return json_null();
	return json_string(realpath(name, full) ? full : name);
}

static json_t *describe_disks(const struct rd_config *config)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < config->n_disks; i++) {
		const struct rd_disk_config *d = &config->disks[i];
		char name[PATH_MAX];

		snprintf(name, sizeof(name), "%.*s", (int)d->path_len, d->path);
		json_array_append_new(list, json_pack("{s:o, s:s, s:b, s:b}", "file", path(name),
						      "id", d->id, "read_only", d->read_only,
						      "direct", d->direct));
	}
	if (json_array_size(list) == config->n_disks)
		return list;
	json_decref(list);
	return NULL;
}

static const char *parse_disk(json_t *o, struct rd_disk_config *d, json_error_t *error)
{
	const char *file, *id;
	int read_only, direct;

	if (json_unpack_ex(o, error, 0, "{s:s, s:s, s:b, s:b, !}", "file", &file, "id", &id,
			   "read_only", &read_only, "direct", &direct))
		return error->text;
	if (!*file || strlen(file) >= PATH_MAX || strlen(id) > RD_DISK_ID_LEN)
		return "a disk's file or id is too long";
	*d = (struct rd_disk_config){
		.path = file,
		.path_len = strlen(file),
		.read_only = read_only,
		.direct = direct,
	};
	memcpy(d->id, id, strlen(id));
	return NULL;
}

static const char *parse_disks(json_t *list, struct rd_config *config, json_error_t *error)
{
	const char *why = NULL;
	json_t *o;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > RD_DISKS_MAX)
		return "the list of disks is none";
	json_array_foreach(list, i, o)
	{
		why = parse_disk(o, &config->disks[i], error);
		if (why)
			break;
	}
	config->n_disks = (unsigned int)json_array_size(list);
	return why;
}

/* As the option that asks for them. */
static json_t *describe_nets(const struct rd_config *config)
{
	json_t *list = json_array();
	char text[RD_NET_TEXT_MAX];

	for (unsigned int i = 0; i < config->n_nets; i++) {
		rd_net_format(&config->nets[i], text, sizeof(text));
		json_array_append_new(list, json_string(text));
	}
	return list;
}

static const char *parse_nets(json_t *list, struct rd_config *config)
{
	json_t *o;
	size_t i;

	if (!list)
		return NULL;
	if (!json_is_array(list) || json_array_size(list) > RD_NETS_MAX)
		return "the list of network cards is none";
	json_array_foreach(list, i, o)
	{
		int status;

		if (!json_is_string(o))
			return "a network card is no string";
		rd_messages_mute(true);
		status = rd_net_parse(json_string_value(o), &config->nets[i]);
		rd_messages_mute(false);
		if (status || config->nets[i].kind == RD_NET_NONE)
			return "a network card cannot be";
	}
	config->n_nets = (unsigned int)json_array_size(list);
	return NULL;
}

static json_t *describe_shares(const struct rd_config *config)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < config->n_shares; i++) {
		const struct rd_share_config *s = &config->shares[i];
		char name[PATH_MAX];

		snprintf(name, sizeof(name), "%.*s", (int)s->path_len, s->path);
		json_array_append_new(list, json_pack("{s:o, s:s, s:b}", "folder", path(name),
						      "tag", s->tag, "read_only", s->read_only));
	}
	return list;
}

static const char *parse_share(json_t *o, struct rd_share_config *s, json_error_t *error)
{
	const char *folder, *tag;
	int read_only;

	if (json_unpack_ex(o, error, 0, "{s:s, s:s, s:b, !}", "folder", &folder, "tag", &tag,
			   "read_only", &read_only))
		return error->text;
	if (!*folder || strlen(folder) >= PATH_MAX || !*tag || strlen(tag) > RD_SHARE_TAG_MAX)
		return "a shared folder or its tag is too long";
	*s = (struct rd_share_config){
		.path = folder, .path_len = strlen(folder), .read_only = read_only,
	};
	memcpy(s->tag, tag, strlen(tag));
	return NULL;
}

static const char *parse_shares(json_t *list, struct rd_config *config, json_error_t *error)
{
	const char *why = NULL;
	json_t *o;
	size_t i;

	if (!list)
		return NULL;
	if (!json_is_array(list) || json_array_size(list) > RD_SHARES_MAX)
		return "the list of shared folders is none";
	json_array_foreach(list, i, o)
	{
		why = parse_share(o, &config->shares[i], error);
		if (why)
			break;
	}
	config->n_shares = (unsigned int)json_array_size(list);
	return why;
}

/* Only of a machine that has one, and such a machine is in no snapshot. */
static void describe_epc(json_t *o, const struct rd_config *config)
{
	uint64_t base;

	if (!config->epc || !rd_epc_place(config->memory, config->epc, ADDRESS_BITS_MAX, &base))
		return;
	json_object_set_new(o, "epc_base", json_integer((json_int_t)base));
	json_object_set_new(o, "epc_size", json_integer((json_int_t)config->epc));
}

json_t *rd_describe(const struct rd_config *config, const char *name)
{
	json_t *o = json_pack("{s:s, s:I, s:I, s:s, s:b, s:b, s:o, s:o, s:s?, s:o, s:b, s:b, s:I, "
			 "s:o, s:b, s:o}",
			 "name", name, "cpus", (json_int_t)config->n_cpus, "memory",
			 (json_int_t)config->memory, "irqchip",
			 config->split_irqchip ? "split" : "kernel", "serial",
			 config->has_serial, "no_reboot", config->no_reboot, "kernel",
			 path(config->kernel), "initrd", path(config->initrd), "append",
			 config->append, "disks", describe_disks(config), "rng", config->rng,
			 "balloon", config->balloon, "vsock",
			 (json_int_t)config->vsock_cid, "nets", describe_nets(config), "hvc",
			 config->has_console, "shares", describe_shares(config));

	describe_epc(o, config);
	return o;
}

/* A string or null, which stands for none. */
static bool nullable(const json_t *value, const char **text)
{
	*text = json_string_value(value);
	return json_is_string(value) || json_is_null(value);
}

static const char *check(const struct rd_config *c, json_int_t cpus, json_int_t memory,
			 const char *irqchip)
{
	if (!rd_valid_name(c->name))
		return "the name is none";
	if (cpus < 1 || cpus > RD_CPUS_MAX)
		return "the number of CPUs is impossible";
	if (memory < (json_int_t)RD_RAM_MIN || memory > (json_int_t)RD_RAM_MAX || memory % 4096)
		return "the size of memory is impossible";
	if (strcmp(irqchip, "kernel") != 0 && strcmp(irqchip, "split") != 0)
		return "the kind of interrupt controllers is unknown";
	return NULL;
}

int rd_describe_parse(struct rd_config *config, json_t **root, const void *text, size_t len,
		      const char *file)
{
	json_t *kernel, *initrd, *append, *disks, *nets = NULL, *shares = NULL;
	json_int_t cpus, memory, vsock = 0;
	int serial, no_reboot, rng, balloon, hvc = 0;
	const char *irqchip, *why;
	json_error_t error;

	*root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!*root)
		return rd_fail(RD_USAGE, "%s: the machine's description: %s", file, error.text);
	/* "!": a member that is not known here stands for something this vmctl cannot build. */
	if (json_unpack_ex(*root, &error, 0,
			   "{s:s, s:I, s:I, s:s, s:b, s:b, s:o, s:o, s:o, s:o, s:b, s:b, s?I, "
			   "s?o, s?b, s?o, !}",
			   "name", &config->name, "cpus", &cpus, "memory", &memory, "irqchip",
			   &irqchip, "serial", &serial, "no_reboot", &no_reboot, "kernel",
			   &kernel, "initrd", &initrd, "append", &append,
			   "disks", &disks, "rng", &rng,
			   "balloon", &balloon, "vsock", &vsock, "nets", &nets, "hvc", &hvc,
			   "shares", &shares))
		why = error.text;
	else if (!nullable(kernel, &config->kernel) || !nullable(initrd, &config->initrd) ||
		 !nullable(append, &config->append) || !config->kernel)
		why = "kernel is a string, initrd and append are strings or null";
	else
		why = check(config, cpus, memory, irqchip);
	if (!why && vsock && (vsock < RD_VSOCK_CID_MIN || vsock > RD_VSOCK_CID_MAX))
		why = "the context id of vsock is impossible";
	if (!why)
		why = parse_disks(disks, config, &error);
	if (!why)
		why = parse_nets(nets, config);
	if (!why)
		why = parse_shares(shares, config, &error);
	if (why)
		return rd_fail(RD_USAGE, "%s: the machine's description: %s", file, why);
	config->n_cpus = (uint32_t)cpus;
	config->memory = (uint64_t)memory;
	config->split_irqchip = !strcmp(irqchip, "split");
	config->has_serial = serial;
	config->no_reboot = no_reboot;
	config->vsock_cid = (uint32_t)vsock;
	config->has_console = hvc;
	config->rng = rng;
	config->balloon = balloon;
	return RD_OK;
}
