# SPDX-License-Identifier: MIT
#
# The benchmark guest, and `make bench`, which runs it on Pavane and on Xen and writes
# $(BUILD)/bench.json and $(BUILD)/bench.svg. HYPERVISORS=xen runs it on one of them only.

$(eval $(call GUEST,bench,$(addprefix tests/bench/guest/,main.c entry.S calls.c events.c traps.c \
    tables.c roots.c emulate.c grants.c)))

HYPERVISORS ?= pavane xen
BENCH_NEEDS := $(BUILD)/guests/bench.elf $(if $(filter pavane,$(HYPERVISORS)),$(BUILD)/pavane)

.PHONY: bench

bench:                      ## instructions per operation, on Pavane and on Xen
	@scripts/setup test
	@$(MAKE) --no-print-directory $(BENCH_NEEDS)
	@tests/bench/report.py $(HYPERVISORS)
