// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of the clock. Time registers are computed when they are read; only while register B's
 * SET bit stops the clock do they live in `frozen`. One timer serves the periodic, alarm and
 * update interrupts and runs only while one of them is enabled.
 */
#include "tools/src/vmctl/dev_rtc.h"

#include "tools/src/vmctl/layout.h"
#include "tools/src/vmctl/util.h"

#include <errno.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum {
	REG_SECONDS, REG_SECONDS_ALARM, REG_MINUTES, REG_MINUTES_ALARM, REG_HOURS,
	REG_HOURS_ALARM, REG_WEEKDAY, REG_DAY, REG_MONTH, REG_YEAR, REG_A, REG_B, REG_C, REG_D,
	REG_CENTURY = 0x32,
};

#define A_UIP 0x80
#define A_RATE 0x0f
#define A_DEFAULT 0x26		/* 32768 Hz time base, 1024 Hz */
#define B_SET 0x80
#define B_PIE 0x40
#define B_AIE 0x20
#define B_UIE 0x10
#define B_BINARY 0x04
#define B_24H 0x02
#define C_IRQF 0x80
#define D_VALID 0x80
#define HOUR_PM 0x80
#define ALARM_ANY 0xc0

#define NSEC 1000000000ll
#define SECONDS_MAX 8000000000ll	/* in the year 2223: nanoseconds still fit 64 bits */
#define UPDATE_NS 244000ll	/* UIP is set this long before the second changes */

static int64_t host_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * NSEC + ts.tv_nsec;
}

/* Not before 1970, wherever a snapshot's offset and this host's clock would lead to. */
static int64_t guest_ns(const struct rd_rtc *rtc)
{
	int64_t ns = host_ns() + rtc->offset_ns;

	return ns < 0 ? 0 : ns;
}

static int64_t whole_seconds(int64_t ns)
{
	return ns / NSEC;
}

static uint8_t to_bcd(const struct rd_rtc *rtc, int v)
{
	return (uint8_t)(rtc->cmos[REG_B] & B_BINARY ? v : v / 10 << 4 | v % 10);
}

static int from_bcd(const struct rd_rtc *rtc, uint8_t v)
{
	return rtc->cmos[REG_B] & B_BINARY ? v : (v >> 4) * 10 + (v & 0xf);
}

static uint8_t encode_hour(const struct rd_rtc *rtc, int hour)
{
	if (rtc->cmos[REG_B] & B_24H)
		return to_bcd(rtc, hour);
	return (uint8_t)(to_bcd(rtc, (hour + 11) % 12 + 1) | (hour >= 12 ? HOUR_PM : 0));
}

static int decode_hour(const struct rd_rtc *rtc, uint8_t v)
{
	if (rtc->cmos[REG_B] & B_24H)
		return from_bcd(rtc, v);
	return from_bcd(rtc, v & (uint8_t)~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

/* One time register at guest time NS. */
static uint8_t time_reg(const struct rd_rtc *rtc, unsigned int reg, int64_t ns)
{
	time_t t = (time_t)whole_seconds(ns);
	struct tm tm;

	gmtime_r(&t, &tm);
	switch (reg) {
	case REG_SECONDS:
		return to_bcd(rtc, tm.tm_sec);
	case REG_MINUTES:
		return to_bcd(rtc, tm.tm_min);
	case REG_HOURS:
		return encode_hour(rtc, tm.tm_hour);
	case REG_WEEKDAY:
		return to_bcd(rtc, tm.tm_wday + 1);
	case REG_DAY:
		return to_bcd(rtc, tm.tm_mday);
	case REG_MONTH:
		return to_bcd(rtc, tm.tm_mon + 1);
	case REG_YEAR:
		return to_bcd(rtc, tm.tm_year % 100);
	default:
		return to_bcd(rtc, tm.tm_year / 100 + 19);
	}
}

static bool is_time_reg(unsigned int reg)
{
	return reg == REG_CENTURY ||
	       (reg <= REG_YEAR && (reg >= REG_WEEKDAY || !(reg & 1)));
}

static const uint8_t time_regs[] = {
	REG_SECONDS, REG_MINUTES, REG_HOURS, REG_WEEKDAY, REG_DAY, REG_MONTH, REG_YEAR, REG_CENTURY,
};

/* The clock stops: keep the time in the registers. */
static void freeze(struct rd_rtc *rtc)
{
	int64_t ns = guest_ns(rtc);

	for (size_t i = 0; i < sizeof(time_regs); i++)
		rtc->cmos[time_regs[i]] = time_reg(rtc, time_regs[i], ns);
}

/* The clock starts again from the registers. A date that does not exist is carried over. */
static void thaw(struct rd_rtc *rtc)
{
	struct tm tm = {
		.tm_sec = from_bcd(rtc, rtc->cmos[REG_SECONDS]),
		.tm_min = from_bcd(rtc, rtc->cmos[REG_MINUTES]),
		.tm_hour = decode_hour(rtc, rtc->cmos[REG_HOURS]),
		.tm_mday = from_bcd(rtc, rtc->cmos[REG_DAY]),
		.tm_mon = from_bcd(rtc, rtc->cmos[REG_MONTH]) - 1,
		.tm_year = from_bcd(rtc, rtc->cmos[REG_YEAR]) +
			   (from_bcd(rtc, rtc->cmos[REG_CENTURY]) - 19) * 100,
	};

	int64_t seconds = (int64_t)timegm(&tm);

	if (seconds < 0 || seconds > SECONDS_MAX)
		seconds = 0;
	rtc->offset_ns = seconds * NSEC - host_ns();
	rtc->last_second = whole_seconds(guest_ns(rtc));
}

static bool frozen(const struct rd_rtc *rtc)
{
	return rtc->cmos[REG_B] & B_SET;
}

static int64_t periodic_ns(const struct rd_rtc *rtc)
{
	unsigned int rate = rtc->cmos[REG_A] & A_RATE;

	if (!(rtc->cmos[REG_B] & B_PIE) || !rate)
		return 0;
	if (rate < 3)
		rate += 7;	/* 1 and 2 repeat the rates of 8 and 9 */
	return NSEC * (1 << (rate - 1)) / 32768;
}

/* Start the timer that the enabled interrupts need: at the period, or on every full second. */
static void arm(struct rd_rtc *rtc)
{
	int64_t period = periodic_ns(rtc);
	struct itimerspec its = { 0 };

	if (period) {
		its.it_value.tv_nsec = its.it_interval.tv_nsec = period % NSEC;
		its.it_value.tv_sec = its.it_interval.tv_sec = period / NSEC;
	} else if (!frozen(rtc) && (rtc->cmos[REG_B] & (B_AIE | B_UIE))) {
		int64_t into = guest_ns(rtc) - whole_seconds(guest_ns(rtc)) * NSEC;

		its.it_value.tv_nsec = (NSEC - into) % NSEC;
		its.it_value.tv_sec = its.it_value.tv_nsec ? 0 : 1;
		its.it_interval.tv_sec = 1;
	}
	timerfd_settime(rtc->timer_fd, 0, &its, NULL);
}

static void raise_irq(struct rd_rtc *rtc, uint8_t cause)
{
	rtc->reg_c |= cause;
	if (rtc->reg_c & rtc->cmos[REG_B] & (B_PIE | B_AIE | B_UIE))
		rtc->reg_c |= C_IRQF;
	rd_irq_set(&rtc->irq, rtc->reg_c & C_IRQF);
}

static bool alarm_matches(const struct rd_rtc *rtc, int64_t ns)
{
	for (unsigned int reg = REG_SECONDS; reg <= REG_HOURS; reg += 2) {
		uint8_t alarm = rtc->cmos[reg + 1];

		if ((alarm & ALARM_ANY) != ALARM_ANY && alarm != time_reg(rtc, reg, ns))
			return false;
	}
	return true;
}

static void tick_second(struct rd_rtc *rtc)
{
	int64_t ns = guest_ns(rtc);
	int64_t second = whole_seconds(ns + NSEC / 1000);	/* a timer may be a little early */
	uint8_t cause = B_UIE;

	if (frozen(rtc) || second == rtc->last_second)
		return;
	rtc->last_second = second;
	if (alarm_matches(rtc, second * NSEC))
		cause |= B_AIE;
	raise_irq(rtc, cause);
}

void rd_rtc_tick(struct rd_rtc *rtc)
{
	uint64_t expirations;

	if (read(rtc->timer_fd, &expirations, sizeof(expirations)) < 0)
		return;
	pthread_mutex_lock(&rtc->lock);
	if (periodic_ns(rtc))
		raise_irq(rtc, B_PIE);
	tick_second(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

static uint8_t read_reg_a(const struct rd_rtc *rtc)
{
	int64_t ns = guest_ns(rtc);
	int64_t left = NSEC - (ns - whole_seconds(ns) * NSEC);
	bool updating = !frozen(rtc) && left <= UPDATE_NS;

	return (uint8_t)((rtc->cmos[REG_A] & ~A_UIP) | (updating ? A_UIP : 0));
}

static uint8_t read_reg_c(struct rd_rtc *rtc)
{
	uint8_t c = rtc->reg_c;

	rtc->reg_c = 0;
	rd_irq_set(&rtc->irq, false);
	return c;
}

static uint8_t read_cmos(struct rd_rtc *rtc)
{
	unsigned int reg = rtc->index;

	if (is_time_reg(reg) && !frozen(rtc))
		return time_reg(rtc, reg, guest_ns(rtc));
	switch (reg) {
	case REG_A:
		return read_reg_a(rtc);
	case REG_C:
		return read_reg_c(rtc);
	case REG_D:
		return D_VALID;
	default:
		return rtc->cmos[reg];
	}
}

static void write_reg_b(struct rd_rtc *rtc, uint8_t v)
{
	bool was_frozen = frozen(rtc);

	if (!was_frozen && (v & B_SET))
		freeze(rtc);
	rtc->cmos[REG_B] = v;
	if (was_frozen && !(v & B_SET))
		thaw(rtc);
	rtc->last_second = whole_seconds(guest_ns(rtc));
	arm(rtc);
}

static void write_cmos(struct rd_rtc *rtc, uint8_t v)
{
	unsigned int reg = rtc->index;

	if (is_time_reg(reg) && !frozen(rtc)) {
		freeze(rtc);
		rtc->cmos[reg] = v;
		thaw(rtc);
		return;
	}
	switch (reg) {
	case REG_A:
		rtc->cmos[REG_A] = v & (uint8_t)~A_UIP;
		arm(rtc);
		break;
	case REG_B:
		write_reg_b(rtc, v);
		break;
	case REG_C:
	case REG_D:
		break;
	default:
		rtc->cmos[reg] = v;
	}
}

static uint64_t rtc_read(void *dev, uint64_t off, unsigned int size)
{
	struct rd_rtc *rtc = dev;
	uint8_t v = 0xff;

	(void)size;
	if (off != 1)
		return v;	/* the index register is write-only */
	pthread_mutex_lock(&rtc->lock);
	v = read_cmos(rtc);
	pthread_mutex_unlock(&rtc->lock);
	return v;
}

static void rtc_write(void *dev, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_rtc *rtc = dev;

	(void)size;
	pthread_mutex_lock(&rtc->lock);
	if (off == 0)
		rtc->index = value & 0x7f;	/* bit 7 is the NMI mask */
	else
		write_cmos(rtc, (uint8_t)value);
	pthread_mutex_unlock(&rtc->lock);
}

static const struct rd_range_ops rtc_ops = { .read = rtc_read, .write = rtc_write };

int rd_rtc_init(struct rd_rtc *rtc, struct rd_bus *bus, struct rd_irq irq)
{
	memset(rtc, 0, sizeof(*rtc));
	pthread_mutex_init(&rtc->lock, NULL);
	rtc->irq = irq;
	rtc->cmos[REG_A] = A_DEFAULT;
	rtc->cmos[REG_B] = B_24H;
	rtc->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (rtc->timer_fd < 0)
		return rd_fail(RD_HOST_ERROR, "timer for the clock: %s", strerror(errno));
	if (!rd_bus_add_pio(bus, (struct rd_range){
			.base = RD_PORT_CMOS, .len = 2, .max_size = 1, .ops = &rtc_ops, .dev = rtc,
	    }))
		return rd_fail(RD_HOST_ERROR, "ports of the clock are taken");
	return RD_OK;
}

void rd_rtc_destroy(struct rd_rtc *rtc)
{
	if (rtc->timer_fd >= 0)
		close(rtc->timer_fd);
	rtc->timer_fd = -1;
}

static void rtc_transfer(void *dev, struct rd_pack *p)
{
	struct rd_rtc *rtc = dev;
	uint64_t offset = (uint64_t)rtc->offset_ns, second = (uint64_t)rtc->last_second;

	rd_pack_u64(p, &offset);
	rd_pack_u64(p, &second);
	rd_pack_u8(p, &rtc->index);
	rd_pack_u8(p, &rtc->reg_c);
	rd_pack_bytes(p, rtc->cmos, sizeof(rtc->cmos));
	rtc->offset_ns = (int64_t)offset;
	rtc->last_second = (int64_t)second;
}

/* The offset is one that setting the clock to some time between 1970 and SECONDS_MAX leads to. */
static bool rtc_loaded(void *dev)
{
	struct rd_rtc *rtc = dev;
	const int64_t limit = SECONDS_MAX * NSEC;

	if (rtc->offset_ns < -limit || rtc->offset_ns > limit - (int64_t)time(NULL) * NSEC ||
	    (rtc->index & 0x80) || (rtc->cmos[REG_A] & A_UIP) ||
	    (rtc->reg_c & ~(C_IRQF | B_PIE | B_AIE | B_UIE)))
		return false;
	rtc->irq.level = rtc->reg_c & C_IRQF;
	return true;
}

static void rtc_lines(void *dev)
{
	rd_irq_reassert(&((struct rd_rtc *)dev)->irq);
}

static void rtc_pause(void *dev)
{
	struct rd_rtc *rtc = dev;
	const struct itimerspec off = { 0 };

	pthread_mutex_lock(&rtc->lock);
	timerfd_settime(rtc->timer_fd, 0, &off, NULL);
	pthread_mutex_unlock(&rtc->lock);
}

static void rtc_resume(void *dev)
{
	struct rd_rtc *rtc = dev;

	pthread_mutex_lock(&rtc->lock);
	arm(rtc);
	pthread_mutex_unlock(&rtc->lock);
}

const struct rd_state_ops rd_rtc_state = {
	.version = 1,
	.transfer = rtc_transfer,
	.loaded = rtc_loaded,
	.lines = rtc_lines,
	.pause = rtc_pause,
	.resume = rtc_resume,
};
