# SPDX-License-Identifier: MIT
#
# What `make` itself must know about the tests: the programs to build, and the targets that run a
# part of them. Everything else is in tests/run-all and tests/harness.

include $(wildcard tests/unit/unit.mk tests/fuzz/fuzz.mk)
include $(wildcard tests/guest/guest.mk tests/guest/library.mk)
include $(wildcard tests/bench/bench.mk tests/user/user.mk tests/linux/linux.mk)

# Guests that print verdicts (tests/harness/verdict.py); tests/guest adds to these lists.
CONFORMANCE_GUESTS ?=
LIBRARY_GUESTS ?=

.PHONY: unit conformance fuzz mutants soak demo test-programs fuzz-programs

# tests/run-all builds these together with all.
test-programs: $(UNIT_TESTS) $(CONFORMANCE_GUESTS) $(LIBRARY_GUESTS) fuzz-programs

fuzz-programs: $(FUZZ_TARGETS)

unit:                       ## unit tests only
	@scripts/setup test
	@tests/run-all unit

conformance:                ## the same guests on Pavane and on Xen, or on HYPERVISOR=image
	@scripts/setup test
	@tests/run-all conformance

fuzz:                       ## libFuzzer on each reader of foreign input: TARGET=name SECONDS=60
	@scripts/setup test
	@tests/fuzz/run $(if $(SECONDS),--seconds $(SECONDS)) $(TARGET)

mutants:                    ## faults put into copies of the tree: a test must catch each
	@scripts/setup test
	@tests/mutants/run $(MUTANTS)

# For an hour, or for SECONDS; docs/fuzzing.md.
soak:                       ## the fuzz guest on four CPUs, for an hour or SECONDS
	@scripts/setup test
	@$(MAKE) --no-print-directory all
	@tests/soak $(SECONDS)

demo:                       ## create, use and destroy two guests, unattended; also HYPERVISOR=xen
	@scripts/setup $(if $(HYPERVISOR),test,build)
	@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc)) all
	@tests/demo $(HYPERVISOR)
