# SPDX-License-Identifier: MIT
#
# One make for the whole tree. Each part has a fragment that names its sources and adds what it
# builds to ALL; everything built goes below $(BUILD). `make help` lists what can be asked for.

BUILD ?= build
.DEFAULT_GOAL := all

include mk/toolchain.mk
include $(wildcard hypervisor/hypervisor.mk guest-abi/guest-abi.mk pv-kernel/pv-kernel.mk)
include $(wildcard tools/tools.mk initramfs/initramfs.mk tests/tests.mk)

.PHONY: all run test setup clean format-check help

all: $(ALL)                 ## build the hypervisor, the guests and the tools

# Set-up comes before anything is built, so these two start make again.
run:                        ## set up, build, and boot to the control domain in QEMU (^A x ends it)
	@scripts/setup $(if $(LINUX),linux,build)
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) \
	    all $(if $(LINUX),$(LINUX_DISK))
	@LINUX=$(LINUX) BUILD=$(BUILD) scripts/run

test:                       ## set up, build and run all tests
	@scripts/setup test
	@tests/run-all

setup:                      ## install what the build and the tests need
	@scripts/setup test

clean:                      ## remove everything that was built
	rm -rf $(BUILD)

format-check:               ## compare the sources with .clang-format
	git ls-files '*.c' '*.h' | xargs -r clang-format --dry-run --Werror

help:                       ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile tests/tests.mk \
	    tests/bench/bench.mk | expand -t 16
	@echo 'Variables: CC=clang, BUILD=folder, V=1 shows commands and each test,'
	@echo '           HYPERVISOR=image and CASE=glob for conformance'
	@echo '           LINUX=1 for run: a disk with Debian'"'"'s Linux, as a guest'

print-%:
	@echo '$($*)'

$(foreach name,$(FLAVOURS),$(eval $(call stamp,$(name))))

# What every object includes, as the compiler saw it when it was last built.
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
