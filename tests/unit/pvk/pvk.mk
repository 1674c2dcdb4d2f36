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

# Files and terminals, with the rest of the kernel played by kernel_host.c.
UNIT_PVK_FILES := tests/unit/pvk/kernel_host.c $(addprefix pv-kernel/fs/,vfs.c namei.c open.c \
    mount.c fdtable.c stream.c pipe.c tmpfs.c tmpfs_data.c devfs.c memdev.c procfs.c \
    proc_system.c proc_task.c initramfs.c cpio.c)
$(eval $(call unit_test,pvk_cpio,tests/unit/pvk/cpio_test.c pv-kernel/fs/cpio.c,unit_pvk))
$(eval $(call unit_test,pvk_line,tests/unit/pvk/line_test.c pv-kernel/tty/line.c,unit_pvk))
$(eval $(call unit_test,pvk_files,tests/unit/pvk/files_test.c $(UNIT_PVK_FILES),unit_pvk))
$(eval $(call unit_test,pvk_pipes,tests/unit/pvk/pipes_test.c $(UNIT_PVK_FILES),unit_pvk))
$(eval $(call unit_test,pvk_terminal,tests/unit/pvk/terminal_test.c $(UNIT_PVK_FILES) \
    $(addprefix pv-kernel/tty/,tty.c line.c tty_ioctl.c job.c console.c pty.c) \
    pv-kernel/net/unix.c,unit_pvk))
$(eval $(call unit_test,pvk_ext2,tests/unit/pvk/ext2_test.c $(UNIT_PVK_FILES) \
    $(addprefix pv-kernel/fs/,ext2.c ext2_dir.c),unit_pvk))
$(eval $(call unit_test,pvk_virtqueue,tests/unit/pvk/virtqueue_test.c \
    pv-kernel/drivers/virtqueue.c,unit_pvk))
$(eval $(call unit_test,pvk_blkback,tests/unit/pvk/blkback_test.c pv-kernel/back/block.c \
    pv-kernel/block/block.c,unit_pvk))
$(eval $(call unit_test,pvk_pci,tests/unit/pvk/pci_test.c $(addprefix pv-kernel/drivers/,pci.c \
    virtio.c virtqueue.c),unit_pvk))
$(eval $(call unit_test,pvk_evtchn,tests/unit/pvk/evtchn_test.c pv-kernel/xen/evtchn.c,unit_pvk))
$(eval $(call unit_test,pvk_block,tests/unit/pvk/block_test.c pv-kernel/block/block.c,unit_pvk))
