# SPDX-License-Identifier: GPL-2.0-only
#
# One QEMU and what it is given: a disk, a server to talk to, gdb. Runs in the rig. Invariant: what
# is said of a guest comes from the guest or from its disk, never from QEMU.

import hashlib
import http.server
import json
import os
import re
import selectors
import socket
import subprocess
import tempfile
import threading
import time

APPEND = ("console=ttyS0 panic=-1 mitigations=off no_timer_check tsc=reliable "
          "random.trust_cpu=on loglevel=4")
BOOT = 150  # seconds for a guest to come up in the emulated host
BLOCK = 65536
STOCK = os.environ.get("RIG") == "kvm-svm"
# 7.2 knows no other name than /dev/kvm: it gets Redoubt's node there, in a mount namespace.
BIND = ["unshare", "--mount", "sh", "-c", 'mount --bind /dev/redoubt /dev/kvm && exec "$@"', "sh"]


class Failed(Exception):
    pass


class Disk:
    """A raw file: the guest's script, blocks with random contents, blocks for the guest."""

    def __init__(self, script, blocks=64, spare=64):
        self.path = tempfile.mktemp(prefix="disk-", dir="/run")
        self.given = os.urandom(blocks * BLOCK)
        self.start = (1 + blocks) * BLOCK
        with open(self.path, "wb") as f:
            f.write(f"D=$0\n{script}\nexit 0\n".encode().ljust(BLOCK, b"\n"))
            f.write(self.given)
            f.truncate(self.start + spare * BLOCK)

    def written(self, size):
        """The first bytes of what the guest may write, read by the host."""
        with open(self.path, "rb") as f:
            f.seek(self.start)
            return f.read(size)

    def remove(self):
        os.unlink(self.path)


class Server(http.server.ThreadingHTTPServer):
    """On the loopback of the emulated host: hands out a file, keeps what is posted."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.data, self.posted = os.urandom(1 << 20), b""
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(self.server.data)

    def do_POST(self):
        self.server.posted = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"")

    def log_message(self, *_):
        pass


def virtio(disk=None, machine="pc", boot=None, thread=False):
    """Options for a virtio disk and network card; boot: a disk to start from, before it."""
    bus = "device" if machine.startswith("microvm") else "pci"
    rom = "" if bus == "device" else ",romfile="
    options = ["-object", "iothread,id=io"] if thread else []
    for name, path, more in (("boot", boot, ",snapshot=on"), ("data", disk and disk.path, "")):
        if path:
            options += ["-drive", f"if=none,id={name},format=raw,file={path}{more}",
                        "-device", f"virtio-blk-{bus},drive={name}" + ",iothread=io" * thread]
    return [*options, "-netdev", "user,id=net", "-device", f"virtio-net-{bus},netdev=net{rom}"]


class Machine:
    """A running QEMU: its serial line in output, its control sockets in a directory of its own."""

    def __init__(self, version, *options, machine="pc", irqchip="on", cpu="host", smp=2,
                 append="", kernel=True, initrd="RD_INITRD", alias=False):
        self.dir = tempfile.mkdtemp(prefix="qemu-", dir="/run")
        self.output, self.qmp_file = "", None
        old = version == 7
        accel = "kvm" if old or STOCK else "kvm,device=/dev/redoubt"
        command = ["qemu-system-x86_64" if old else os.environ["RD_QEMU_10"], "-nodefaults",
                   "-no-user-config", "-display", "none", "-machine", machine, "-cpu", cpu,
                   "-accel", accel + f",kernel-irqchip={irqchip}", "-smp", str(smp), "-m", "256M",
                   "-serial", "stdio", "-qmp", f"unix:{self.path('qmp')},server=on,wait=off",
                   *options]
        if kernel:
            command += ["-kernel", os.environ["RD_KERNEL"], "-initrd", os.environ[initrd],
                        "-append", f"{APPEND} {append}"]
        if old and not STOCK and not alias:
            open("/dev/kvm", "a").close()
            command = BIND + command
        self.proc = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                     stderr=subprocess.STDOUT)
        os.set_blocking(self.proc.stdout.fileno(), False)
        self.select = selectors.DefaultSelector()
        self.select.register(self.proc.stdout, selectors.EVENT_READ)

    def path(self, name):
        return os.path.join(self.dir, name)

    def pump(self, seconds):
        """Take what comes on the serial line; False at its end."""
        if not self.select.get_map():
            return False
        if self.select.select(seconds):
            data = self.proc.stdout.read()
            if data == b"":
                self.select.unregister(self.proc.stdout)
                return False
            self.output += (data or b"").decode(errors="replace").replace("\r", "")
        return True

    def expect(self, pattern, seconds=BOOT, times=1):
        end = time.monotonic() + seconds
        while len(found := re.findall(pattern, self.output)) < times:
            left = end - time.monotonic()
            if left <= 0:
                raise Failed(f"no \"{pattern}\" within {seconds} s")
            if not self.pump(left) and len(re.findall(pattern, self.output)) < times:
                raise Failed(f"QEMU ended (status {self.proc.wait()}) before \"{pattern}\"")
        return found[-1]

    def tick(self):
        """The last number that the guest has counted to."""
        while self.select.get_map() and self.select.select(0) and self.pump(0):
            pass
        return int(self.expect(r"TICK (\d+)\."))

    def goes_on(self, ticks, seconds=120):
        self.expect(rf"TICK {self.tick() + ticks}\.", seconds)

    def wait(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.pump(1):
            pass
        try:
            status = self.proc.wait(max(1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise Failed(f"QEMU did not end within {seconds} s") from None
        if status:
            raise Failed(f"QEMU ended with status {status}")

    def qmp(self, command, **arguments):
        if not self.qmp_file:
            s = socket.socket(socket.AF_UNIX)
            s.connect(self.path("qmp"))
            self.qmp_file = s.makefile("rw")
            self.qmp_file.readline()
            self.qmp("qmp_capabilities")
        self.qmp_file.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
        self.qmp_file.flush()
        while line := self.qmp_file.readline():
            answer = json.loads(line)
            if "error" in answer:
                raise Failed(f"{command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]
        raise Failed(f"{command}: QEMU is gone")

    def kill(self):
        self.proc.kill()
        self.proc.wait()


def md5(data):
    return hashlib.md5(data).hexdigest()


def gdb(path, *commands, seconds=180):
    """What gdb, attached to the stub at a socket, prints when it carries out the commands."""
    run = ["gdb", "-nx", "-batch", "-ex", "set architecture i386:x86-64",
           "-ex", "set remotetimeout 120", "-ex", f"target remote {path}"]
    for c in commands:
        run += ["-ex", c]
    try:
        p = subprocess.run(run, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as e:
        said = (e.stdout or b"").decode(errors="replace").strip().split("\n")
        raise Failed(f"gdb has not ended within {seconds} s, after: {said[-3:]}") from None
    for line in p.stdout.rstrip().split("\n"):
        print("# gdb: " + line)
    if p.returncode:
        raise Failed(f"gdb ended with status {p.returncode}")
    return p.stdout
