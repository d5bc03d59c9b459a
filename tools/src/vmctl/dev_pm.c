// SPDX-License-Identifier: GPL-2.0-only
/*
 * ACPI fixed power management registers. SCI_EN is always set: there is no SMI that could take
 * the machine out of ACPI mode.
 */
#include "tools/src/vmctl/dev_pm.h"

#include "tools/src/vmctl/layout.h"

#include <string.h>
#include <time.h>

#define STS_POWER_BUTTON (1u << 8)
#define STS_WRITE_CLEAR 0xcf31u		/* the defined status bits */
#define CNT_SCI_EN (1u << 0)
#define CNT_SLP_TYP_SHIFT 10
#define CNT_SLP_TYP_MASK 7u
#define CNT_SLP_EN (1u << 13)

#define PM_TIMER_HZ 3579545ull
#define NSEC_PER_SEC 1000000000ull

/* The timer's status bit is never set: its carry interrupt is not needed with 32 bits. */
static void pm_update(struct rd_pm *pm)
{
	rd_irq_set(&pm->sci, pm->status & pm->enable);
}

static uint64_t event_read(void *dev, uint64_t off, unsigned int size)
{
	struct rd_pm *pm = dev;
	uint32_t v;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	v = pm->status | (uint32_t)pm->enable << 16;
	pthread_mutex_unlock(&pm->lock);
	return v >> (off * 8);
}

static void event_write(void *dev, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_pm *pm = dev;
	uint32_t mask = (uint32_t)((1ull << (size * 8)) - 1) << (off * 8);
	uint32_t v = (uint32_t)value << (off * 8);

	pthread_mutex_lock(&pm->lock);
	pm->status &= (uint16_t)~(v & mask & STS_WRITE_CLEAR);
	pm->enable = (uint16_t)((pm->enable & ~(mask >> 16)) | ((v & mask) >> 16));
	pm_update(pm);
	pthread_mutex_unlock(&pm->lock);
}

static uint64_t control_read(void *dev, uint64_t off, unsigned int size)
{
	struct rd_pm *pm = dev;
	uint16_t v;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	v = pm->control | CNT_SCI_EN;
	pthread_mutex_unlock(&pm->lock);
	return v >> (off * 8);
}

static void control_write(void *dev, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_pm *pm = dev;
	uint32_t mask = ((1u << (size * 8)) - 1) << (off * 8);
	uint32_t v;
	bool off_now;

	pthread_mutex_lock(&pm->lock);
	v = (pm->control & ~mask) | ((uint32_t)value << (off * 8) & mask);
	off_now = (v & CNT_SLP_EN) &&
		  (v >> CNT_SLP_TYP_SHIFT & CNT_SLP_TYP_MASK) == RD_SLP_TYP_S5;
	pm->control = (uint16_t)(v & ~CNT_SLP_EN);	/* SLP_EN reads as zero */
	pthread_mutex_unlock(&pm->lock);
	if (off_now)
		pm->ender.end(pm->ender.ctx, RD_END_POWER_OFF);
}

static uint64_t monotonic_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static uint64_t timer_read(void *dev, uint64_t off, unsigned int size)
{
	struct rd_pm *pm = dev;
	uint64_t ns, ticks;

	(void)size;
	pthread_mutex_lock(&pm->lock);
	ns = pm->held ? pm->held_ns : monotonic_ns() + pm->offset_ns;
	pthread_mutex_unlock(&pm->lock);
	ticks = ns / NSEC_PER_SEC * PM_TIMER_HZ + ns % NSEC_PER_SEC * PM_TIMER_HZ / NSEC_PER_SEC;
	return (uint32_t)ticks >> (off * 8);
}

static void timer_write(void *dev, uint64_t off, unsigned int size, uint64_t value)
{
	(void)dev;
	(void)off;
	(void)size;
	(void)value;
}

static const struct rd_range_ops event_ops = { .read = event_read, .write = event_write };
static const struct rd_range_ops control_ops = { .read = control_read, .write = control_write };
static const struct rd_range_ops timer_ops = { .read = timer_read, .write = timer_write };

static bool add(struct rd_pm *pm, struct rd_bus *bus, uint16_t port, uint16_t len,
		const struct rd_range_ops *ops)
{
	return rd_bus_add_pio(bus, (struct rd_range){
		.base = port, .len = len, .max_size = 4, .ops = ops, .dev = pm,
	});
}

bool rd_pm_init(struct rd_pm *pm, struct rd_bus *bus, struct rd_irq sci, struct rd_ender ender)
{
	memset(pm, 0, sizeof(*pm));
	pthread_mutex_init(&pm->lock, NULL);
	pm->sci = sci;
	pm->ender = ender;
	return add(pm, bus, RD_PORT_PM1_EVT, 4, &event_ops) &&
	       add(pm, bus, RD_PORT_PM1_CNT, 2, &control_ops) &&
	       add(pm, bus, RD_PORT_PM_TIMER, 4, &timer_ops);
}

void rd_pm_power_button(struct rd_pm *pm)
{
	pthread_mutex_lock(&pm->lock);
	pm->status |= STS_POWER_BUTTON;
	pm_update(pm);
	pthread_mutex_unlock(&pm->lock);
}

static void pm_transfer(void *dev, struct rd_pack *p)
{
	struct rd_pm *pm = dev;

	rd_pack_u16(p, &pm->status);
	rd_pack_u16(p, &pm->enable);
	rd_pack_u16(p, &pm->control);
	rd_pack_u64(p, &pm->held_ns);
}

static bool pm_loaded(void *dev)
{
	struct rd_pm *pm = dev;

	if ((pm->status & ~STS_POWER_BUTTON) || (pm->control & CNT_SLP_EN))
		return false;
	pm->sci.level = pm->status & pm->enable;
	return true;
}

static void pm_lines(void *dev)
{
	rd_irq_reassert(&((struct rd_pm *)dev)->sci);
}

static void pm_pause(void *dev)
{
	struct rd_pm *pm = dev;

	pthread_mutex_lock(&pm->lock);
	pm->held_ns = monotonic_ns() + pm->offset_ns;
	pm->held = true;
	pthread_mutex_unlock(&pm->lock);
}

static void pm_resume(void *dev)
{
	struct rd_pm *pm = dev;

	pthread_mutex_lock(&pm->lock);
	pm->offset_ns = pm->held_ns - monotonic_ns();
	pm->held = false;
	pthread_mutex_unlock(&pm->lock);
}

const struct rd_state_ops rd_pm_state = {
	.version = 1,
	.transfer = pm_transfer,
	.loaded = pm_loaded,
	.lines = pm_lines,
	.pause = pm_pause,
	.resume = pm_resume,
};

const struct rd_state_ops rd_ender_state = { .version = 1 };
