// SPDX-License-Identifier: GPL-2.0-only
/* What the control socket says of the balloon. */
#include "tools/src/vmctl/balloon.h"

#include <jansson.h>

static json_t *statistics(const struct rd_balloon_info *info)
{
	json_t *o = json_object();

	for (unsigned int tag = 0; tag < RD_BALLOON_STATS; tag++) {
		const char *name = rd_balloon_stat_name(tag);

		if (name && info->known >> tag & 1)
			json_object_set_new(o, name, json_integer((json_int_t)info->stats[tag]));
	}
	return o;
}

json_t *rd_balloon_answer(struct rd_virtio *v)
{
	struct rd_balloon_info info;
	json_t *answer;

	rd_balloon_get(v, &info);
	answer = json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:o}", "ok", 1, "driver", info.active,
			   "memory", (json_int_t)v->ram->size, "target", (json_int_t)info.target,
			   "actual", (json_int_t)info.actual, "given_back",
			   (json_int_t)info.reported, "guest", statistics(&info));
	if (answer && info.age_ms >= 0)
		json_object_set_new(answer, "guest_age_ms", json_integer(info.age_ms));
	return answer;
}
