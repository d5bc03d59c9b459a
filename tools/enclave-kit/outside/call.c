// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls into an enclave, and what it wants while it is inside.
 *
 * Each stay is one call of the vDSO's function. Exceptions and the end of their handling stay in
 * that call: the enclave goes on with the stack it was entered with. An OCALL ends the stay, since
 * its way back needs registers that the vDSO does not hand from its handler to the enclave.
 */
#include "tools/enclave-kit/outside/loader_priv.h"

#include <errno.h>
#include <string.h>

enum { EENTER = 2, ERESUME = 3, EEXIT = 4 };

/* One stay: how it ended. */
struct stay {
	uint64_t why, what, size; /* RDI, RSI, RDX at EEXIT */
	bool left; /* by EEXIT */
	bool unanswered; /* an exception that the CPU does not tell the enclave of */
	bool faulted; /* the thread was interrupted by an exception at least once */
	struct sgx_enclave_run last; /* the latest exception */
};

static int on_exit(long rdi, long rsi, long rdx, long rsp, long r8, long r9,
		   struct sgx_enclave_run *run)
{
	struct stay *s = (struct stay *)(uintptr_t)run->user_data;

	(void)rsp, (void)r8, (void)r9;
	if (run->function == EEXIT) {
		if (rdi == RD_KIT_OUT_RESUME && rsi)
			return ERESUME;
		if (rdi == RD_KIT_OUT_RESUME) {
			/* It would only happen again. */
			s->unanswered = true;
			return 0;
		}
		s->left = true;
		s->why = (uint64_t)rdi;
		s->what = (uint64_t)rsi;
		s->size = (uint64_t)rdx;
		return 0;
	}
	/* An exception inside: have the enclave look at it. One of EENTER itself is the end. */
	s->last = *run;
	s->faulted = s->faulted || run->function == ERESUME;
	return run->function == ERESUME ? EENTER : 0;
}

static int64_t ocall(const struct rd_encl *e, struct rd_encl_thread *t, const struct stay *s)
{
	if (s->what >= e->options.n_ocalls || !e->options.ocalls[s->what] ||
	    s->size > sizeof(t->area))
		return -ENOSYS;
	return e->options.ocalls[s->what](e->options.ctx, t->area, s->size);
}

static int refused(uint64_t reason, unsigned int number, size_t size, char *error)
{
	switch (reason) {
	case RD_KIT_NO_SUCH_CALL:
		rd_encl_fail(error, "the enclave has no call %u", number);
		return -EINVAL;
	case RD_KIT_BAD_SIZE:
		rd_encl_fail(error, "call %u of the enclave has no argument of %zu bytes", number,
			     size);
		return -EINVAL;
	case RD_KIT_BAD_ADDRESS:
		rd_encl_fail(error, "the argument of call %u is not in this program's memory",
			     number);
		return -EINVAL;
	default:
		rd_encl_fail(error, "the enclave's thread is in the middle of another call");
		return -EFAULT;
	}
}

static int dead(uint64_t reason, char *error)
{
	if (reason == RD_KIT_DEAD_BY_ITSELF)
		rd_encl_fail(error, "the enclave is dead: it found something wrong");
	else
		rd_encl_fail(error, "the enclave is dead: exception %u, which it has no answer to",
			     (unsigned int)reason);
	return -EFAULT;
}

static int stuck(struct rd_encl_thread *t, const struct stay *s, char *error)
{
	t->stuck = true;
	if (s->unanswered)
		rd_encl_fail(error,
			     "exception %u at address 0x%llx, which the enclave is not told of",
			     s->last.exception_vector, (unsigned long long)s->last.exception_addr);
	else if (s->last.exception_vector == 14)
		rd_encl_fail(error, "the enclave's pages are gone");
	else if (s->faulted)
		rd_encl_fail(error,
			     "the enclave is dead: an exception while it dealt with another");
	else
		rd_encl_fail(error, "the enclave cannot be entered: exception %u of EENTER",
			     s->last.exception_vector);
	return -EFAULT;
}

static int stay(const struct rd_encl *e, struct rd_encl_thread *t, const struct rd_encl_regs *regs,
		struct stay *s)
{
	struct sgx_enclave_run run = {
		.tcs = t->tcs,
		.user_handler = (uintptr_t)on_exit,
		.user_data = (uintptr_t)s,
	};

	memset(s, 0, sizeof(*s));
	return rd_encl_enter(regs, &run, e->enter);
}

static int call(struct rd_encl *e, struct rd_encl_thread *t, unsigned int number, void *args,
		size_t size, int64_t *result, char *error)
{
	struct rd_encl_regs regs = {
		.rdi = number,
		.rsi = (uintptr_t)args,
		.rdx = size,
		.r8 = (uintptr_t)t->area,
		.r9 = sizeof(t->area),
	};
	struct stay s;

	for (;;) {
		int ret = stay(e, t, &regs, &s);

		if (ret) {
			rd_encl_fail(error, "the vDSO refused to enter: %s", strerror(-ret));
			return ret;
		}
		if (!s.left)
			return stuck(t, &s, error);
		if (s.why != RD_KIT_OUT_OCALL)
			break;
		regs.rsi = (uint64_t)ocall(e, t, &s);
		regs.rdi = RD_KIT_IN_BACK;
		regs.rdx = 0;
	}
	switch (s.why) {
	case RD_KIT_OUT_RETURN:
		if (result)
			*result = (int64_t)s.what;
		return 0;
	case RD_KIT_OUT_REFUSED:
		return refused(s.what, number, size, error);
	case RD_KIT_OUT_DEAD:
		return dead(s.what, error);
	default:
		rd_encl_fail(error, "the enclave left for no reason of this kit's");
		return -EFAULT;
	}
}

static struct rd_encl_thread *take_thread(struct rd_encl *e)
{
	for (uint32_t n = 0; n < e->n_threads; n++)
		if (!__atomic_test_and_set(&e->threads[n].busy, __ATOMIC_ACQUIRE))
			return &e->threads[n];
	return NULL;
}

int rd_encl_call(struct rd_encl *e, unsigned int number, void *args, size_t size, int64_t *result,
		 char error[RD_ENCL_ERROR_BYTES])
{
	struct rd_encl_thread *t = take_thread(e);
	int ret;

	if (!t) {
		rd_encl_fail(error, "all %u threads of the enclave are in use, or stuck",
			     e->n_threads);
		return -EBUSY;
	}
	ret = call(e, t, number, args, size, result, error);
	/* One that is in the middle of something which cannot go on is of no use any more. */
	if (!t->stuck)
		__atomic_clear(&t->busy, __ATOMIC_RELEASE);
	return ret;
}
