# SPDX-License-Identifier: MIT
#
# The guest library's grants and store client, on a hypervisor and a store of the tests' own.

CC_unit_guest     := $(HOSTCC)
CFLAGS_unit_guest  = $(HOST_CFLAGS) -Iguest-abi -Iguest-abi/include -Itests/unit/guest \
    -include host.h
$(eval $(call flavour,unit_guest))
$(eval $(call unit_test,guest_gnttab,tests/unit/guest/gnttab_test.c guest-abi/gnttab.c \
    guest-abi/sync.c,unit_guest))
$(eval $(call unit_test,guest_xenbus,tests/unit/guest/xenbus_test.c \
    tests/unit/guest/fake_store.c guest-abi/xenbus.c guest-abi/xenbus_state.c,unit_guest))
$(eval $(call unit_test,guest_xenbus_ring,tests/unit/guest/xenbus_ring_test.c \
    tests/unit/guest/fake_store.c guest-abi/xenbus.c guest-abi/xenbus_state.c,unit_guest))
$(eval $(call unit_test,guest_blkfront,tests/unit/guest/blkfront_test.c \
    guest-abi/front/block.c,unit_guest))
