# SPDX-License-Identifier: MIT
#
# pv-kernel's pure parts. A flavour of their own: its rooms have the names of the hypervisor's.

CC_unit_pvk     := $(HOSTCC)
CFLAGS_unit_pvk  = $(HOST_CFLAGS) -Iguest-abi/include -Ipv-kernel -Itests/unit/pvk
$(eval $(call flavour,unit_pvk))
$(eval $(call unit_test,pvk_vma,tests/unit/pvk/vma_test.c pv-kernel/mm/vma.c,unit_pvk))
$(eval $(call unit_test,pvk_program,tests/unit/pvk/program_test.c pv-kernel/proc/elf.c,unit_pvk))
$(eval $(call unit_test,pvk_sigframe,tests/unit/pvk/sigframe_test.c \
    tests/unit/pvk/sigframe_host.c,unit_pvk))
