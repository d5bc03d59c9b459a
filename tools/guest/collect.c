// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel may patch, from its own tables: sites for the judge.
 * Invariant: the lists are in ascending order without doubles; what is said of a place was read
 * while nobody could be patching it.
 */
#include <linux/ftrace.h>
#include <linux/jump_label.h>
#include <linux/kprobes.h>
#include <linux/mm.h>
#include <linux/sort.h>
#include <linux/static_call.h>
#include <asm/text-patching.h>
#include "tools/guest/driver.h"

#define STEP 4096

/* As kernel/kprobes.c has it. */
#define PROBE_LISTS 64

static bool inside(const struct guest_range *r, unsigned long at)
{
	return at >= r->start && at < r->end;
}

static void add(struct guest_sites *s, const struct guest_range *code, unsigned long at,
		enum judge_kind kind, long target)
{
	struct judge_site *more;

	if (s->error || !inside(code, at))
		return;
	if (s->n == s->room) {
		more = kvmalloc_array(s->room + STEP, sizeof(*more), GFP_KERNEL);
		if (!more) {
			s->error = -ENOMEM;
			return;
		}
		memcpy(more, s->site, s->n * sizeof(*more));
		kvfree(s->site);
		s->site = more;
		s->room += STEP;
	}
	s->site[s->n++] = (struct judge_site){ JUDGE_SITE(at - code->start, kind), target };
}

static void add_keys(struct guest_sites *s, const struct guest_range *code,
		     const struct jump_entry *from, const struct jump_entry *to)
{
	const struct jump_entry *e;

	for (e = from; e < to; e++) {
		unsigned long at = jump_entry_code(e), target = jump_entry_target(e);
		const u8 *insn = (const u8 *)at;

		if (!inside(code, at))
			continue;
		if (insn[0] == JMP8_INSN_OPCODE || insn[0] == 0x66)
			add(s, code, at, JUDGE_KEY2, target - at);
		else if (insn[0] == JMP32_INSN_OPCODE || insn[0] == 0x0f)
			add(s, code, at, JUDGE_KEY5, target - at);
		else
			pr_warn("a static key at %pS has no known instruction\n", insn);
	}
}

static void add_calls(struct guest_sites *s, const struct guest_range *code,
		      const struct static_call_site *from, const struct static_call_site *to)
{
	const struct static_call_site *c;

	for (c = from; c < to; c++) {
		unsigned long at = (long)c->addr + (unsigned long)&c->addr;
		unsigned long key = (long)c->key + (unsigned long)&c->key;
		const u8 *insn = (const u8 *)at;

		if (!inside(code, at))
			continue;
		if (!(key & STATIC_CALL_SITE_TAIL))
			add(s, code, at, JUDGE_CALL, 0);
		else if (insn[0] == 0x0f)
			add(s, code, at, JUDGE_TAIL6, 0);
		else
			add(s, code, at, JUDGE_TAIL, 0);
	}
}

/* Trampolines of static calls are in no table, but marked by what stands behind them. */
static void add_trampolines(struct guest_sites *s, const struct guest_range *code)
{
	unsigned long at;

	for (at = ALIGN(code->start, 4); at + 8 <= code->end; at += 4) {
		const u8 *insn = (const u8 *)at;

		if (insn[5] == 0x0f && insn[6] == 0xb9 && insn[7] == 0xcc &&
		    (insn[0] == JMP32_INSN_OPCODE || insn[0] == RET_INSN_OPCODE))
			add(s, code, at, JUDGE_TAIL, 0);
	}
}

static void add_ftrace(struct guest_sites *s, const struct guest_range *code)
{
	struct ftrace_rec_iter *iter;
	struct dyn_ftrace *rec;

	if (!guest_sym.ftrace_lock || !guest_sym.rec_start || !guest_sym.rec_next ||
	    !guest_sym.rec_record)
		return;
	for (iter = guest_sym.rec_start(); iter; iter = guest_sym.rec_next(iter)) {
		rec = guest_sym.rec_record(iter);
		if (!(rec->flags & FTRACE_FL_DISABLED))
			add(s, code, rec->ip, JUDGE_FTRACE, 0);
	}
	add(s, code, guest_sym.ftrace_call, JUDGE_FTRACE_CALL, 0);
	add(s, code, guest_sym.ftrace_regs_call, JUDGE_FTRACE_CALL, 0);
}

static void add_module(struct guest_sites *s, const struct guest_range *code, struct module *mod)
{
	unsigned int i;

	add_keys(s, code, mod->jump_entries, mod->jump_entries + mod->num_jump_entries);
	add_calls(s, code, mod->static_call_sites,
		  mod->static_call_sites + mod->num_static_call_sites);
	for (i = 0; i < mod->num_ftrace_callsites; i++)
		add(s, code, mod->ftrace_callsites[i], JUDGE_FTRACE, 0);
}

static int compare(const void *a, const void *b)
{
	u32 x = ((const struct judge_site *)a)->at & JUDGE_SITE_MASK;
	u32 y = ((const struct judge_site *)b)->at & JUDGE_SITE_MASK;

	return x < y ? -1 : x > y;
}

static void drop_doubles(struct guest_sites *s)
{
	u32 i, n = 0;

	for (i = 0; i < s->n; i++)
		if (!n || compare(&s->site[i], &s->site[n - 1]))
			s->site[n++] = s->site[i];
	s->n = n;
}

int guest_collect_sites(struct guest_sites *s, const struct guest_range *code, struct module *mod)
{
	if (code->end - code->start > JUDGE_SITE_MASK)
		return -E2BIG;
	if (mod) {
		add_module(s, code, mod);
	} else {
		add_keys(s, code, (void *)guest_sym.jump, (void *)guest_sym.jump_end);
		if (guest_sym.calls && guest_sym.calls_end)
			add_calls(s, code, (void *)guest_sym.calls, (void *)guest_sym.calls_end);
		add_ftrace(s, code);
	}
	add_trampolines(s, code);
	if (s->error)
		return s->error;
	sort(s->site, s->n, sizeof(*s->site), compare, NULL);
	drop_doubles(s);
	return 0;
}

/* --- kprobes that are there ------------------------------------------------------------------- */

static void add_probe(struct guest_probes *p, const struct kprobe *kp)
{
	const u8 *now = (const u8 *)kp->addr;
	struct judge_probe probe = { .va = (unsigned long)now, .orig = { kp->opcode }, .len = 1 };
	struct judge_probe *more;

#ifdef CONFIG_OPTPROBES
	if (now[0] == JMP32_INSN_OPCODE && kp->opcode != JMP32_INSN_OPCODE) {
		const struct optimized_kprobe *op = container_of(kp, struct optimized_kprobe, kp);

		memcpy(probe.orig + 1, op->optinsn.copied_insn, DISP32_SIZE);
		probe.len = 1 + DISP32_SIZE;
	}
#endif
	if (probe.len == 1 && now[0] != INT3_INSN_OPCODE)
		return;
	if (p->n == p->room) {
		more = krealloc_array(p->probe, p->room + 64, sizeof(*more), GFP_KERNEL);
		if (!more) {
			p->error = -ENOMEM;
			return;
		}
		p->probe = more;
		p->room += 64;
	}
	p->probe[p->n++] = probe;
}

int guest_collect_probes(struct guest_probes *p, const struct guest_range *code)
{
	struct kprobe *kp;
	unsigned int i;

	for (i = 0; i < PROBE_LISTS; i++)
		hlist_for_each_entry(kp, &guest_sym.kprobe_table[i],
				     hlist) if (!p->error &&
						inside(code, (unsigned long)kp->addr) &&
						!kprobe_ftrace(kp)) add_probe(p, kp);
	return p->error;
}

/* In the kernel's own order of these locks. */
void guest_lock_code(void)
{
	mutex_lock(guest_sym.kprobe_mutex);
	if (guest_sym.ftrace_lock)
		mutex_lock(guest_sym.ftrace_lock);
	mutex_lock(guest_sym.text_mutex);
}

void guest_unlock_code(void)
{
	mutex_unlock(guest_sym.text_mutex);
	if (guest_sym.ftrace_lock)
		mutex_unlock(guest_sym.ftrace_lock);
	mutex_unlock(guest_sym.kprobe_mutex);
}
