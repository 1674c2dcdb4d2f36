# SPDX-License-Identifier: MIT
#
# What `make` itself must know about the tests: the programs to build, and the targets that run a part of
# them. Everything else is in tests/run-all and tests/harness.

include $(wildcard tests/unit/unit.mk tests/guest/guest.mk tests/bench/bench.mk)

# Guests that print verdicts (tests/harness/verdict.py); tests/guest adds to this list.
CONFORMANCE_GUESTS ?=

.PHONY: unit conformance test-programs
test-programs: $(UNIT_TESTS) $(CONFORMANCE_GUESTS)

unit: $(UNIT_TESTS)         ## unit tests only
	tests/run-all unit

conformance: all $(CONFORMANCE_GUESTS)  ## the same guests on Pavane and on Xen, or on HYPERVISOR=image
	tests/run-all conformance
