/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A 16550A UART. Transmission takes no time: a byte leaves as soon as it is written, and the
 * transmitter is always empty. Reception has the real 16-byte FIFO; the source of the bytes honours
 * RTS and waits when the FIFO is full, so that nothing is lost, not even what is typed before the
 * guest's driver is up.
 */
#ifndef RD_TOOLS_DEV_SERIAL_H
#define RD_TOOLS_DEV_SERIAL_H

#include "tools/src/vmctl/bus.h"
#include "tools/src/vmctl/irq.h"
#include "tools/src/vmctl/state.h"

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#define RD_SERIAL_FIFO 16u

/* Where bytes go. Called without the device's lock, from a vCPU thread. */
struct rd_serial_host {
	void (*transmit)(void *ctx, uint8_t byte);
	void (*rx_room)(void *ctx);	/* the guest made room after the FIFO was full */
	void *ctx;
};

struct rd_serial {
	pthread_mutex_t lock;		/* guards everything below host */
	struct rd_serial_host host;
	struct rd_irq irq;
	uint16_t divisor;
	uint8_t ier, lcr, mcr, scr, lsr_errors;
	bool fifo_enabled;
	bool thre_pending;		/* transmitter-empty interrupt not yet acknowledged */
	bool rx_refused;		/* a sender waits for rx_room */
	uint8_t rx[RD_SERIAL_FIFO];
	unsigned int rx_head, rx_count;
};

/* rd_serial_init - power-on state, attached to BUS at PORT. False: the ports are taken. */
bool rd_serial_init(struct rd_serial *s, struct rd_bus *bus, uint16_t port, struct rd_irq irq,
		    struct rd_serial_host host);

/*
 * rd_serial_receive - put bytes on the receive line. Returns how many there was room for; after a
 * short count host.rx_room is called once there is room again. Any thread.
 */
size_t rd_serial_receive(struct rd_serial *s, const uint8_t *bytes, size_t n);

/* rd_serial_state - for rd_states_add(). */
extern const struct rd_state_ops rd_serial_state;

#endif
