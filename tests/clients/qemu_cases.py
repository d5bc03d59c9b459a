# SPDX-License-Identifier: GPL-2.0-only
#
# The cases of tests/clients/qemu: each a generator that yields the machines it starts, and raises
# Failed. What the guest does is a script on its last disk ($D), run by tests/rig/guest-init.

import base64
import os
import re
import time

from qemu_machine import BLOCK, BOOT, Disk, Failed, Machine, Server, gdb, md5, virtio

CASES = {}
VIRTIO_GUEST = {"initrd": "RD_INITRD_VIRTIO"}


def case(default=False):
    def register(fn):
        CASES[fn.__name__] = (fn, default)
        return fn
    return register


def boots(m, cpus=2):
    m.expect(r"GUEST up:")
    if m.expect(r"GUEST cpus: (\d+)") != str(cpus):
        raise Failed("not all CPUs came up")


def boot_and_power_off(*args, **named):
    m = Machine(*args, **named)
    yield m
    boots(m, named.get("smp", 2))
    m.wait()


# --- plain boots ---


@case(default=True)
def qemu7_pc_reboot():
    """QEMU 7.2, chips in the kernel: boots, reboots by itself, boots again"""
    m = Machine(7, append="rd.reboot")
    yield m
    boots(m)
    m.expect(r"GUEST up:", times=2)


@case()
def qemu7_alias():
    """QEMU 7.2 on the /dev/kvm that the module registers itself"""
    yield from boot_and_power_off(7, alias=True)


@case()
def qemu7_pc_split():
    """QEMU 7.2, split chips, to power-off"""
    yield from boot_and_power_off(7, irqchip="split")


@case()
def qemu7_pc_named_cpu():
    """QEMU 7.2, a named CPU model"""
    yield from boot_and_power_off(7, cpu="qemu64", smp=1)


@case()
def qemu10_pc():
    """QEMU 10, pc, chips in the kernel"""
    yield from boot_and_power_off(10)


@case()
def qemu10_pc_named_cpu():
    """QEMU 10, pc, a named CPU model"""
    yield from boot_and_power_off(10, cpu="EPYC,enforce=off", smp=1)


@case()
def qemu10_microvm():
    """QEMU 10, microvm (split chips)"""
    m = Machine(10, "-no-reboot", machine="microvm,rtc=on", irqchip="split",
                append="rd.reboot reboot=t")
    yield m
    boots(m)
    m.wait()


# --- disk and network ---

NETWORK = """
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
ip route add default via 10.0.2.2
"""

IO = NETWORK + """
echo "SUM read $(dd if=$D bs=64k skip=1 count=64 2>/dev/null | md5sum)"
dd if=/dev/urandom of=/tmp/x bs=64k count=64 2>/dev/null
echo "SUM made $(md5sum </tmp/x)"
dd if=/tmp/x of=$D bs=64k seek=65 conv=fsync 2>/dev/null || echo "BAD write"
echo 3 >/proc/sys/vm/drop_caches
echo "SUM back $(dd if=$D bs=64k skip=65 count=64 2>/dev/null | md5sum)"
wget -q -O /tmp/y http://10.0.2.2:%d/ || echo "BAD wget"
echo "SUM fetched $(md5sum </tmp/y)"
base64 /tmp/x >/tmp/z
wget -q -O /dev/null --post-file=/tmp/z http://10.0.2.2:%d/ || echo "BAD post"
grep -E 'virtio|MSI' /proc/interrupts | sed 's/  */ /g; s/^/IRQ /'
"""


def run_script(disk, order="vda"):
    return f"rd.run=sh+/dev/{order}"


def reads_and_writes(version, machine="pc", boot=None, thread=False, **named):
    """A guest with a disk and a network card: what it says of both, and what the host finds."""
    server = Server()
    disk = Disk(IO.replace("%d", str(server.server_port)))
    if not boot:
        named.update(VIRTIO_GUEST, append=run_script(disk) + " " + named.get("append", ""))
    m = Machine(version, *virtio(disk, machine, boot, thread), "-no-reboot", machine=machine,
                kernel=not boot, **named)
    try:
        yield m
        boots(m, named.get("smp", 2))
        m.expect(r"GUEST run_status: 0")
        m.wait()
        said = dict(re.findall(r"SUM (\w+) (\w+)", m.output))
        made = said.get("made")
        sums = {"read": md5(disk.given), "back": made, "fetched": md5(server.data)}
        for name, want in sums.items():
            if said.get(name) != want:
                raise Failed(f"the guest has {name} {said.get(name)}, not {want}")
        if md5(disk.written(64 * BLOCK)) != made:
            raise Failed("what the guest wrote is not on the disk")
        if md5(base64.b64decode(server.posted)) != made:
            raise Failed(f"what the guest sent did not arrive, {len(server.posted)} bytes did")
        if "BAD" in m.output:
            raise Failed("the guest complains")
    finally:
        disk.remove()
        server.shutdown()


@case(default=True)
def qemu10_q35_split_virtio():
    """QEMU 10, q35, split chips, 4 CPUs: virtio disk and network, to power-off"""
    yield from reads_and_writes(10, "q35", irqchip="split", smp=4)


@case()
def qemu10_pc_virtio():
    """QEMU 10, pc, chips in the kernel, 1 CPU: virtio, the disk in a thread of its own"""
    yield from reads_and_writes(10, thread=True, smp=1)


@case()
def qemu10_microvm_virtio():
    """QEMU 10, microvm: virtio over MMIO"""
    yield from reads_and_writes(10, "microvm,rtc=on", irqchip="split",
                                append="rd.reboot reboot=t")


@case()
def qemu7_pc_virtio():
    """QEMU 7.2, pc, chips in the kernel: virtio"""
    yield from reads_and_writes(7)


@case()
def qemu7_q35_split_virtio():
    """QEMU 7.2, q35, split chips: virtio"""
    yield from reads_and_writes(7, "q35", irqchip="split")


@case(default=True)
def qemu10_boot_disk():
    """QEMU 10, 4 CPUs: SeaBIOS and GRUB from a disk"""
    yield from reads_and_writes(10, boot=os.environ["RD_BOOT_DISK"], smp=4)


@case()
def qemu10_boot_disk_q35():
    """QEMU 10, q35, split chips, 1 CPU: SeaBIOS and GRUB from a disk"""
    yield from reads_and_writes(10, "q35", boot=os.environ["RD_BOOT_DISK"], irqchip="split", smp=1)


@case()
def qemu7_boot_disk():
    """QEMU 7.2, 1 CPU: SeaBIOS and GRUB from a disk"""
    yield from reads_and_writes(7, boot=os.environ["RD_BOOT_DISK"], smp=1)


# --- gdb ---

TICKS = "for+i+in+$(seq+99999);do+echo+TICK+$i.;sleep+1;done"
SYMBOLS = "grep+-wE+'ksys_write|jiffies_64'+/proc/kallsyms;"


def debugged(version, **named):
    """What gdb does to a guest: breakpoints of both kinds, a watchpoint, single steps, going on."""
    m = Machine(version, "-gdb", "unix:/run/qemu-gdb,server=on,wait=off",
                append="rd.run=" + SYMBOLS + TICKS, **named)
    yield m
    m.expect(r"TICK 2\.")
    where = {name: int(a, 16) for a, name in re.findall(r"(\w{16}) \w (\w+)", m.output)}
    write, jiffies = where["ksys_write"], where["jiffies_64"]
    here = 'printf "AT %#lx\\n", $rip'
    said = gdb("/run/qemu-gdb",
               f"break *{write:#x}", "continue", here, "info registers rip rsp", "bt 1",
               "delete", *["stepi", here] * 8, "echo STEPPED\\n",
               f"hbreak *{write:#x}", "continue", here, "delete", "stepi", here, "echo HW\\n",
               f"watch *(unsigned long *){jiffies:#x}", "continue", "delete", "detach")
    at = [int(a, 16) for a in re.findall(r"AT (0x\w+)", said)]
    if len(at) != 11 or at[0] != write or at[9] != write:
        raise Failed(f"not at {write:#x} twice: {[hex(a) for a in at]}")
    if len(set(at[:9])) < 5 or at[10] == write:
        raise Failed(f"the steps go nowhere: {[hex(a) for a in at]}")
    values = re.search(r"Old value = (\d+)\s+New value = (\d+)", said)
    if not values or int(values[2]) <= int(values[1]):
        raise Failed("the watchpoint has seen no tick of the clock")
    m.goes_on(3)


@case(default=True)
def qemu10_gdb():
    """QEMU 10, gdb: breakpoints, single steps, a watchpoint; the guest goes on"""
    yield from debugged(10, smp=1)


@case()
def qemu10_gdb_2_cpus():
    """QEMU 10, gdb with two CPUs, split chips"""
    yield from debugged(10, smp=2, irqchip="split")


@case()
def qemu7_gdb():
    """QEMU 7.2, gdb"""
    yield from debugged(7, smp=1)


# --- migration ---

# Sixteen blocks of 256 KiB in memory, one of them new with each tick and all of them checked; the
# new one goes to the disk and comes back, and at times something comes over the network. QEMU
# cannot take along the host's sockets behind its user-mode network, so what is being fetched at
# the switch-over is fetched again.
BUSY = NETWORK + """
fetch() {
	wget -q -O - http://10.0.2.2:%d/ | md5sum | grep -q ^%s
}
mkdir /tmp/m
cd /tmp/m
i=0
while :; do
	i=$((i+1)) k=$((i%16))
	dd if=/dev/urandom of=$k bs=64k count=4 2>/dev/null
	md5sum $k >sum.$k
	dd if=$k of=$D bs=256k seek=$((k+1)) conv=fsync 2>/dev/null || echo "BAD write $i"
	echo 1 >/proc/sys/vm/drop_caches
	dd if=$D bs=256k skip=$((k+1)) count=1 2>/dev/null | cmp - $k || echo "BAD disk $i"
	cat sum.* | md5sum -cs || echo "BAD memory $i"
	if [ $((i%4)) = 0 ]; then
		fetch || fetch || echo "BAD network $i"
	fi
	echo "TICK $i."
done
"""


def wanted_status(m, *want, seconds=150):
    end = time.monotonic() + seconds
    while (info := m.qmp("query-migrate")).get("status") not in want:
        if info.get("status") in ("failed", "completed", "cancelled") or time.monotonic() > end:
            raise Failed(f"migration: {info}")
        m.pump(0.2)
    return info


def no_complaint(*machines):
    for m in machines:
        if bad := re.search(r"BAD.*", m.output):
            raise Failed(f"the guest says: {bad[0]}")


class Pair:
    """A source with the busy guest, and how destinations for it are made."""

    def __init__(self, version, **named):
        self.server = Server()
        script = BUSY.replace("%d", str(self.server.server_port))
        self.disk = Disk(script.replace("%s", md5(self.server.data)), 64, 16)
        self.args = (version, *virtio(self.disk))
        self.named = {"append": run_script(self.disk), **VIRTIO_GUEST, **named}
        self.source = Machine(*self.args, **self.named)

    def destination(self):
        self.url = f"unix:{self.source.path('migration')}"
        return Machine(*self.args, "-incoming", self.url, **self.named)

    def start(self, bandwidth):
        self.source.qmp("migrate-set-parameters", **{"max-bandwidth": bandwidth})
        for _ in range(60):  # until the destination listens
            if os.path.exists(self.source.path("migration")):
                break
            time.sleep(0.5)
        self.source.qmp("migrate", uri=self.url)

    def remove(self):
        self.disk.remove()
        self.server.shutdown()


def has_dirty_ring(m):
    """QEMU falls back to bitmaps when it gets no rings, and refuses to measure by rings then."""
    m.qmp("calc-dirty-rate", **{"calc-time": 2, "mode": "dirty-ring"})
    for _ in range(60):
        m.pump(1)
        info = m.qmp("query-dirty-rate")
        if info["status"] == "measured":
            break
    else:
        raise Failed(f"the rings were not measured: {info}")
    print(f"# by the rings: {info}")
    m.goes_on(2)


def live(version, cancel=False, ring=False, **named):
    """Move a running guest to another process; cancel: first give up half-way, and go on."""
    if ring:
        named["irqchip"] = "on,dirty-ring-size=4096"
    p = Pair(version, **named)
    try:
        yield p.source
        p.source.expect(r"TICK 3\.")
        if cancel:
            yield (d := p.destination())
            p.start(1 << 20)
            while p.source.qmp("query-migrate").get("ram", {}).get("transferred", 0) < 1 << 21:
                p.source.pump(0.5)
            p.source.qmp("migrate_cancel")
            wanted_status(p.source, "cancelled")
            d.kill()
            if os.path.exists(p.source.path("migration")):
                os.unlink(p.source.path("migration"))
            p.source.goes_on(17)  # all blocks are new
            no_complaint(p.source)
        yield (d := p.destination())
        p.start(1 << 30)
        info = wanted_status(p.source, "completed")
        last = p.source.tick()
        p.source.kill()
        ram = info["ram"]
        print(f"# arrived after tick {last}: {info['total-time']} ms, down {info['downtime']} ms, "
              f"{ram['transferred'] >> 10} KiB in {ram['dirty-sync-count']} rounds")
        d.expect(rf"TICK {last + 5}\.", BOOT)
        if ring:
            has_dirty_ring(d)
        no_complaint(p.source, d)
        if "GUEST up" in d.output:
            raise Failed("the guest booted anew")
    finally:
        p.remove()


@case(default=True)
def qemu10_migrate():
    """QEMU 10, 2 CPUs, virtio: live to another process"""
    yield from live(10)


@case()
def qemu10_migrate_dirty_ring():
    """QEMU 10: the same with dirty rings"""
    yield from live(10, ring=True)


@case()
def qemu10_migrate_cancelled():
    """QEMU 10, q35, split chips: cancelled half-way, goes on, then live to another process"""
    yield from live(10, cancel=True, machine="q35", irqchip="split")


@case()
def qemu7_migrate():
    """QEMU 7.2, virtio: live to another process"""
    yield from live(7)


@case()
def qemu7_migrate_dirty_ring():
    """QEMU 7.2: the same with dirty rings"""
    yield from live(7, ring=True)


@case()
def qemu10_migrate_file():
    """QEMU 10: to a file, and on from there in another process"""
    m = Machine(10, append="rd.run=" + TICKS)
    yield m
    m.expect(r"TICK 3\.")
    m.qmp("migrate", uri="exec:cat >/run/qemu-state")
    wanted_status(m, "completed")
    last = m.tick()
    m.kill()
    print(f"# {os.stat('/run/qemu-state').st_size >> 10} KiB of state after tick {last}")
    m = Machine(10, "-incoming", "exec:cat /run/qemu-state", append="rd.run=" + TICKS)
    yield m
    m.expect(rf"TICK {last + 3}\.", 60)
    if "GUEST up" in m.output:
        raise Failed("the guest booted anew")
    os.unlink("/run/qemu-state")
