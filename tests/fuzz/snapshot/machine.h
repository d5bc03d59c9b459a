/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine without a hypervisor, for the fuzzing of snapshots: its ioctls do nothing.
 * Invariant: machine_make() after machine_drop() is as new, but for memory, which keeps its bytes.
 */
#ifndef RD_TESTS_FUZZ_SNAPSHOT_MACHINE_H
#define RD_TESTS_FUZZ_SNAPSHOT_MACHINE_H

#include "tools/src/vmctl/machine.h"
#include "tools/src/vmctl/virtio_devices.h"

#define VIRTIO_DEVICES 2u

struct machine {
	struct rd_machine m;
	struct rd_cpu cpus[2];
	struct rd_virtio_slot *slots[VIRTIO_DEVICES];
};

extern struct machine box;

void machine_make(void);
void machine_drop(void);

#endif
