// SPDX-License-Identifier: GPL-2.0-only
/* Write traces in a snapshot: what comes back, and what is refused. */
#include "tests/unit/tools/tools_test.h"
#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/trace_save.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The hypervisor's set of traces. */

#define SET_MAX 10000u

static struct rd_trace_range set[SET_MAX];
static size_t n_set;

bool rd_traces_next(const struct rd_machine *m, uint64_t *from, struct rd_trace_range *out)
{
	for (size_t i = 0; m->traces.supported && i < n_set; i++) {
		if (set[i].gpa + set[i].size <= *from)
			continue;
		*out = set[i];
		*from = out->gpa + out->size;
		return true;
	}
	return false;
}

int rd_traces_add(struct rd_machine *m, const struct rd_trace_range *r, size_t n, size_t *failed)
{
	(void)m;
	*failed = 0;
	if (r[0].gpa == 0xbad000)
		return EEXIST;
	for (size_t i = 0; i < n; i++)
		set[n_set++] = r[i];
	return 0;
}

/* The guest's tree, as the hypervisor has it. */
static struct rd_guest_attach tree;
static bool has_tree;
static int tree_error;

bool rd_traces_get_tree(const struct rd_machine *m, struct rd_guest_attach *out)
{
	(void)m;
	*out = tree;
	return has_tree;
}

int rd_traces_set_tree(struct rd_machine *m, const struct rd_guest_attach *t)
{
	(void)m;
	tree = *t;
	has_tree = !tree_error;
	return tree_error;
}

static struct rd_machine machine;
static char message[256];

/* Write the set to a file and read it again. A status. */
static int through_a_file(bool supported_there)
{
	static const struct rd_kvm kvm = { .node = "/dev/null" };
	struct rd_section section;
	struct rd_stream s;
	char *image = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&image, &len);
	uint32_t instance = 0;
	uint64_t from = 0;
	int status = RD_OK;

	machine.kvm = &kvm;
	ck_assert_int_eq(rd_stream_create(&s, f, "file"), 0);
	ck_assert_int_eq(rd_trace_save(&machine, &s), 0);
	ck_assert_int_eq(rd_stream_finish(&s), 0);
	fclose(f);
	n_set = 0;
	machine.isolated = false;
	machine.traces.supported = supported_there;
	f = fmemopen(image, len, "r");
	ck_assert_int_eq(rd_stream_open(&s, f, "file"), 0);
	while (!status && !rd_stream_next(&s, &section) && section.type != RD_SECTION_END) {
		ck_assert_int_eq(section.type, RD_SECTION_TRACES);
		ck_assert_uint_eq(section.instance, instance++);
		rd_messages_capture(message, sizeof(message));
		status = rd_trace_load(&machine, &s, &section, &from);
		rd_messages_capture(NULL, 0);
	}
	rd_stream_close(&s);
	fclose(f);
	free(image);
	return status;
}

static void fill_set(size_t n)
{
	memset(&machine, 0, sizeof(machine));
	machine.traces.supported = true;
	for (n_set = 0; n_set < n; n_set++)
		set[n_set] = (struct rd_trace_range){
			.gpa = n_set * 0x3000, .size = 0x1000 + n_set % 7, .tag = n_set % 100,
			.action = { RD_TRACE_LOG, RD_TRACE_SUSPEND },
		};
}

START_TEST(snapshot_carries_traces)
{
	static const size_t sizes[] = { 0, 1, RD_TRACE_SECTION_MAX, RD_TRACE_SECTION_MAX + 1,
					9999 };
	static struct rd_trace_range before[SET_MAX];
	size_t n = sizes[_i];

	fill_set(n);
	memcpy(before, set, sizeof(set));
	ck_assert_int_eq(through_a_file(true), 0);
	ck_assert_uint_eq(n_set, n);
	ck_assert_mem_eq(before, set, n * sizeof(set[0]));
}
END_TEST

START_TEST(snapshot_of_an_isolated_machine)
{
	fill_set(0);
	machine.isolated = true;
	ck_assert_int_eq(through_a_file(false), 0);
	ck_assert(machine.isolated);
	fill_set(2);
	machine.isolated = true;
	ck_assert_int_eq(through_a_file(true), 0);
	ck_assert(machine.isolated);
	ck_assert_uint_eq(n_set, 2);
}
END_TEST

START_TEST(snapshot_where_there_are_no_traces)
{
	fill_set(1);
	ck_assert_int_eq(through_a_file(false), RD_USAGE);
	ck_assert_ptr_nonnull(strstr(message, "cannot have any"));
	fill_set(1);
	set[0].gpa = 0xbad000;
	ck_assert_int_eq(through_a_file(true), RD_USAGE);
	ck_assert_ptr_nonnull(strstr(message, "0xbad000"));
}
END_TEST

/* Save the tree and load what was saved, with byte SPOILED of it another one, -1: none. */
static int tree_through_a_file(int spoiled, size_t cut)
{
	static const struct rd_kvm kvm = { .node = "/dev/null" };
	struct rd_section section;
	struct rd_stream s;
	char *image = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&image, &len);
	uint8_t data[256];
	int status;

	machine.kvm = &kvm;
	ck_assert_int_eq(rd_stream_create(&s, f, "file"), 0);
	ck_assert_int_eq(rd_tree_save(&machine, &s), 0);
	ck_assert_int_eq(rd_stream_finish(&s), 0);
	fclose(f);
	has_tree = false;
	f = fmemopen(image, len, "r");
	ck_assert_int_eq(rd_stream_open(&s, f, "file"), 0);
	ck_assert_int_eq(rd_stream_next(&s, &section), 0);
	ck_assert_int_eq(section.type, RD_SECTION_TREE);
	ck_assert_uint_le(section.len, sizeof(data));
	memcpy(data, section.data, section.len);
	section.data = data;
	section.len -= cut;
	if (spoiled >= 0)
		memset(data, 0xff, spoiled);
	rd_messages_capture(message, sizeof(message));
	status = rd_tree_load(&machine, &s, &section);
	rd_messages_capture(NULL, 0);
	rd_stream_close(&s);
	fclose(f);
	free(image);
	return status;
}

START_TEST(snapshot_carries_the_guests_tree)
{
	struct rd_guest_attach before = { .root = 0x123456789, .nr_lists = 16,
					  .image = 0x987654321, .image_pages = 512,
					  .image_code = 100, .entry = 0x1234 };

	memset(before.node_action, RD_TRACE_LOG, sizeof(before.node_action));
	for (unsigned int i = 0; i < sizeof(before.list); i++)
		((uint8_t *)before.list)[i] = i % RD_TRACE_NR_ACTIONS;
	fill_set(0);
	tree = before;
	has_tree = true;
	ck_assert_int_eq(tree_through_a_file(-1, 0), 0);
	ck_assert(has_tree);
	ck_assert_mem_eq(&tree, &before, sizeof(tree));

	ck_assert_int_eq(tree_through_a_file(8, 0), RD_USAGE); /* a root of ~0 */
	ck_assert(!has_tree);
	has_tree = true;
	ck_assert_int_eq(tree_through_a_file(-1, 1), RD_USAGE);
	ck_assert(!has_tree);
	has_tree = true;
	tree_error = EUCLEAN;
	ck_assert_int_eq(tree_through_a_file(-1, 0), RD_USAGE);
	ck_assert_ptr_nonnull(strstr(message, strerror(EUCLEAN)));
	has_tree = true;
	tree_error = 0;
	machine.traces.supported = false;
	ck_assert_int_eq(tree_through_a_file(-1, 0), RD_USAGE);
	ck_assert_ptr_nonnull(strstr(message, "cannot"));
}
END_TEST

/* A section with one thing wrong. */
static void spoil(struct rd_trace_range *r, int how)
{
	switch (how) {
	case 0:
		r[1].gpa = r[0].gpa;
		break;
	case 1:
		r[1].size = 0;
		break;
	case 2:
		r[1].size = UINT64_MAX;
		break;
	case 3:
		r[1].gpa = INT64_MAX - 5;
		break;
	case 4:
		r[0].action[1] = RD_TRACE_NR_ACTIONS;
		break;
	case 5:
		r[0].action[5] = RD_TRACE_LOG;	/* behind the end of the list */
		break;
	default:
		break;
	}
}

START_TEST(snapshot_with_bad_traces)
{
	fill_set(2);
	spoil(set, _i);
	ck_assert_int_eq(through_a_file(true), _i == 6 ? RD_OK : RD_USAGE);
	ck_assert_uint_eq(n_set, _i == 6 ? 2 : 0);
}
END_TEST

START_TEST(section_of_any_length)
{
	struct rd_trace_section *t = calloc(1, sizeof(*t));
	struct rd_pack save, load;
	uint64_t from = 0;

	t->n = 3;
	for (uint32_t i = 0; i < 3; i++)
		t->ranges[i] = (struct rd_trace_range){ .gpa = i * 4096, .size = 4096 };
	rd_pack_save(&save);
	rd_trace_section_transfer(t, &save, &from);
	for (size_t len = 0; len <= save.len; len++) {
		rd_pack_load(&load, save.data, len);
		from = 0;
		rd_trace_section_transfer(t, &load, &from);
		ck_assert_int_eq(rd_pack_ok(&load), len == save.len);
	}
	save.data[1] = 0xff;	/* more than a section has */
	save.data[2] = 0xff;
	rd_pack_load(&load, save.data, save.len);
	rd_trace_section_transfer(t, &load, &from);
	ck_assert(!rd_pack_ok(&load));
	rd_pack_free(&save);
	free(t);
}
END_TEST

TCase *trace_save_case(void)
{
	TCase *tc = tcase_create("trace_save");

	tcase_add_loop_test(tc, snapshot_carries_traces, 0, 5);
	tcase_add_test(tc, snapshot_of_an_isolated_machine);
	tcase_add_test(tc, snapshot_carries_the_guests_tree);
	tcase_add_test(tc, snapshot_where_there_are_no_traces);
	tcase_add_loop_test(tc, snapshot_with_bad_traces, 0, 7);
	tcase_add_test(tc, section_of_any_length);
	return tc;
}
