# SPDX-License-Identifier: MIT
#
# The mini kernel, $(BUILD)/guests/pv-kernel.elf, which is also the guest that the hypervisor
# embeds.

CFLAGS_pvk := $(CFLAGS_guest) -Ipv-kernel
$(eval $(call flavour,pvk))

PVK_SRCS := pv-kernel/main.c
PVK_SRCS += $(addprefix pv-kernel/arch/,platform.c fpu.c traps.c switch.S)
PVK_SRCS += $(addprefix pv-kernel/mm/,frame.c kmalloc.c pagetable.c vma.c space.c map.c fault.c \
    device.c uaccess.c)
PVK_SRCS += $(addprefix pv-kernel/proc/,task.c sched.c timer.c fork.c exec.c elf.c exit.c signal.c \
    sigframe.c random.c)
PVK_SRCS += $(addprefix pv-kernel/syscall/,table.c dispatch.c proc.c mm.c signal.c time.c system.c \
    futex.c file.c fcntl.c path.c dir.c stat.c transfer.c poll.c socket.c)
PVK_SRCS += $(addprefix pv-kernel/fs/,vfs.c namei.c open.c mount.c fdtable.c stream.c pipe.c \
    tmpfs.c tmpfs_data.c devfs.c memdev.c procfs.c proc_system.c proc_task.c initramfs.c cpio.c \
    ext2.c ext2_dir.c ext2_mount.c)
PVK_SRCS += $(addprefix pv-kernel/tty/,tty.c line.c tty_ioctl.c job.c console.c pty.c)
PVK_SRCS += pv-kernel/net/unix.c
PVK_SRCS += $(addprefix pv-kernel/block/,block.c node.c)
PVK_SRCS += $(addprefix pv-kernel/drivers/,drivers.c pci.c pci_ports.c msix.c virtio.c \
    virtqueue.c virtio_blk.c)
PVK_SRCS += $(addprefix pv-kernel/xen/,devices.c hypercall.c privcmd.c evtchn.c gntdev.c \
    xenbus_backend.c store.c)
PVK_SRCS += $(addprefix pv-kernel/,front/block.c front/control.c back/block.c back/backends.c)
PVK_SRCS += $(addprefix pv-kernel/monitor/,monitor.c commands.c input.c)

$(eval $(call GUEST,pv-kernel,$(PVK_SRCS),,pvk))

DEFAULT_GUEST := $(BUILD)/guests/pv-kernel.elf
