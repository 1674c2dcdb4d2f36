# SPDX-License-Identifier: MIT
#
# What tests of the control domain bring into it: a program each from tests/user, guests that
# misbehave, and an archive with them, which is loaded instead of the ordinary one.

TEST_INITRAMFS := $(BUILD)/tests/initramfs.cpio
USER_TESTS     := $(addprefix $(BUILD)/tests/user/,devices tree)

CFLAGS_usertest := $(CFLAGS_tools) -Itools
$(eval $(call flavour,usertest))
$(eval $(call GUEST,misbehave,tests/guest/misbehave/main.c))
$(eval $(call GUEST,bad-frontend,tests/guest/bad-frontend/main.c))
$(eval $(call GUEST,busy-disk,tests/guest/busy-disk/main.c))

$(USER_TESTS): $(BUILD)/tests/user/%: $(BUILD)/obj/usertest/tests/user/%.c.o $(LIBXLLITE)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(TOOLS_LDFLAGS) $^ -o $@ && $(OBJCOPY) --strip-all $@

$(TEST_INITRAMFS): $(INITRAMFS) $(USER_TESTS) $(BUILD)/guests/misbehave.elf \
                   $(BUILD)/guests/bad-frontend.elf $(BUILD)/guests/busy-disk.elf \
                   $(BUILD)/guests/fuzz.elf
	$(call say,CPIO,$@)
	$(Q)mkdir -p $(@D) && scripts/mkinitramfs $@ initramfs/control $(INITRAMFS_BASE) \
	    $(CONTROL_FILES) boot/misbehave=$(BUILD)/guests/misbehave.elf \
	    boot/bad-frontend=$(BUILD)/guests/bad-frontend.elf \
	    boot/busy-disk=$(BUILD)/guests/busy-disk.elf boot/fuzz=$(BUILD)/guests/fuzz.elf \
	    $(foreach test,$(USER_TESTS),bin/$(notdir $(test))=$(test))

test-programs: $(TEST_INITRAMFS)
