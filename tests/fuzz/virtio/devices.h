/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One device of each kind on one PCI bus, and the host at their other ends, for the fuzzer: files,
 * sockets, and a kernel with vhost that looks at what it is told.
 * Invariant: guest memory lies between pages that nobody may touch; nothing here waits.
 */
#ifndef RD_TESTS_FUZZ_VIRTIO_DEVICES_H
#define RD_TESTS_FUZZ_VIRTIO_DEVICES_H

#include "tools/src/vmctl/state.h"
#include "tools/src/vmctl/virtio_devices.h"

#include <stddef.h>
#include <stdint.h>

#define RAM_LEN 0x20000u

enum {
	DEV_DISK,
	DEV_DISK_RO,
	DEV_RNG,
	DEV_HVC,
	DEV_BALLOON,
	DEV_NET,
	DEV_NET_OFFLOADS,
	DEV_NET_VHOST,
	DEV_SHARE,
	DEV_VSOCK,
	DEVICES
};

struct devices {
	struct rd_bus bus;
	struct rd_pci pci;
	struct rd_states states; /* in the order of the devices */
	struct rd_ram ram;
	struct rd_virtio_slot *slots[DEVICES];
};

extern struct devices all;

/* devices_make - everything, once. */
void devices_make(void);
/* devices_check - what the guest cannot have changed: the sizes of the disks. */
void devices_check(void);
/* devices_frame - the host sends LEN bytes to each card, and takes what the cards have sent. */
void devices_frame(const void *frame, size_t len);
/* devices_link - the links of the cards may have changed. */
void devices_link(void);
/* devices_vhost_error - the kernel found rings broken. */
void devices_vhost_error(void);

/* fuzz_choice - what the host does next; the input's next byte. */
uint8_t fuzz_choice(void);

#endif
