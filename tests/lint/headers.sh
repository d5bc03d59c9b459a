#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each header compiles alone and twice: pure ones in user space, all but user space's own with the
# compiler call of the last module build (build/RELEASE).  TAP; exit status 1 if one does not.
#
# usage: tests/lint/headers.sh

set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
out=build/lint
mkdir -p "$out"

user_flags=(-std=gnu11 -Wall -Wextra -Wshadow -Werror -I. -include kmod/libc_names.h)
failed=0

user_check() {
	printf '#include "%s"\n#include "%s"\n' "$1" "$1" |
		gcc -fsyntax-only "${user_flags[@]}" -x c - 2>&1
}

# The compiler call that built an object, without its output and source: flags only.
kernel_flags() {
	sed -nE '1s/^[^=]*:= *//; 1s/ *;.*//; 1s/ -Wp,-MMD,[^ ]*//; 1s/ -c -o [^ ]+ [^ ]+ *$//;
		1s/ -DKBUILD_(BASENAME|MODNAME|MODFILE)=[^ ]*//g; 1p' "$1/kmod/.host.o.cmd"
}

kernel_check() {
	local h=$1 c

	c=$out/$(tr / _ <<<"$1").c

	printf '#include "%s"\n#include "%s"\n' "$h" "$h" >"$c"
	(cd "$objtree" && eval "$call -DKBUILD_MODNAME='\"lint\"' -fsyntax-only -I'$PWD_TOP' '$PWD_TOP/$c'") 2>&1
}

report() {
	local world=$1 bad=$2

	if [ -z "$bad" ]; then
		echo "ok - headers: each compiles alone $world"
	else
		printf '%s\n' "$bad" | sed 's/^/# /'
		echo "not ok - headers: each compiles alone $world"
		failed=1
	fi
}

mapfile -t pure_headers < <(tests/lint/layers.py --pure-headers)
bad=
for h in "${pure_headers[@]}"; do
	message=$(user_check "$h") || bad+="$h: $message"$'\n'
done
report "in user space (${#pure_headers[@]} headers)" "$bad"

PWD_TOP=$PWD
built=$(find build -maxdepth 3 -path '*/kmod/.host.o.cmd' 2>/dev/null | sort | head -1)
if [ -z "$built" ]; then
	echo "ok - headers: each compiles alone in the kernel # SKIP no module was built yet"
else
	dir=${built%/kmod/.host.o.cmd}
	objtree=$(cd "build/kernels/${dir#build/}"/usr/src/linux-headers-*-amd64 2>/dev/null && pwd)
	call=$(kernel_flags "$dir")
	if [ -z "$objtree" ] || [ -z "$call" ]; then
		echo "ok - headers: each compiles alone in the kernel # SKIP no headers for ${dir#build/}"
	else
		export -f kernel_check
		export out PWD_TOP objtree call
		mapfile -t all_headers < <(find kmod vmm tsc enclave policy migrate -name '*.h' \
			! -name base_user.h ! -name libc_names.h 2>/dev/null | sort)
		bad=$(printf '%s\n' "${all_headers[@]}" | xargs -P "$(nproc)" -I{} bash -c \
			'message=$(kernel_check {}) || echo "{}: $message"')
		report "in the kernel (${#all_headers[@]} headers)" "$bad"
	fi
fi
exit $failed
