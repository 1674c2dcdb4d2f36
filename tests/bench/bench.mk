# SPDX-License-Identifier: MIT
#
# The benchmark guest, and `make bench`, which runs it on Pavane and on Xen and writes
# $(BUILD)/bench.json and $(BUILD)/bench.svg. HYPERVISORS=xen runs it on one of them only.

$(eval $(call GUEST,bench,$(addprefix tests/bench/guest/,main.c entry.S calls.c events.c traps.c \
    tables.c roots.c emulate.c)))
BENCH_GUEST := $(BUILD)/guests/bench.elf

HYPERVISORS ?= pavane xen

.PHONY: bench
bench: $(BENCH_GUEST) $(if $(filter pavane,$(HYPERVISORS)),$(BUILD)/pavane)
	@tests/bench/report.py $(HYPERVISORS)
