# SPDX-License-Identifier: GPL-2.0-only
#
# Writes newc cpio archives, the form the kernel unpacks as initramfs, without being root and with
# the same bytes every time.

import stat


def directory(name):
    return (name, stat.S_IFDIR | 0o755, b"", 0, 0)


def regular(name, data, mode=0o644):
    return (name, stat.S_IFREG | mode, data, 0, 0)


def device(name, mode, major, minor):
    return (name, mode, b"", major, minor)


def archive(files):
    out = bytearray()
    for inode, (name, mode, data, major, minor) in enumerate(
            files + [("TRAILER!!!", 0, b"", 0, 0)], 1):
        fields = [inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08X" % f for f in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)
