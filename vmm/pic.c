// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two 8259A interrupt controllers of a PC, cascaded at input 2 of the master, with the ELCR
 * that makes inputs level-triggered. Invariant: output tells whether the master asserts INTR, and
 * the master's input 2 is the slave's INTR, whenever the lock is free; only while the listeners
 * hear of an EOI both lag behind.
 */
#include "vmm/irqchip.h"

#define NONE 8
#define CASCADE 2

/* What an access did that the rest of the VM must hear of once the lock is free. */
struct effects {
	u32 acked[2]; /* inputs whose in-service bit went away, per chip */
	bool rose;    /* output went from low to high */
	bool forget;  /* the PIT's input was unmasked or initialized */
};

void rd_pic_reset(struct rd_pic *p)
{
	memset(p->chip, 0, sizeof(p->chip));
	p->chip[0].elcr_mask = 0xf8;
	p->chip[1].elcr_mask = 0xde;
	p->output = false;
}

/* Distance from the top priority of the most important input in mask; NONE if it is empty. */
static unsigned int priority(const struct rd_pic8259 *s, u8 mask)
{
	u8 rotated = (u8)(mask >> s->priority_add | mask << (8 - s->priority_add));

	return mask ? (unsigned int)__ffs(rotated) : NONE;
}

/*
 * The input that asks for service and may interrupt what is in service, or -1 ("Fully Nested Mode",
 * "Special Mask Mode").
 */
static int request(const struct rd_pic *p, unsigned int which)
{
	const struct rd_pic8259 *s = &p->chip[which];
	unsigned int asks = priority(s, s->irr & (u8)~s->imr);
	u8 in_service = s->isr;

	if (asks == NONE)
		return -1;
	if (s->special_mask)
		in_service &= (u8)~s->imr;
	/* A slave may interrupt its own lower inputs: it sorts that out itself. */
	if (s->special_fully_nested && which == 0)
		in_service &= (u8)~BIT(CASCADE);
	return asks < priority(s, in_service) ? (int)((asks + s->priority_add) & 7) : -1;
}

/*
 * Returns 1 if the input newly requests, 0 if it did before or the line is low, -1 if it is masked.
 */
static int set_input(struct rd_pic8259 *s, unsigned int input, bool level)
{
	u8 bit = BIT(input), old = s->irr;
	bool rising = level && !(s->last_irr & bit);

	if (level)
		s->last_irr |= bit;
	else
		s->last_irr &= (u8)~bit;
	if (level && (rising || (s->elcr & bit)))
		s->irr |= bit;
	else if (!level && (s->elcr & bit))
		s->irr &= (u8)~bit;
	if (!level)
		return 0;
	if (s->imr & bit)
		return -1;
	return s->irr & ~old ? 1 : 0;
}

static void update(struct rd_pic *p, struct effects *fx)
{
	struct rd_pic8259 *master = &p->chip[0];
	bool output, cascade = request(p, 1) >= 0;

	rd_assert_held(&p->lock);
	/*
	 * Not an edge: after an acknowledge the slave may go on requesting without a pause that
	 * could be seen here.
	 */
	master->irr = (u8)((master->irr & ~BIT(CASCADE)) | cascade << CASCADE);
	output = request(p, 0) >= 0;
	if (output && !p->output)
		fx->rose = true;
	WRITE_ONCE(p->output, output);
}

/*
 * End of an access: takes the lock's flags. Listeners hear of an EOI before the outputs follow, so
 * that a level input that they take down does not request once more.
 */
static void finish(struct rd_irqchip *c, struct effects *fx, unsigned long flags)
{
	if (fx->acked[0] | fx->acked[1]) {
		rd_unlock(&c->pic.lock, flags);
		rd_irqchip_pins_acked(c, KVM_IRQCHIP_PIC_MASTER, fx->acked[0]);
		rd_irqchip_pins_acked(c, KVM_IRQCHIP_PIC_SLAVE, fx->acked[1]);
		flags = rd_lock(&c->pic.lock);
	}
	update(&c->pic, fx);
	rd_unlock(&c->pic.lock, flags);
	if (fx->forget)
		rd_pit_forget(c);
	if (fx->rose)
		rd_irqchip_pic_changed(c);
}

int rd_pic_set_pin(struct rd_irqchip *c, unsigned int pin, const unsigned long *line)
{
	struct effects fx = { { 0, 0 }, false, false };
	unsigned long flags = rd_lock(&c->pic.lock);
	int r = set_input(&c->pic.chip[pin >> 3], pin & 7, READ_ONCE(*line) != 0);

	finish(c, &fx, flags);
	return r;
}

static void end_service(struct rd_pic *p, unsigned int which, unsigned int input,
			struct effects *fx)
{
	p->chip[which].isr &= (u8)~BIT(input);
	fx->acked[which] |= 1U << input;
}

/* INTA: a level input goes on requesting for as long as its line is high. */
static void acknowledge(struct rd_pic *p, unsigned int which, unsigned int input,
			struct effects *fx)
{
	struct rd_pic8259 *s = &p->chip[which];

	s->isr |= BIT(input);
	if (!(s->elcr & BIT(input)))
		s->irr &= (u8)~BIT(input);
	if (!s->auto_eoi)
		return;
	if (s->rotate_on_auto_eoi)
		s->priority_add = (input + 1) & 7;
	end_service(p, which, input, fx);
}

/*
 * One chip's part of the cycle: its vector, input 7 without an in-service bit if the request has
 * gone ("spurious").
 */
static int chip_ack(struct rd_pic *p, unsigned int which, int *input, struct effects *fx)
{
	*input = request(p, which);
	if (*input >= 0)
		acknowledge(p, which, (unsigned int)*input, fx);
	return p->chip[which].irq_base + (*input < 0 ? 7 : *input);
}

int rd_pic_ack(struct rd_irqchip *c)
{
	struct effects fx = { { 0, 0 }, false, false };
	unsigned long flags = rd_lock(&c->pic.lock);
	int input, vector = chip_ack(&c->pic, 0, &input, &fx);

	if (input == CASCADE)
		vector = chip_ack(&c->pic, 1, &input, &fx);
	finish(c, &fx, flags);
	return vector;
}

/*
 * ICW1. The edge detectors start afresh, so a line that stays high requests only after it was low
 * (last_irr keeps the lines); level inputs go on requesting.
 */
static void initialize(struct rd_pic *p, unsigned int which, u8 icw1, struct effects *fx)
{
	struct rd_pic8259 *s = &p->chip[which];

	fx->acked[which] |= s->isr;
	fx->forget |= which == 0;
	s->irr &= s->elcr;
	s->isr = 0;
	s->imr = 0;
	s->priority_add = 0;
	s->special_mask = 0;
	s->read_reg_select = 0;
	s->poll = 0;
	s->auto_eoi = 0;
	s->rotate_on_auto_eoi = 0;
	s->special_fully_nested = 0;
	s->init4 = icw1 & 1;
	s->init_state = 1;
}

/*
 * The input that a non-specific EOI means: the most important one in service; masked ones do not
 * count in special mask mode.
 */
static unsigned int top_in_service(const struct rd_pic8259 *s)
{
	u8 isr = s->special_mask ? s->isr & (u8)~s->imr : s->isr;
	unsigned int p = priority(s, isr);

	return p == NONE ? NONE : (p + s->priority_add) & 7;
}

static void write_ocw2(struct rd_pic *p, unsigned int which, u8 val, struct effects *fx)
{
	struct rd_pic8259 *s = &p->chip[which];
	bool rotate = val & 0x80, specific = val & 0x40, eoi = val & 0x20;
	unsigned int input = specific ? val & 7 : NONE;

	if (!eoi && !specific) {
		s->rotate_on_auto_eoi = rotate;
		return;
	}
	if (eoi && !specific)
		input = top_in_service(s);
	if (input == NONE)
		return;
	if (eoi && (s->isr & BIT(input)))
		end_service(p, which, input, fx);
	if (rotate)
		s->priority_add = (input + 1) & 7;
}

static void write_ocw3(struct rd_pic8259 *s, u8 val)
{
	if (val & 4)
		s->poll = 1;
	if (val & 2)
		s->read_reg_select = val & 1;
	if (val & 0x40)
		s->special_mask = val >> 5 & 1;
}

static void write_data(struct rd_pic8259 *s, bool pit, u8 val, struct effects *fx)
{
	switch (s->init_state) {
	case 0:
		fx->forget |= pit && (s->imr & ~val & 1);
		s->imr = val;
		break;
	case 1: /* ICW2 */
		s->irq_base = val & 0xf8;
		s->init_state = 2;
		break;
	case 2: /* ICW3: the cascade is wired as it is */
		s->init_state = s->init4 ? 3 : 0;
		break;
	default: /* ICW4 */
		s->special_fully_nested = val >> 4 & 1;
		s->auto_eoi = val >> 1 & 1;
		s->init_state = 0;
		break;
	}
}

static void write_chip(struct rd_pic *p, unsigned int which, bool data, u8 val, struct effects *fx)
{
	if (data)
		write_data(&p->chip[which], which == 0, val, fx);
	else if (val & 0x10)
		initialize(p, which, val, fx);
	else if (val & 8)
		write_ocw3(&p->chip[which], val);
	else
		write_ocw2(p, which, val, fx);
}

/* A poll is an interrupt acknowledge by another name: bit 7 tells whether there was a request. */
static u8 read_chip(struct rd_pic *p, unsigned int which, bool data, struct effects *fx)
{
	struct rd_pic8259 *s = &p->chip[which];
	int input;

	if (s->poll) {
		s->poll = 0;
		chip_ack(p, which, &input, fx);
		return input < 0 ? 0 : 0x80 | input;
	}
	if (data)
		return s->imr;
	return s->read_reg_select ? s->isr : s->irr;
}

/* Which chip a port belongs to, or -1; *elcr: it is that chip's edge/level register. */
static int chip_of_port(const struct rd_irqchip *c, u16 port, bool *elcr)
{
	*elcr = (port & ~1U) == 0x4d0;
	if (READ_ONCE(c->mode) != RD_IRQCHIP_KERNEL)
		return -1;
	if (*elcr)
		return port & 1;
	if ((port & ~1U) == 0x20)
		return 0;
	return (port & ~1U) == 0xa0 ? 1 : -1;
}

bool rd_pic_port_read(struct rd_irqchip *c, u16 port, u8 *val)
{
	struct effects fx = { { 0, 0 }, false, false };
	unsigned long flags;
	bool elcr;
	int which = chip_of_port(c, port, &elcr);

	if (which < 0)
		return false;
	flags = rd_lock(&c->pic.lock);
	*val = elcr ? c->pic.chip[which].elcr
		    : read_chip(&c->pic, (unsigned int)which, port & 1, &fx);
	finish(c, &fx, flags);
	return true;
}

/*
 * An input that changes to level-triggered requests at once if its line is high, and not any more
 * if it is low.
 */
static void write_elcr(struct rd_pic8259 *s, u8 val)
{
	u8 changed = s->elcr;

	s->elcr = val & s->elcr_mask;
	changed = (u8)~changed & s->elcr;
	s->irr = (u8)((s->irr & ~changed) | (s->last_irr & changed));
}

bool rd_pic_port_write(struct rd_irqchip *c, u16 port, u8 val)
{
	struct effects fx = { { 0, 0 }, false, false };
	unsigned long flags;
	bool elcr;
	int which = chip_of_port(c, port, &elcr);

	if (which < 0)
		return false;
	flags = rd_lock(&c->pic.lock);
	if (elcr)
		write_elcr(&c->pic.chip[which], val);
	else
		write_chip(&c->pic, (unsigned int)which, port & 1, val, &fx);
	finish(c, &fx, flags);
	return true;
}

void rd_pic_get_state(struct rd_pic *p, unsigned int which, struct kvm_pic_state *s)
{
	unsigned long flags = rd_lock(&p->lock);

	BUILD_BUG_ON(sizeof(*s) != sizeof(p->chip[0]));
	memcpy(s, &p->chip[which], sizeof(*s));
	rd_unlock(&p->lock, flags);
}

/* What is not a number is a flag, and any value but 0 means set. */
int rd_pic_set_state(struct rd_irqchip *c, unsigned int which, const struct kvm_pic_state *s)
{
	struct rd_pic8259 *chip = &c->pic.chip[which];
	struct effects fx = { { 0, 0 }, false, false };
	unsigned long flags;

	if (s->init_state > 3 || s->priority_add > 7)
		return -EINVAL;
	flags = rd_lock(&c->pic.lock);
	*chip = (struct rd_pic8259){
		.last_irr = s->last_irr,
		.irr = s->irr,
		.imr = s->imr,
		.isr = s->isr,
		.priority_add = s->priority_add,
		.irq_base = s->irq_base & 0xf8,
		.read_reg_select = !!s->read_reg_select,
		.poll = !!s->poll,
		.special_mask = !!s->special_mask,
		.init_state = s->init_state,
		.auto_eoi = !!s->auto_eoi,
		.rotate_on_auto_eoi = !!s->rotate_on_auto_eoi,
		.special_fully_nested = !!s->special_fully_nested_mode,
		.init4 = !!s->init4,
		.elcr = s->elcr & chip->elcr_mask,
		.elcr_mask = chip->elcr_mask,
	};
	finish(c, &fx, flags);
	return 0;
}
