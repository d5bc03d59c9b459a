// SPDX-License-Identifier: GPL-2.0-only
/*
 * The UART's registers. The interrupt line is recomputed from the state after every access, so
 * that there is one place that knows when it is active: serial_update().
 */
#include "tools/src/vmctl/dev_serial.h"

#include <string.h>

enum { REG_DATA, REG_IER, REG_IIR_FCR, REG_LCR, REG_MCR, REG_LSR, REG_MSR, REG_SCR };

#define IER_RDI 0x01
#define IER_THRI 0x02
#define IER_RLSI 0x04
#define IER_ALL 0x0f
#define IIR_NONE 0x01
#define IIR_THRI 0x02
#define IIR_RDI 0x04
#define IIR_RLSI 0x06
#define IIR_FIFOS 0xc0
#define FCR_ENABLE 0x01
#define FCR_CLEAR_RX 0x02
#define LCR_DLAB 0x80
#define MCR_DTR 0x01
#define MCR_RTS 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08
#define MCR_LOOP 0x10
#define MCR_ALL 0x1f
#define LSR_DR 0x01
#define LSR_OE 0x02
#define LSR_THRE 0x20
#define LSR_TEMT 0x40
#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI 0x40
#define MSR_DCD 0x80

/* The reason with the highest priority. A full trigger level is not waited for: any byte counts. */
static uint8_t interrupt_id(const struct rd_serial *s)
{
	if ((s->ier & IER_RLSI) && s->lsr_errors)
		return IIR_RLSI;
	if ((s->ier & IER_RDI) && s->rx_count)
		return IIR_RDI;
	if ((s->ier & IER_THRI) && s->thre_pending)
		return IIR_THRI;
	return IIR_NONE;
}

/* OUT2 connects the interrupt to the bus, except in loopback mode. */
static bool line_level(const struct rd_serial *s)
{
	bool wired = (s->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

	return wired && interrupt_id(s) != IIR_NONE;
}

static void serial_update(struct rd_serial *s)
{
	rd_irq_set(&s->irq, line_level(s));
}

static unsigned int rx_depth(const struct rd_serial *s)
{
	return s->fifo_enabled ? RD_SERIAL_FIFO : 1;
}

static void rx_push(struct rd_serial *s, uint8_t byte)
{
	s->rx[(s->rx_head + s->rx_count) % RD_SERIAL_FIFO] = byte;
	s->rx_count++;
}

/* The far end sends only while the guest asks for data (RTS) and is not talking to itself. */
static bool rx_ready(const struct rd_serial *s)
{
	return (s->mcr & (MCR_RTS | MCR_LOOP)) == MCR_RTS;
}

/* True once when a sender that was turned away may try again. */
static bool take_room(struct rd_serial *s)
{
	if (!s->rx_refused || s->rx_count || !rx_ready(s))
		return false;
	s->rx_refused = false;
	return true;
}

static uint8_t rx_pop(struct rd_serial *s)
{
	uint8_t byte;

	if (!s->rx_count)
		return 0;
	byte = s->rx[s->rx_head];
	s->rx_head = (s->rx_head + 1) % RD_SERIAL_FIFO;
	s->rx_count--;
	return byte;
}

static uint8_t read_iir(struct rd_serial *s)
{
	uint8_t id = interrupt_id(s);

	if (id == IIR_THRI)
		s->thre_pending = false;
	return id | (s->fifo_enabled ? IIR_FIFOS : 0);
}

static uint8_t read_lsr(struct rd_serial *s)
{
	uint8_t lsr = LSR_THRE | LSR_TEMT | s->lsr_errors | (s->rx_count ? LSR_DR : 0);

	s->lsr_errors = 0;
	return lsr;
}

static uint8_t read_msr(const struct rd_serial *s)
{
	if (!(s->mcr & MCR_LOOP))
		return MSR_DCD | MSR_DSR | MSR_CTS;
	return (uint8_t)((s->mcr & MCR_DTR ? MSR_DSR : 0) | (s->mcr & MCR_RTS ? MSR_CTS : 0) |
			 (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

static uint8_t read_reg(struct rd_serial *s, unsigned int reg)
{
	bool dlab = s->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		return dlab ? (uint8_t)s->divisor : rx_pop(s);
	case REG_IER:
		return dlab ? (uint8_t)(s->divisor >> 8) : s->ier;
	case REG_IIR_FCR:
		return read_iir(s);
	case REG_LCR:
		return s->lcr;
	case REG_MCR:
		return s->mcr;
	case REG_LSR:
		return read_lsr(s);
	case REG_MSR:
		return read_msr(s);
	default:
		return s->scr;
	}
}

static uint64_t serial_read(void *dev, uint64_t off, unsigned int size)
{
	struct rd_serial *s = dev;
	bool room;
	uint8_t v;

	(void)size;
	pthread_mutex_lock(&s->lock);
	v = read_reg(s, (unsigned int)off);
	room = take_room(s);
	serial_update(s);
	pthread_mutex_unlock(&s->lock);
	if (room)
		s->host.rx_room(s->host.ctx);
	return v;
}

static void write_ier(struct rd_serial *s, uint8_t v)
{
	/* The transmitter is empty: enabling its interrupt raises it at once. */
	if ((v & IER_THRI) && !(s->ier & IER_THRI))
		s->thre_pending = true;
	s->ier = v & IER_ALL;
}

static void write_fcr(struct rd_serial *s, uint8_t v)
{
	bool enable = v & FCR_ENABLE;

	if (enable != s->fifo_enabled || (v & FCR_CLEAR_RX))
		s->rx_count = 0;
	s->fifo_enabled = enable;
}

/* Returns whether the byte goes out to the host. */
static bool write_data(struct rd_serial *s, uint8_t v)
{
	s->thre_pending = true;
	if (!(s->mcr & MCR_LOOP))
		return true;
	if (s->rx_count < rx_depth(s))
		rx_push(s, v);
	else
		s->lsr_errors |= LSR_OE;
	return false;
}

static bool write_reg(struct rd_serial *s, unsigned int reg, uint8_t v)
{
	bool dlab = s->lcr & LCR_DLAB;

	switch (reg) {
	case REG_DATA:
		if (!dlab)
			return write_data(s, v);
		s->divisor = (uint16_t)((s->divisor & 0xff00) | v);
		break;
	case REG_IER:
		if (dlab)
			s->divisor = (uint16_t)((s->divisor & 0x00ff) | v << 8);
		else
			write_ier(s, v);
		break;
	case REG_IIR_FCR:
		write_fcr(s, v);
		break;
	case REG_LCR:
		s->lcr = v;
		break;
	case REG_MCR:
		s->mcr = v & MCR_ALL;
		break;
	case REG_SCR:
		s->scr = v;
		break;
	default:
		break;		/* LSR and MSR are read-only */
	}
	return false;
}

static void serial_write(void *dev, uint64_t off, unsigned int size, uint64_t value)
{
	struct rd_serial *s = dev;
	bool transmit, room;

	(void)size;
	pthread_mutex_lock(&s->lock);
	transmit = write_reg(s, (unsigned int)off, (uint8_t)value);
	room = take_room(s);
	serial_update(s);
	pthread_mutex_unlock(&s->lock);
	/*
	 * Without the lock, because the host may be slow to take the byte. The guest's driver
	 * writes one byte after the other, so they keep their order.
	 */
	if (transmit)
		s->host.transmit(s->host.ctx, (uint8_t)value);
	if (room)
		s->host.rx_room(s->host.ctx);
}

static const struct rd_range_ops serial_ops = { .read = serial_read, .write = serial_write };

bool rd_serial_init(struct rd_serial *s, struct rd_bus *bus, uint16_t port, struct rd_irq irq,
		    struct rd_serial_host host)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->host = host;
	s->irq = irq;
	s->divisor = 12;	/* 9600 baud */
	return rd_bus_add_pio(bus, (struct rd_range){
		.base = port, .len = 8, .max_size = 1, .ops = &serial_ops, .dev = s,
	});
}

size_t rd_serial_receive(struct rd_serial *s, const uint8_t *bytes, size_t n)
{
	size_t taken = 0;

	pthread_mutex_lock(&s->lock);
	while (taken < n && rx_ready(s) && s->rx_count < rx_depth(s))
		rx_push(s, bytes[taken++]);
	if (taken < n)
		s->rx_refused = true;
	serial_update(s);
	pthread_mutex_unlock(&s->lock);
	return taken;
}

static void serial_transfer(void *dev, struct rd_pack *p)
{
	struct rd_serial *s = dev;
	uint32_t head = s->rx_head, count = s->rx_count;

	rd_pack_u16(p, &s->divisor);
	rd_pack_u8(p, &s->ier);
	rd_pack_u8(p, &s->lcr);
	rd_pack_u8(p, &s->mcr);
	rd_pack_u8(p, &s->scr);
	rd_pack_u8(p, &s->lsr_errors);
	rd_pack_bool(p, &s->fifo_enabled);
	rd_pack_bool(p, &s->thre_pending);
	rd_pack_bytes(p, s->rx, sizeof(s->rx));
	rd_pack_u32(p, &head);
	rd_pack_u32(p, &count);
	s->rx_head = head;
	s->rx_count = count;
}

static bool serial_loaded(void *dev)
{
	struct rd_serial *s = dev;

	if (s->rx_head >= RD_SERIAL_FIFO || s->rx_count > rx_depth(s) || (s->ier & ~IER_ALL) ||
	    (s->mcr & ~MCR_ALL) || (s->lsr_errors & ~LSR_OE))
		return false;
	s->irq.level = line_level(s);
	return true;
}

static void serial_lines(void *dev)
{
	rd_irq_reassert(&((struct rd_serial *)dev)->irq);
}

/* A sender that was turned away is part of the host's side and comes again by itself. */
const struct rd_state_ops rd_serial_state = {
	.version = 1,
	.transfer = serial_transfer,
	.loaded = serial_loaded,
	.lines = serial_lines,
};
