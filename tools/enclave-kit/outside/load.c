// SPDX-License-Identifier: GPL-2.0-only
/*
 * Enclaves from files into memory, by the ioctls of the kernel's driver.
 *
 * The pages come from the same walk that the signer measures, so what is loaded is what was signed;
 * attributes come from the signature. Invariant: on failure nothing is left, neither mapping nor
 * descriptor, and the first thing that went wrong is told.
 */
#include "tools/enclave-kit/outside/loader_priv.h"

#include "enclave/arch.h"
#include "tools/enclave-kit/layout.h"
#include "tools/enclave-kit/outside/vdso.h"

#include <fcntl.h>
#include <stdarg.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 32u

struct loading {
	struct rd_encl *e;
	struct rd_kit_layout layout;
	struct rd_sigstruct sig __aligned(16);
	void *file;
	size_t file_len;
	uint8_t *pages; /* the batch: same SECINFO, one behind the other */
	uint64_t first, secinfo;
	unsigned int n_pages;
	bool measured;
	uint64_t map_from, map_to, map_perms; /* the mapping that grows */
	uint32_t n_tcs;
	const char *name;
	char *error;
};

void rd_encl_fail(char error[RD_ENCL_ERROR_BYTES], const char *fmt, ...)
{
	va_list ap;

	if (!error)
		return;
	va_start(ap, fmt);
	vsnprintf(error, RD_ENCL_ERROR_BYTES, fmt, ap);
	va_end(ap);
}

static bool fail(struct loading *l, const char *what)
{
	rd_encl_fail(l->error, "%s: %s: %s", l->name, what, strerror(errno));
	return false;
}

/* --- files --- */

static bool map_file(struct loading *l, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return fail(l, "cannot open it");
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || !st.st_size) {
		rd_encl_fail(l->error, "%s: not a file with something in it", path);
		close(fd);
		return false;
	}
	l->file_len = (size_t)st.st_size;
	l->file = mmap(NULL, l->file_len, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (l->file == MAP_FAILED) {
		l->file = NULL;
		return fail(l, "cannot map it");
	}
	if (!rd_kit_layout_open(&l->layout, l->file, l->file_len, NULL)) {
		rd_encl_fail(l->error, "%s: %s", path, l->layout.error);
		return false;
	}
	return true;
}

static bool read_signature(struct loading *l, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char more;
	bool ok;

	if (fd < 0) {
		rd_encl_fail(l->error, "%s: cannot open it: %s", path, strerror(errno));
		return false;
	}
	ok = read(fd, &l->sig, sizeof(l->sig)) == sizeof(l->sig) && read(fd, &more, 1) == 0;
	close(fd);
	if (!ok)
		rd_encl_fail(l->error, "%s: not a signature of %zu bytes", path, sizeof(l->sig));
	return ok;
}

static bool find_vdso(struct loading *l)
{
	/* The first page is there; it says how much more is. */
	const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);
	size_t len = image ? rd_kit_vdso_size(image, RD_SGX_PAGE) : 0;

	l->e->enter = len ? rd_kit_vdso_find(image, len, "__vdso_sgx_enter_enclave") : NULL;
	if (!l->e->enter)
		rd_encl_fail(l->error, "this kernel's vDSO has no way into enclaves");
	return l->e->enter;
}

/* --- the enclave --- */

static bool open_device(struct loading *l)
{
	const char *device = l->e->options.device;

	device = device ? device : "/dev/sgx_enclave";
	l->e->fd = open(device, O_RDWR | O_CLOEXEC);
	if (l->e->fd >= 0)
		return true;
	rd_encl_fail(l->error, "%s: %s", device,
		     errno == ENOENT ? "no such device: this machine has no SGX, or its kernel no "
				       "driver for it"
				     : strerror(errno));
	return false;
}

/* Addresses at a multiple of the size, or where the code was linked. */
static bool reserve(struct loading *l)
{
	uint64_t size = l->layout.size, at = 0, all = size * 2;
	void *p;

	if (l->layout.fixed) {
		at = l->layout.link_base;
		all = size;
		if (!at || at & (size - 1)) {
			rd_encl_fail(l->error,
				     "%s: linked to run at 0x%llx, where an enclave of its size "
				     "cannot be: link it with -static-pie",
				     l->name, (unsigned long long)at);
			return false;
		}
	}
	p = mmap((void *)at, all, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (at ? MAP_FIXED_NOREPLACE : 0), -1,
		 0);
	if (p == MAP_FAILED)
		return fail(l, "no room for its addresses");
	l->e->base = at ? at : ALIGN((uint64_t)p, size);
	l->e->size = size;
	if (at)
		return true;
	if (l->e->base > (uint64_t)p)
		munmap(p, l->e->base - (uint64_t)p);
	if ((uint64_t)p + all > l->e->base + size)
		munmap((void *)(l->e->base + size), (uint64_t)p + all - l->e->base - size);
	return true;
}

static bool create(struct loading *l)
{
	struct rd_secs secs __aligned(RD_SGX_PAGE) = {
		.size = l->e->size,
		.base = l->e->base,
		.ssa_frame_size = l->layout.image.ssa_frame_pages,
		.miscselect = l->sig.miscselect,
		.attributes = l->sig.attributes,
	};
	struct sgx_enclave_create ioc = { .src = (uintptr_t)&secs };

	secs.attributes.flags &= ~RD_ATTR_INIT;
	return !ioctl(l->e->fd, SGX_IOC_ENCLAVE_CREATE, &ioc) || fail(l, "ECREATE");
}

/* Enclaves that may have the provisioning key need a descriptor that shows the right to it. */
static bool provision(struct loading *l)
{
	const char *device = l->e->options.provision;
	struct sgx_enclave_provision ioc;
	int fd, ret;

	if (!(l->sig.attributes.flags & RD_ATTR_PROVISIONKEY))
		return true;
	device = device ? device : "/dev/sgx_provision";
	fd = open(device, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return fail(l, "the right to the provisioning key");
	ioc.fd = (uint64_t)fd;
	ret = ioctl(l->e->fd, SGX_IOC_ENCLAVE_PROVISION, &ioc);
	close(fd);
	return !ret || fail(l, "the right to the provisioning key");
}

static bool flush(struct loading *l)
{
	struct rd_secinfo secinfo __aligned(64) = { .flags = l->secinfo };
	struct sgx_enclave_add_pages ioc = {
		.src = (uintptr_t)l->pages,
		.offset = l->first,
		.length = (uint64_t)l->n_pages * RD_SGX_PAGE,
		.secinfo = (uintptr_t)&secinfo,
		.flags = l->measured ? SGX_PAGE_MEASURE : 0,
	};

	l->n_pages = 0;
	/* The kernel stops where a signal comes in, and says how far it got. */
	while (ioc.length) {
		int ret = ioctl(l->e->fd, SGX_IOC_ENCLAVE_ADD_PAGES, &ioc);

		if (ret && errno != EINTR && errno != EAGAIN)
			return fail(l, "EADD");
		ioc.src += ioc.count;
		ioc.offset += ioc.count;
		ioc.length -= ioc.count;
		ioc.count = 0;
	}
	return true;
}

static int add_page(void *ctx, const struct rd_kit_page *page)
{
	struct loading *l = ctx;
	uint8_t *to;

	if (l->n_pages &&
	    (l->n_pages == BATCH || page->secinfo != l->secinfo || page->measured != l->measured ||
	     page->offset != l->first + (uint64_t)l->n_pages * RD_SGX_PAGE) &&
	    !flush(l))
		return -1;
	if (!l->n_pages) {
		l->first = page->offset;
		l->secinfo = page->secinfo;
		l->measured = page->measured;
	}
	to = l->pages + (size_t)l->n_pages++ * RD_SGX_PAGE;
	if (page->data)
		memcpy(to, page->data, RD_SGX_PAGE);
	else
		memset(to, 0, RD_SGX_PAGE);
	return 0;
}

static bool add_pages(struct loading *l)
{
	l->pages = mmap(NULL, BATCH * RD_SGX_PAGE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (l->pages == MAP_FAILED) {
		l->pages = NULL;
		return fail(l, "no memory");
	}
	if (rd_kit_layout_walk(&l->layout, add_page, l))
		return false;
	return !l->n_pages || flush(l);
}

static bool init(struct loading *l)
{
	struct sgx_enclave_init ioc = { .sigstruct = (uintptr_t)&l->sig };

	if (!ioctl(l->e->fd, SGX_IOC_ENCLAVE_INIT, &ioc))
		return true;
	if (errno == EPERM)
		rd_encl_fail(l->error, "%s: EINIT refused it: the signature is not of this enclave",
			     l->name);
	else if (errno == EACCES)
		rd_encl_fail(l->error, "%s: EINIT: not allowed to have these attributes", l->name);
	else
		return fail(l, "EINIT");
	return false;
}

/* --- mappings --- */

static bool map_run(struct loading *l)
{
	int prot = (l->map_perms & RD_SI_R ? PROT_READ : 0) |
		   (l->map_perms & RD_SI_W ? PROT_WRITE : 0) |
		   (l->map_perms & RD_SI_X ? PROT_EXEC : 0);
	void *at = (void *)(l->e->base + l->map_from);

	if (l->map_from == l->map_to)
		return true;
	if (mmap(at, l->map_to - l->map_from, prot, MAP_SHARED | MAP_FIXED, l->e->fd, 0) == at)
		return true;
	return fail(l, "cannot map its pages");
}

static int map_page(void *ctx, const struct rd_kit_page *page)
{
	struct loading *l = ctx;
	bool tcs = (page->secinfo & RD_SI_PT_MASK) == RD_SI_PT(RD_PT_TCS);
	uint64_t perms = tcs ? RD_SI_R | RD_SI_W : page->secinfo & RD_SI_RWX;

	if (tcs && l->n_tcs < l->e->n_threads)
		l->e->threads[l->n_tcs++].tcs = l->e->base + page->offset;
	if (page->offset != l->map_to || perms != l->map_perms) {
		if (!map_run(l))
			return -1;
		l->map_from = page->offset;
		l->map_perms = perms;
	}
	l->map_to = page->offset + RD_SGX_PAGE;
	return 0;
}

static bool map_pages(struct loading *l)
{
	l->e->n_threads = l->layout.image.threads;
	l->e->threads = calloc(l->e->n_threads, sizeof(*l->e->threads));
	if (!l->e->threads)
		return fail(l, "no memory");
	return !rd_kit_layout_walk(&l->layout, map_page, l) && map_run(l);
}

static bool load(struct loading *l, const char *elf, const char *sig)
{
	return map_file(l, elf) && read_signature(l, sig) && find_vdso(l) && open_device(l) &&
	       reserve(l) && create(l) && provision(l) && add_pages(l) && init(l) && map_pages(l);
}

struct rd_encl *rd_encl_load(const char *elf, const char *sig,
			     const struct rd_encl_options *options, char error[RD_ENCL_ERROR_BYTES])
{
	struct loading *l = calloc(1, sizeof(*l));
	struct rd_encl *e = calloc(1, sizeof(*e));
	bool ok = false;

	if (!l || !e) {
		rd_encl_fail(error, "%s: no memory", elf);
		free(l);
		free(e);
		return NULL;
	}
	l->e = e;
	l->name = elf;
	l->error = error;
	e->fd = -1;
	if (options)
		e->options = *options;
	ok = load(l, elf, sig);
	if (l->file)
		munmap(l->file, l->file_len);
	if (l->pages)
		munmap(l->pages, BATCH * RD_SGX_PAGE);
	free(l);
	if (ok)
		return e;
	rd_encl_unload(e);
	return NULL;
}

void rd_encl_unload(struct rd_encl *e)
{
	if (!e)
		return;
	if (e->size)
		munmap((void *)e->base, e->size);
	if (e->fd >= 0)
		close(e->fd);
	free(e->threads);
	free(e);
}

uint64_t rd_encl_base(const struct rd_encl *e)
{
	return e->base;
}

uint64_t rd_encl_size(const struct rd_encl *e)
{
	return e->size;
}
