# SPDX-License-Identifier: GPL-2.0-only
#
# Kernel modules as members of an initramfs: what was named and all it depends on, in loading
# order, decompressed, as FOLDER/NN-NAME.ko.

import gzip
import lzma
import os
import shutil
import subprocess

import newc


def loading_order(release, root, names):
    """Paths of the modules called NAMES of the kernel under ROOT, dependencies first."""
    paths = []
    modprobe = shutil.which("modprobe") or "/sbin/modprobe"
    for module in names:
        text = subprocess.run([modprobe, "-d", root, "-S", release, "--show-depends", module],
                              stdout=subprocess.PIPE, check=True, text=True).stdout
        for line in text.splitlines():
            word = line.split()
            if word[0] == "insmod" and word[1] not in paths:
                paths.append(word[1])
    return paths


def files(release, root, names, folder="modules"):
    out = []
    for number, path in enumerate(loading_order(release, root, names)):
        with open(path, "rb") as f:
            data = f.read()
        base = os.path.basename(path)
        if base.endswith(".xz"):
            data, base = lzma.decompress(data), base[:-3]
        elif base.endswith(".gz"):
            data, base = gzip.decompress(data), base[:-3]
        out.append(newc.regular(f"{folder}/{number:02d}-{base}", data))
    return out
