# SPDX-License-Identifier: MIT
#
# The guest library, $(BUILD)/guest-abi/libpvguest.a, its start objects, and how guests are built:
#
#     $(eval $(call GUEST,name,src1.c src2.c))          -> $(BUILD)/guests/name.elf
#     $(eval $(call GUEST,name,src1.c,start-nopage))    the same without a hypercall-page note
#     $(eval $(call GUEST,name,src1.c,start-p2m))       nor P2M and ramdisk in the first mapping
#     $(eval $(call GUEST,name,src1.c,,myflavour))      with CFLAGS_myflavour, which extend
#                                                       $(CFLAGS_guest)
#
# `make install PREFIX=/usr/local` puts all that a guest outside this tree needs below PREFIX.

PREFIX ?= /usr/local
PVGUEST_VERSION := 0.1

# What a guest must be compiled with, whoever compiles it: it is in pvguest.pc too.
GUEST_ABI_CFLAGS := $(filter-out -O% -g $(WARN),$(CFLAGS_FREESTANDING)) -fno-omit-frame-pointer \
    -mcmodel=kernel

CFLAGS_guest := -O2 -g $(WARN) $(GUEST_ABI_CFLAGS) -Iguest-abi/include -Iinclude

# The string and formatting sources are the hypervisor's own, compiled again.
CFLAGS_guestlib := $(CFLAGS_guest) -Ihypervisor
CFLAGS_nopage   := $(CFLAGS_guest) -DPV_NO_HYPERCALL_PAGE
CFLAGS_p2m      := $(CFLAGS_guest) -DPV_NO_HYPERCALL_PAGE -DPV_INIT_P2M

GUESTLIB_SRCS := $(addprefix guest-abi/,entry.S start.c traps.c user.c events.c mm.c pages.c \
    time.c console.c multicall.c smp.c sync.c gnttab.c xenbus.c \
    xenbus_state.c front/block.c) \
    hypervisor/lib/string.c hypervisor/lib/vsnprintf.c

GUESTLIB_DIR := $(BUILD)/guest-abi
GUESTLIB     := $(GUESTLIB_DIR)/libpvguest.a
GUEST_STARTS := $(addprefix $(GUESTLIB_DIR)/,start.o start-nopage.o start-p2m.o)
GUEST_LDS    := guest-abi/guest.lds

# Likewise for linking.
GUEST_LDFLAGS := -nostdlib -static -Wl,--build-id=none -Wl,-z,max-page-size=4096 \
    -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments

$(eval $(call flavour,guest))
$(eval $(call flavour,guestlib))
$(eval $(call flavour,nopage))
$(eval $(call flavour,p2m))

$(GUESTLIB): $(call objs,guestlib,$(GUESTLIB_SRCS))
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^

$(GUESTLIB_DIR)/start.o: $(call objs,guest,guest-abi/start.S)
	$(Q)mkdir -p $(@D) && cp $< $@

$(GUESTLIB_DIR)/start-nopage.o: $(call objs,nopage,guest-abi/start.S)
	$(Q)mkdir -p $(@D) && cp $< $@

$(GUESTLIB_DIR)/start-p2m.o: $(call objs,p2m,guest-abi/start.S)
	$(Q)mkdir -p $(@D) && cp $< $@

# GUEST(name, sources, start object if not `start`, flavour if not `guest`)
define GUEST
ALL += $$(BUILD)/guests/$(1).elf

$$(BUILD)/guests/$(1).elf: $$(call objs,$(or $(4),guest),$(2)) \
                           $$(GUESTLIB_DIR)/$$(or $(3),start).o $$(GUESTLIB) $$(GUEST_LDS)
	$$(call say,LD,$$@)
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(GUEST_LDFLAGS) -T $$(GUEST_LDS) -o $$@ \
	    $$(filter %.o,$$^) $$(GUESTLIB)
endef

ALL += $(GUESTLIB) $(GUEST_STARTS)

# The guest that docs/write-a-guest.md explains, entered in each of the three ways.
$(eval $(call GUEST,hello,tests/guest/hello/main.c))
$(eval $(call GUEST,hello-nopage,tests/guest/hello/main.c,start-nopage))
$(eval $(call GUEST,hello-p2m,tests/guest/hello/main.c,start-p2m))
EXAMPLE_GUESTS := $(addprefix $(BUILD)/guests/,hello.elf hello-nopage.elf hello-p2m.elf)

.PHONY: install
install: $(GUESTLIB) $(GUEST_STARTS)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,include/pavane/xen lib/pavane lib/pkgconfig)
	cp -R guest-abi/include/pvguest $(DESTDIR)$(PREFIX)/include/pavane/
	cp -R include/public/. $(DESTDIR)$(PREFIX)/include/pavane/xen/
	install -m 644 $^ $(GUEST_LDS) $(DESTDIR)$(PREFIX)/lib/pavane/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(PVGUEST_VERSION)|' \
	    -e 's|@CFLAGS@|$(GUEST_ABI_CFLAGS)|' -e 's|@LDFLAGS@|$(GUEST_LDFLAGS)|' \
	    guest-abi/pvguest.pc.in > $(DESTDIR)$(PREFIX)/lib/pkgconfig/pvguest.pc
