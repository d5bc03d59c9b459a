// SPDX-License-Identifier: GPL-2.0-only
/*
 * Run every test of every payload that needs no host program of its own, each in a fresh machine.
 * The list of tests is what the images' headers say.
 */
#include "tests/selftests/lib/rdt.h"

#include <dirent.h>
#include <libgen.h>

enum { MAX_TESTS = 1024 };

struct guest_test {
	char payload[64];
	char test[64];
	char name[136];
};

static struct rdt_test tests[MAX_TESTS];
static size_t count;

static void run(void)
{
	const struct guest_test *g = rdt_arg();
	struct rdt_vm *vm = rdt_payload_vm(g->payload, g->test);
	uint32_t value;

	if ((vm->flags & RDP_BEYOND) && rdt_is_stock())
		rdt_skip("stock KVM does not do this");
	rdt_start_others(vm);
	if (vm->flags & RDP_LATE_PAGE) {
		value = rdt_until_sync(vm->vcpu[0]);
		RDT_EQ(value, 1);
		rdt_slot_new(vm, 2, RDP_LATE_GPA, RDP_LATE_SIZE, 0, false);
	}
	rdt_finish(vm->vcpu[0]);
	rdt_vm_free(vm);
}

static void add_payload(const char *payload)
{
	struct rdt_payload *p = rdt_payload_open(payload);
	const struct rdp_test *t;

	for (unsigned int i = 0; (t = rdt_payload_test(p, i)); i++) {
		struct guest_test *g;

		if (t->flags & RDP_PAIRED)
			continue;
		if (count == MAX_TESTS) {
			fprintf(stderr, "guest: more than %d tests\n", MAX_TESTS);
			exit(2);
		}
		g = calloc(1, sizeof(*g));
		snprintf(g->payload, sizeof(g->payload), "%s", payload);
		snprintf(g->test, sizeof(g->test), "%s", rdt_payload_name(p, t));
		snprintf(g->name, sizeof(g->name), "%s/%s", g->payload, g->test);
		tests[count++] = (struct rdt_test){ g->name, run, 0, g };
	}
}

static int is_image(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 4 && n < 64 && !strcmp(e->d_name + n - 4, ".bin");
}

int main(int argc, char **argv)
{
	char self[4096], dir[4200];
	const char *env = getenv("RD_GUEST_DIR");
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct dirent **images;
	int found;

	self[n < 0 ? 0 : n] = 0;
	snprintf(dir, sizeof(dir), "%s/../guest", dirname(self));
	found = scandir(env ? env : dir, &images, is_image, alphasort);
	if (found <= 0) {
		fprintf(stderr, "guest: no payloads in %s\n", env ? env : dir);
		return 2;
	}
	for (int i = 0; i < found; i++) {
		images[i]->d_name[strlen(images[i]->d_name) - 4] = 0;
		add_payload(images[i]->d_name);
	}
	return rdt_main(argc, argv, tests, count);
}
