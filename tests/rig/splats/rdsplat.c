// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module that makes one mistake when it loads, of the kind named by its parameter: the negative
 * control of the debug kernel, whose rig must report each of them. Never part of redoubt.ko.
 * Invariant: a mistake harms nobody but the rig it is made in, and with none named there is none.
 */
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rculist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/timer.h>

static char *mistake = "none";
module_param(mistake, charp, 0444);
MODULE_PARM_DESC(mistake, "which one to make");

struct item {
	struct list_head link;
	struct timer_list timer;
	int value;
};

static DEFINE_MUTEX(first);
static DEFINE_MUTEX(second);
static DEFINE_SPINLOCK(spin);
static struct item __rcu *shared;
static unsigned int width = 40;		/* not a constant: the compiler must not see it coming */
static int table[4];
static int sink;

static void use_after_free(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL);

	if (!it)
		return;
	OPTIMIZER_HIDE_VAR(it);
	kfree(it);
	sink = READ_ONCE(it->value);
}

/* On the stack KASAN works by other means than in slabs. */
static void out_of_bounds(void)
{
	char buffer[16], *p = buffer;

	memset(buffer, 1, sizeof(buffer));
	OPTIMIZER_HIDE_VAR(p);
	sink = READ_ONCE(p[sizeof(buffer)]);
}

/* No deadlock happens: lockdep tells from the two orders that one can. */
static void lock_order(void)
{
	mutex_lock(&first);
	mutex_lock(&second);
	mutex_unlock(&second);
	mutex_unlock(&first);

	mutex_lock(&second);
	mutex_lock(&first);
	mutex_unlock(&first);
	mutex_unlock(&second);
}

static void atomic_sleep(void)
{
	void *p;

	spin_lock(&spin);
	p = kmalloc(100, GFP_KERNEL);
	spin_unlock(&spin);
	kfree(p);
}

static void leak(void)
{
	void *p;

	/* Several: a stale copy of one pointer may stay somewhere. */
	for (int i = 0; i < 16; i++) {
		p = kmalloc(1000 + i, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(p);
	}
}

static void never(struct timer_list *t)
{
}

static void free_active_timer(void)
{
	struct item *it = kzalloc(sizeof(*it), GFP_KERNEL);

	if (!it)
		return;
	timer_setup(&it->timer, never, 0);
	mod_timer(&it->timer, jiffies + 1000 * HZ);
	kfree(it);
}

static void rcu_without_lock(void)
{
	sink = !!rcu_dereference(shared);
}

static void shift_too_far(void)
{
	sink = 1 << READ_ONCE(width);
}

static void index_too_high(void)
{
	sink = table[READ_ONCE(width) % 8 + 4];
}

static void list_corruption(void)
{
	struct item a, b;
	LIST_HEAD(head);

	list_add(&a.link, &head);
	list_add(&b.link, &head);
	a.link.prev = &head;
	list_del(&a.link);
}

static const struct {
	const char *name;
	void (*make)(void);
} mistakes[] = {
	{ "use-after-free", use_after_free },
	{ "out-of-bounds", out_of_bounds },
	{ "lock-order", lock_order },
	{ "atomic-sleep", atomic_sleep },
	{ "leak", leak },
	{ "free-active-timer", free_active_timer },
	{ "rcu-without-lock", rcu_without_lock },
	{ "shift-too-far", shift_too_far },
	{ "index-too-high", index_too_high },
	{ "list-corruption", list_corruption },
};

static int __init rdsplat_init(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(mistakes); i++) {
		if (!strcmp(mistakes[i].name, mistake)) {
			mistakes[i].make();
			return 0;
		}
	}
	return strcmp(mistake, "none") ? -EINVAL : 0;
}

static void __exit rdsplat_exit(void)
{
}

module_init(rdsplat_init);
module_exit(rdsplat_exit);
MODULE_DESCRIPTION("Mistakes that a debug kernel must report");
MODULE_LICENSE("GPL");
