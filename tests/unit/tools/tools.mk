# SPDX-License-Identifier: MIT
#
# Unit tests of the toolstack: its pure parts, its config reader, and the store's requests.

CC_unit_tools     := $(HOSTCC)
CFLAGS_unit_tools := $(HOST_CFLAGS) -I. -D_GNU_SOURCE
$(eval $(call flavour,unit_tools))

STORE_SRCS := $(addprefix tools/xenstored-lite/,connection.c domains.c forget.c owners.c \
    request.c ring.c transaction.c tree.c watch.c wire.c) \
    $(addprefix tools/xl-lite/,evtchn.c hv.c message.c)

$(eval $(call unit_test,tools-image,tests/unit/tools/image_test.c \
    $(addprefix tools/xl-lite/,image.c message.c),unit_tools))
$(eval $(call unit_test,tools-layout,tests/unit/tools/layout_test.c \
    $(addprefix tools/xl-lite/,layout.c message.c),unit_tools))
$(eval $(call unit_test,tools-wire,tests/unit/tools/wire_test.c \
    tools/xenstored-lite/wire.c tools/consoled/ring.c,unit_tools))
$(eval $(call unit_test,tools-tree,tests/unit/tools/tree_test.c \
    $(addprefix tools/xenstored-lite/,forget.c owners.c transaction.c tree.c),unit_tools))
$(eval $(call unit_test,tools-store,tests/unit/tools/store_test.c $(STORE_SRCS),unit_tools))
$(eval $(call unit_test,tools-config,tests/unit/tools/config_test.c \
    $(addprefix tools/xl-lite/,config.c message.c),unit_tools))
$(BUILD)/unit/tools-config: HOST_LDFLAGS += -Wl,--no-as-needed -lconfig
$(eval $(call unit_test,tools-disk,tests/unit/tools/disk_test.c \
    $(addprefix tools/xl-lite/,device.c exchange.c message.c nodes.c sharing.c),unit_tools))
$(BUILD)/unit/tools-disk: HOST_LDFLAGS += -Wl,--wrap=stat
$(eval $(call unit_test,tools-console,tests/unit/tools/console_test.c tools/consoled/guest.c \
    tools/consoled/ring.c tools/xl-lite/message.c,unit_tools))
