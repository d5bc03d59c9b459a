// SPDX-License-Identifier: GPL-2.0-only
/* Routes and MSI vectors on the hypervisor's API. */
#include "tools/src/vmctl/msi.h"

#include "tools/src/vmctl/irqchip.h"
#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PIC_PINS 16u
#define FIRST_MSI_GSI RD_IOAPIC_PINS
#define ROUTES_MAX 4096u
/* The upper half holds bits 31 to 8 of the APIC id; what a guest has below is not for the API. */
#define ADDRESS_HI_MASK 0xffffff00u

/* The table as the kernel's own interrupt controllers have it before anybody sets one. */
static uint32_t kernel_chip(struct kvm_irq_routing_entry *e)
{
	uint32_t n = 0;

	for (uint32_t gsi = 0; gsi < RD_IOAPIC_PINS; gsi++) {
		if (gsi < PIC_PINS) {
			e[n] = (struct kvm_irq_routing_entry){ .gsi = gsi,
							       .type = KVM_IRQ_ROUTING_IRQCHIP };
			e[n].u.irqchip.irqchip = gsi < 8 ? KVM_IRQCHIP_PIC_MASTER :
							   KVM_IRQCHIP_PIC_SLAVE;
			e[n++].u.irqchip.pin = gsi % 8;
		}
		e[n] = (struct kvm_irq_routing_entry){ .gsi = gsi,
						       .type = KVM_IRQ_ROUTING_IRQCHIP };
		e[n].u.irqchip.irqchip = KVM_IRQCHIP_IOAPIC;
		e[n++].u.irqchip.pin = gsi;
	}
	return n;
}

static struct kvm_irq_routing *grow(struct rd_routes *r, uint32_t n)
{
	struct kvm_irq_routing *t;

	if (n <= r->room)
		return r->table;
	t = realloc(r->table, sizeof(*t) + 2 * n * sizeof(t->entries[0]));
	if (!t)
		return NULL;
	r->table = t;
	r->room = 2 * n;
	return t;
}

int rd_routes_init(struct rd_machine *m)
{
	struct rd_routes *r = &m->routes;
	int max = rd_kvm_cap(m->kvm->fd, KVM_CAP_IRQ_ROUTING);

	pthread_mutex_init(&r->lock, NULL);
	r->next_gsi = FIRST_MSI_GSI;
	r->max_gsi = max > 0 && max < (int)ROUTES_MAX ? (uint32_t)max : ROUTES_MAX;
	r->irqfd = max > 0 && rd_kvm_cap(m->kvm->fd, KVM_CAP_IRQFD);
	if (!grow(r, RD_IOAPIC_PINS + PIC_PINS))
		return rd_fail(RD_HOST_ERROR, "out of memory");
	memset(r->table, 0, sizeof(*r->table));
	if (!m->config->split_irqchip)
		r->n_chip = kernel_chip(r->table->entries);
	r->n = r->n_chip;
	return RD_OK;
}

void rd_routes_destroy(struct rd_machine *m)
{
	free(m->routes.table);
	m->routes.table = NULL;
}

/* Caller holds the lock. -1 with errno. */
static int submit(struct rd_machine *m)
{
	m->routes.table->nr = m->routes.n;
	m->routes.table->flags = 0;
	return ioctl(m->vm_fd, KVM_SET_GSI_ROUTING, m->routes.table);
}

int rd_routes_set_chip(struct rd_machine *m, const struct kvm_irq_routing_entry *e, uint32_t n)
{
	struct rd_routes *r = &m->routes;
	int ret = -1;

	pthread_mutex_lock(&r->lock);
	if (grow(r, r->n - r->n_chip + n)) {
		struct kvm_irq_routing_entry *to = r->table->entries;

		memmove(to + n, to + r->n_chip, (r->n - r->n_chip) * sizeof(*to));
		memcpy(to, e, n * sizeof(*to));
		r->n = r->n - r->n_chip + n;
		r->n_chip = n;
		ret = submit(m);
	}
	pthread_mutex_unlock(&r->lock);
	return ret;
}

static struct kvm_irq_routing_entry *find_route(struct rd_routes *r, uint32_t gsi)
{
	for (uint32_t i = r->n_chip; i < r->n; i++)
		if (r->table->entries[i].gsi == gsi)
			return &r->table->entries[i];
	if (!grow(r, r->n + 1))
		return NULL;
	return &r->table->entries[r->n++];
}

/* Caller holds the lock. -1 with errno. */
static int route(struct rd_machine *m, const struct rd_msi_vector *v)
{
	struct kvm_irq_routing_entry *e = find_route(&m->routes, v->gsi);

	if (!e) {
		errno = ENOMEM;
		return -1;
	}
	*e = (struct kvm_irq_routing_entry){ .gsi = v->gsi, .type = KVM_IRQ_ROUTING_MSI };
	e->u.msi.address_lo = (uint32_t)v->msi.address;
	e->u.msi.address_hi = (uint32_t)(v->msi.address >> 32) & ADDRESS_HI_MASK;
	e->u.msi.data = v->msi.data;
	return submit(m);
}

static int connect_vector(struct rd_machine *m, struct rd_msi_vector *v, bool on)
{
	struct kvm_irqfd irqfd = {
		.fd = (uint32_t)v->fd, .gsi = v->gsi, .flags = on ? 0 : KVM_IRQFD_FLAG_DEASSIGN,
	};

	if (v->connected == on)
		return 0;
	if (ioctl(m->vm_fd, KVM_IRQFD, &irqfd) < 0)
		return -1;
	v->connected = on;
	return 0;
}

/* Without irqfd: deliver what was signalled, unless the vector is masked. Caller holds the lock. */
static int deliver(struct rd_machine *m, const struct rd_msi_vector *v)
{
	struct kvm_msi msi = {
		.address_lo = (uint32_t)v->msi.address,
		.address_hi = (uint32_t)(v->msi.address >> 32) & ADDRESS_HI_MASK,
		.data = v->msi.data,
	};
	uint64_t count;

	if (v->msi.masked || read(v->fd, &count, sizeof(count)) < 0)
		return 0;
	return ioctl(m->vm_fd, KVM_SIGNAL_MSI, &msi) < 0 ? -1 : 0;
}

static void set_vector(void *ctx, unsigned int i, const struct rd_msi *msi)
{
	struct rd_msi_set *s = ctx;
	struct rd_machine *m = s->m;
	struct rd_msi_vector *v = &s->v[i];
	const char *call = "KVM_SIGNAL_MSI";
	int ret;

	pthread_mutex_lock(&m->routes.lock);
	v->msi = *msi;
	if (!m->routes.irqfd) {
		ret = deliver(m, v);
	} else {
		call = msi->masked ? "KVM_IRQFD" : "KVM_SET_GSI_ROUTING";
		ret = msi->masked ? 0 : route(m, v);
		if (!ret) {
			call = "KVM_IRQFD";
			ret = connect_vector(m, v, !msi->masked);
		}
	}
	pthread_mutex_unlock(&m->routes.lock);
	if (ret < 0)
		rd_irqchip_failed(m, call);
}

static bool vector_pending(void *ctx, unsigned int i)
{
	const struct rd_msi_set *s = ctx;
	struct pollfd p = { .fd = s->v[i].fd, .events = POLLIN };

	return !s->v[i].connected && poll(&p, 1, 0) > 0;
}

static void signal_vector(void *ctx, unsigned int i)
{
	struct rd_msi_set *s = ctx;
	uint64_t one = 1;
	int ret = 0;

	/* Fails only when the counter is full: then a signal is pending already. */
	if (write(s->v[i].fd, &one, sizeof(one)) < 0 || s->m->routes.irqfd)
		return;
	pthread_mutex_lock(&s->m->routes.lock);
	ret = deliver(s->m, &s->v[i]);
	pthread_mutex_unlock(&s->m->routes.lock);
	if (ret < 0)
		rd_irqchip_failed(s->m, "KVM_SIGNAL_MSI");
}

int rd_msi_init(struct rd_msi_set *s, struct rd_machine *m, unsigned int n)
{
	s->m = m;
	s->n = 0;
	if (n > m->routes.max_gsi - m->routes.next_gsi)
		return rd_fail(RD_HOST_ERROR, "%s has no interrupt routes left for devices",
			       m->kvm->node);
	for (; s->n < n; s->n++) {
		struct rd_msi_vector *v = &s->v[s->n];

		*v = (struct rd_msi_vector){ .gsi = m->routes.next_gsi++, .msi.masked = true };
		v->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (v->fd < 0)
			return rd_fail(RD_HOST_ERROR, "eventfd: %s", strerror(errno));
	}
	return RD_OK;
}

void rd_msi_destroy(struct rd_msi_set *s)
{
	for (unsigned int i = 0; i < s->n; i++) {
		connect_vector(s->m, &s->v[i], false);
		close(s->v[i].fd);
	}
	s->n = 0;
}

struct rd_msix_host rd_msi_host(struct rd_msi_set *s)
{
	return (struct rd_msix_host){
		.set = set_vector, .pending = vector_pending, .signal = signal_vector, .ctx = s,
	};
}
