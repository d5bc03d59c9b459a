# SPDX-License-Identifier: GPL-2.0-only
#
# Names for the scripts that do the work; no logic here.  `make help` lists them.

# Kernels to build the module for: 6.1, 6.12, a full Debian release, or "running".  With none
# named: 6.1, and the running one where its headers are installed.
KVER =
PREFIX = /usr/local
DESTDIR =

all: module tools

module:
	tests/rig/module $(KVER)

tools:
	$(MAKE) -C tools

guest-driver:
	tests/rig/guest-driver $(KVER)

guest:
	$(MAKE) -C tests/guest

deps:
	tests/rig/deps

demo: deps
	tests/rig/demo

check: deps
	tests/check

check-debug:
	tests/rig/deps --debug
	tests/check --debug

check-kvm-selftests:
	tests/clients/kvm-selftests --all

check-sgx: deps
	tests/check sgx-selftests-all

check-qemu: deps
	tests/clients/qemu --all

check-image: deps
	tests/check image

check-guard: deps
	tests/check guard

check-fast:
	tests/check --fast

bench: deps
	tests/bench/run

install: KVER = running
install: module tools
	install -D -m 644 build/$(shell uname -r)/redoubt.ko \
		$(DESTDIR)/lib/modules/$(shell uname -r)/extra/redoubt.ko
	depmod -b $(or $(DESTDIR),/) $(shell uname -r)
	$(MAKE) -C tools install PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

uninstall:
	rm -f $(DESTDIR)/lib/modules/*/extra/redoubt.ko
	depmod -b $(or $(DESTDIR),/) $(shell uname -r)
	$(MAKE) -C tools uninstall PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)

# The kernels fetched by deps stay; clean-all takes them too.
clean:
	tests/rig/clean

clean-all:
	tests/rig/clean --all

help:
	@sed -n 's/^#: //p' Makefile

#: make            build redoubt.ko (for KVER) and the tools
#: make guest-driver  build redoubt_guest.ko, which guards the kernel of a guest (for KVER; 6.1, 6.12)
#: make deps       install what building, checking and running need; says what it installs
#: make demo       boot a stock Debian guest on redoubt.ko inside an emulated SVM machine
#: make check      lint, unit tests, module builds, selftests in the rig; totals at the end
#: make check-fast lint, unit tests and one module build
#: make check-debug  the selftests on a host kernel with KASAN, lockdep and the like; builds it first
#: make check-kvm-selftests  all of KVM's own selftests that apply, the slow ones too
#: make check-sgx   the kernel's SGX selftests in guests with 1, 2 and 4 CPUs
#: make check-qemu  all cases of unmodified QEMU 7.2 and 10, the slow ones too
#: make check-guard  a guarded Debian kernel: attacked by a rootkit, then ten minutes of its own patching
#: make check-image  a Debian from the disk image that vmctl image builds; minutes
#: make bench      compare with stock KVM in executed host instructions
#: make install    install the module for the running kernel, and the tools (PREFIX, DESTDIR)
#: make uninstall  take them away again
#: make clean      remove what was built; clean-all: the fetched kernels too
#:
#: KVER=6.1|6.12|RELEASE|running   kernel to build the module for
#:                                 (6.1, and the running one where its headers are installed)
#: WERROR=                         let compiler warnings pass

.PHONY: all module tools guest guest-driver deps demo check check-fast check-debug check-kvm-selftests
.PHONY: check-sgx check-guard check-image check-qemu bench install
.PHONY: uninstall clean clean-all help
