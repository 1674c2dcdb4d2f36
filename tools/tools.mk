# SPDX-License-Identifier: MIT
#
# The toolstack: static Linux programs for the control domain, $(BUILD)/tools/*, and the library
# under them. glibc, since libconfig's static library is built for it.

TOOLS := xl-lite xenstored-lite consoled

CFLAGS_tools := -std=gnu11 -O2 -g $(WARN) -D_GNU_SOURCE -Iinclude -ffunction-sections \
    -fdata-sections
TOOLS_LDFLAGS := -static -Wl,--gc-sections

LIBXLLITE := $(BUILD)/tools/libxllite.a
LIBXLLITE_SRCS := $(addprefix tools/xl-lite/,message.c hv.c evtchn.c daemon.c image.c layout.c \
    build.c store.c exchange.c device.c sharing.c nodes.c domain.c request.c)

SRCS_xl-lite := $(addprefix tools/xl-lite/,main.c commands.c cmd_domain.c cmd_info.c \
    cmd_list.c cmd_console.c config.c)
LIBS_xl-lite := -lconfig
SRCS_xenstored-lite := $(addprefix tools/xenstored-lite/,main.c connection.c domains.c forget.c \
    owners.c request.c ring.c transaction.c tree.c watch.c wire.c)
SRCS_consoled := $(addprefix tools/consoled/,main.c guest.c ring.c)

$(eval $(call flavour,tools))

$(LIBXLLITE): $(call objs,tools,$(LIBXLLITE_SRCS))
	$(call say,AR,$@)
	$(Q)mkdir -p $(@D) && rm -f $@ && $(AR) rcs $@ $^

define TOOL
ALL += $$(BUILD)/tools/$(1)

$$(BUILD)/tools/$(1): $$(call objs,tools,$$(SRCS_$(1))) $$(LIBXLLITE)
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D) && $$(CC) $$(TOOLS_LDFLAGS) $$^ $$(LIBS_$(1)) -o $$@
endef

$(foreach tool,$(TOOLS),$(eval $(call TOOL,$(tool))))

.PHONY: tools
tools: $(addprefix $(BUILD)/tools/,$(TOOLS))

# A guest that uses and misuses what the daemons offer (tests/system).
$(eval $(call GUEST,tenant,tests/system/guests/tenant.c))
