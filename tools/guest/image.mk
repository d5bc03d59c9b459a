# SPDX-License-Identifier: GPL-2.0-only
#
# The image that runs in integrity mode: image.bin, and image_layout.h with its numbers, in $(OUT).
# It is free-standing code and the same for every kernel.
#   make -f tools/guest/image.mk TOP=<top of the tree> OUT=<folder>

TOP ?= .
CC ?= gcc
OBJCOPY ?= objcopy
NM ?= nm

# Nothing of a kernel's or a library's instrumentation: no stack protector, no thunks, no vectors.
FLAGS := -std=gnu11 -Os -g0 -ffreestanding -fno-builtin -fno-pic -fno-pie -mno-sse -mno-avx \
	-mgeneral-regs-only -mno-red-zone -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-jump-tables \
	-fno-tree-loop-distribute-patterns -mindirect-branch=keep -mfunction-return=keep \
	-Wall -Wextra -Wshadow -Werror -I$(TOP) -fmacro-prefix-map=$(TOP)/= \
	-include $(TOP)/kmod/libc_names.h
LINK := -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,-z,norelro \
	-Wl,--no-warn-rwx-segments

SOURCES := tools/guest/image.c tools/guest/image_tree.c tools/guest/image_lib.c \
	tools/guest/judge.c tools/guest/judge_area.c \
	vmm/trace_tree.c vmm/trace_tree_edit.c vmm/trace_tree_range.c
OBJECTS := $(OUT)/image_entry.o $(SOURCES:%.c=$(OUT)/%.o)

all: $(OUT)/image.bin $(OUT)/image_layout.h

$(OUT)/%.o: $(TOP)/%.c
	@mkdir -p $(@D)
	$(CC) $(FLAGS) -MMD -MP -c -o $@ $<

$(OUT)/image_entry.o: $(TOP)/tools/guest/image.S
	@mkdir -p $(@D)
	$(CC) -c -o $@ $<

$(OUT)/image.elf: $(OBJECTS) $(TOP)/tools/guest/image.ld
	$(CC) $(LINK) -T $(TOP)/tools/guest/image.ld -o $@ $(OBJECTS)

$(OUT)/image.bin: $(OUT)/image.elf
	$(OBJCOPY) -O binary $< $@

# Pages as the driver counts them: of code, and of code and data.
$(OUT)/image_layout.h: $(OUT)/image.elf
	@$(NM) $< | sed -n \
		-e 's/^0*\([0-9a-f]*\) . image_code_end$$/#define IMAGE_CODE ((0x\1 - 0x40000000) \/ 4096)/p' \
		-e 's/^0*\([0-9a-f]*\) . image_end$$/#define IMAGE_PAGES ((0x\1 - 0x40000000) \/ 4096)/p' \
		>$@

-include $(shell find $(OUT) -name '*.d' 2>/dev/null)

.PHONY: all
