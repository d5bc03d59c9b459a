#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Checks what the tree promises of itself, by reading it: who includes whom, what is pure, who may
name a CPU vendor, first lines, line lengths, and that Kbuild lists every file once.

usage: tests/lint/layers.py                 TAP on standard output; exit status 1 if a check failed
       tests/lint/layers.py --pure-headers  prints the headers that pure files include
       tests/lint/layers.py --pure          prints the pure files
"""

import os
import re
import subprocess
import sys

ROOT = os.path.abspath(os.path.dirname(__file__) + "/../..")
MODULE_DIRS = ("kmod", "vmm", "tsc", "enclave", "policy", "migrate")
# A folder may include headers of itself and of what stands before it, never of its neighbours.
RANK = {"vmm": 1, "tsc": 2, "enclave": 2, "policy": 2, "migrate": 3, "kmod": 4}
# Headers of kmod/ that lie under everything; the second list is for kernel-only files.
BASE = {"kmod/base.h", "kmod/base_user.h", "kmod/host.h"}
BASE_K = {"kmod/trace.h", "kmod/compat.h", "kmod/work.h"}
VENDOR_DIRS = ("vmm/svm/", "vmm/vmx/")
VENDOR_FILES = {"kmod/main.c"}
VENDOR_WORD = re.compile(r"(?<![a-z])(svm|vmcb|vmx|vmcs)(?![a-z])", re.I)
# Bits of CPUID and machine-check registers are named by the manuals, whoever the vendor is.
VENDOR_ALLOWED = re.compile(r"\b(RD_F_(SVM|VMX)|X86_FEATURE_(SVM|VMX)|X86_CR4_VMXE|RD_CR4_VMXE)\b")
FORBIDDEN = re.compile(r"\b(TODO|FIXME|XXX)\b|/" r"work/|/tmp/" r"brief")
LIMIT = 100
CODE = (".c", ".h", ".S", ".ld", ".py", "Kbuild")
LONG_FILE = 400

failed = 0


def report(name, problems):
    global failed
    for p in problems:
        print("#", p)
    print("not ok" if problems else "ok", "- layers:", name)
    failed += bool(problems)


def tracked():
    """Paths of all source files, as git sees them, or by walking where there is no git."""
    try:
        out = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard"],
                             capture_output=True, text=True, check=True).stdout.split("\n")
    except (OSError, subprocess.CalledProcessError):
        out = [os.path.relpath(os.path.join(d, f), ROOT)
               for d, _, fs in os.walk(ROOT) for f in fs]
        out = [p for p in out if not p.startswith(("build/", ".git/"))]
    return sorted(p for p in out if p and os.path.isfile(os.path.join(ROOT, p)))


FILES = tracked()
TEXT = {}
for path in FILES:
    try:
        with open(os.path.join(ROOT, path), encoding="utf-8") as f:
            TEXT[path] = f.read()
    except UnicodeDecodeError:
        pass

MODULE = [p for p in TEXT if p.startswith(tuple(d + "/" for d in MODULE_DIRS))]
SOURCES = [p for p in MODULE if p.endswith((".c", ".S"))]
HEADERS = [p for p in MODULE if p.endswith(".h")]


def kbuild_lists():
    lists, current = {}, None
    for line in TEXT.get("Kbuild", "").split("\n"):
        m = re.match(r"(RD_[PK]) :=(.*)", line)
        if m:
            current, line = lists.setdefault(m.group(1), []), m.group(2)
        if current is not None:
            current += re.findall(r"(\S+)\.o\b", line)
            if not line.endswith("\\"):
                current = None
    return lists.get("RD_P", []), lists.get("RD_K", [])


def user_view(text):
    """The text without what only the kernel sees."""
    out, skip = [], []
    for line in text.split("\n"):
        s = line.strip()
        if re.match(r"#\s*if", s):
            skip.append(bool(re.match(r"#\s*ifdef\s+__KERNEL__", s)))
        elif re.match(r"#\s*else", s) and skip:
            skip[-1] = False
        elif re.match(r"#\s*endif", s) and skip:
            skip.pop()
        elif not any(skip):
            out.append(line)
    return "\n".join(out)


def includes(text):
    return re.findall(r'^\s*#\s*include\s+([<"][^>"]+[>"])', text, re.M)


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: "\n" * m.group().count("\n"), text, flags=re.S)


P, K = kbuild_lists()
P_FILES = {p + ".c" for p in P}


def check_kbuild():
    problems, seen = [], {}
    for name, entries in (("RD_P", P), ("RD_K", K)):
        for e in entries:
            if e in seen:
                problems.append(f"Kbuild: {e}.o is listed twice")
            seen[e] = name
            if e + ".c" not in TEXT and e + ".S" not in TEXT:
                problems.append(f"Kbuild: {e}.o has no source")
    problems += [f"Kbuild: {p} is in no list" for p in SOURCES
                 if os.path.splitext(p)[0] not in seen]
    report("Kbuild lists every source once", problems)


def check_edges():
    problems = []
    for p in SOURCES + HEADERS:
        top = p.split("/")[0]
        for inc in includes(TEXT[p]):
            if inc[0] != '"':
                continue
            h = inc[1:-1]
            if h not in TEXT:
                problems.append(f"{p}: {h} is not a path from the top of the tree")
                continue
            t = h.split("/")[0]
            if h in BASE or h.startswith("kmod/uapi/"):
                continue
            if h in BASE_K and p not in P_FILES:
                continue
            if t != top and RANK.get(t, 9) >= RANK.get(top, 0):
                problems.append(f"{p}: {top}/ must not include {h}")
            if h.startswith(VENDOR_DIRS):
                own = "/".join(h.split("/")[:2]) + "/"
                if not p.startswith(own) and p not in VENDOR_FILES:
                    problems.append(f"{p}: only {own} and {', '.join(VENDOR_FILES)} include {h}")
    report("includes go down, never up or sideways", problems)


def check_cycles():
    problems, done = [], set()

    def visit(h, trail):
        if h in trail:
            problems.append(" -> ".join(trail[trail.index(h):] + [h]))
            return
        if h in done or h not in TEXT:
            return
        for inc in includes(TEXT[h]):
            visit(inc[1:-1], trail + [h])
        done.add(h)

    for h in HEADERS:
        visit(h, [])
    report("headers include each other in no circle", problems)


def pure_closure():
    """What pure files include: (path, include, pure file) for each edge seen by user space."""
    edges, checked = [], set()

    def visit(path, by):
        # base_user.h stands for the kernel's headers in user space.
        if path in checked or path not in TEXT or path == "kmod/base_user.h":
            return
        checked.add(path)
        for inc in includes(user_view(TEXT[path])):
            edges.append((path, inc, by))
            if inc[0] == '"':
                visit(inc[1:-1], by)

    for p in sorted(P_FILES):
        visit(p, p)
    return edges


def check_pure():
    # The interface's headers take their types from where user space has them too.
    shared = ("<linux/types.h>", "<linux/ioctl.h>")
    problems = [f"{path}: includes {inc} (pure because of {by})"
                for path, inc, by in pure_closure() if inc[0] == "<" and
                not (path.startswith("kmod/uapi/") and inc in shared)]
    report("pure files include nothing of the kernel or of libc", problems)


def check_vendors():
    problems = []
    for p in SOURCES + HEADERS:
        if p.startswith(VENDOR_DIRS) or p in VENDOR_FILES:
            continue
        for n, line in enumerate(without_comments(TEXT[p]).split("\n"), 1):
            m = VENDOR_WORD.search(VENDOR_ALLOWED.sub("", line))
            if m:
                problems.append(f"{p}:{n}: names {m.group()}")
    report("vendors are named in their backends only", problems)


SPDX = "SPDX-License-Identifier: GPL-2.0-only"
SPDX_FORM = {
    ".c": f"// {SPDX}",
    ".h": f"/* {SPDX} */",
    ".S": f"/* {SPDX} */",
    ".py": f"# {SPDX}",
    ".sh": f"# {SPDX}",
    ".ld": f"/* {SPDX} */",
}


def check_spdx():
    problems = []
    for p, text in TEXT.items():
        if p == "LICENSE" or p.endswith((".md", ".txt", ".json", "/sources")) or not text.strip():
            continue
        lines = text.split("\n")
        first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
        ext = os.path.splitext(p)[1]
        if ext in SPDX_FORM:
            if first != SPDX_FORM[ext]:
                problems.append(f"{p}: the first line is not '{SPDX_FORM[ext]}'")
        elif SPDX not in first and SPDX not in lines[0]:
            problems.append(f"{p}: no SPDX line at its top")
    report("every file begins with its SPDX line", problems)


def check_style():
    problems = []
    for p, text in TEXT.items():
        if p == "LICENSE" or p.endswith((".md", ".txt", ".json")):
            continue
        for n, line in enumerate(text.split("\n"), 1):
            if p.endswith(CODE) and len(line.expandtabs(8)) > LIMIT:
                problems.append(f"{p}:{n}: {len(line.expandtabs(8))} columns")
            if line != line.rstrip():
                problems.append(f"{p}:{n}: white space at the end")
            if p != "tests/lint/layers.py" and FORBIDDEN.search(line):
                problems.append(f"{p}:{n}: {FORBIDDEN.search(line).group()}")
        if text and not text.endswith("\n"):
            problems.append(f"{p}: no newline at the end")
    if len(problems) > 40:
        problems = problems[:40] + [f"... and {len(problems) - 40} more"]
    report(f"at most {LIMIT} columns, no stray white space, no marks of unfinished work", problems)


def check_versions():
    asks = re.compile(r"LINUX_VERSION_CODE|KERNEL_VERSION\(|RD_HAVE_")
    problems = [f"{p}: asks for a kernel version" for p in SOURCES + HEADERS
                if p != "kmod/compat.h" and asks.search(TEXT[p])]
    report("kernel versions are asked for in kmod/compat.h only", problems)


def check_guards():
    problems, seen = [], {}
    for h in HEADERS:
        # kmod/trace.h is read several times on purpose, hence the second form.
        m = re.search(r"#ifndef (RD_\w+_H)\n#define \1\n|#if !defined\((RD_\w+_H)\)", TEXT[h])
        guard = m and (m.group(1) or m.group(2))
        if not guard:
            problems.append(f"{h}: no guard of the form RD_..._H")
        elif guard in seen:
            problems.append(f"{h}: shares its guard with {seen[guard]}")
        seen[guard] = h
    report("every header has a guard of its own", problems)


def notes():
    tested = set()
    for p, text in TEXT.items():
        if re.fullmatch(r"tests/unit/[^/]+/sources", p):
            tested |= {w for line in text.split("\n") for w in line.split("#")[0].split()}
    for p in sorted(P_FILES - tested):
        print(f"# no unit test links {p}")
    for p in sorted(SOURCES + HEADERS):
        n = TEXT[p].count("\n")
        if n > LONG_FILE:
            print(f"# long: {p} has {n} lines")


if sys.argv[1:] == ["--pure-headers"]:
    print("\n".join(sorted({inc[1:-1] for _, inc, _ in pure_closure() if inc[0] == '"'})))
    sys.exit(0)
if sys.argv[1:] == ["--pure"]:
    print("\n".join(sorted(P_FILES)))
    sys.exit(0)
check_kbuild()
check_edges()
check_cycles()
check_pure()
check_vendors()
check_versions()
check_guards()
check_spdx()
check_style()
notes()
sys.exit(1 if failed else 0)
