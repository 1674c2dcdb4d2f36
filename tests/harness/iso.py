# SPDX-License-Identifier: MIT
"""CD images that boot a hypervisor by GRUB and Multiboot 2, on a BIOS and under UEFI.

GRUB is not installed on this machine but unpacked into the cache, so its images are put together
here: a core image for El Torito, and an EFI program in a FAT file system of its own.
"""

import os
import subprocess
import threading
from pathlib import Path

from . import places

MODULES = ["normal", "configfile", "search", "search_fs_file", "iso9660", "fat", "part_msdos",
           "serial", "terminal", "echo", "multiboot2", "test", "boot"]

# Found by its file, as the name of the CD differs between firmwares.
EARLY = "search.file /pavane-test.cfg root\nconfigfile ($root)/pavane-test.cfg\n"

# As Debian's own GRUB scripts have it, a word stands where other loaders put the file's name.
CONFIG = """\
serial --unit=0 --speed=115200
terminal_output serial
multiboot2 /hypervisor placeholder {options}
{modules}
boot
"""

_lock = threading.Lock()


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          env={**os.environ, "LD_LIBRARY_PATH": str(places.GRUB_LIBRARIES)})
    if done.returncode != 0:
        raise RuntimeError(f"{Path(str(command[0])).name} failed: {done.stderr.strip()[-500:]}")


def core(folder, platform, more):
    """GRUB's own image for one platform."""
    image = folder / f"core-{platform}"
    (folder / "early.cfg").write_text(EARLY)
    modules = places.GRUB / "usr/lib/grub" / platform.removesuffix("-eltorito")
    run(places.GRUB / "usr/bin/grub-mkimage", "-d", modules, "-O", platform, "-p", "/",
        "-c", folder / "early.cfg", "-o", image, *MODULES, *more)
    return image


def loaders():
    """The boot images for both firmwares; made once for a build folder."""
    folder = places.BUILD / "grub"
    bios, efi = folder / "bios.img", folder / "efi.img"
    with _lock:
        if not (bios.exists() and efi.exists()):
            folder.mkdir(parents=True, exist_ok=True)
            program = core(folder, "x86_64-efi", [])
            with open(efi, "wb") as fat:
                fat.truncate(4 << 20)
            run("mformat", "-i", efi, "-T", "8192", "::")
            run("mmd", "-i", efi, "::/EFI", "::/EFI/BOOT")
            run("mcopy", "-i", efi, program, "::/EFI/BOOT/BOOTX64.EFI")
            core(folder, "i386-pc-eltorito", ["biosdisk"]).rename(bios)
    return bios, efi


def make(name, hypervisor, options, modules):
    """Builds a CD; modules are pairs of a file and its command line. Returns its path."""
    bios, efi = loaders()
    tree = places.BUILD / "iso" / name
    tree.mkdir(parents=True, exist_ok=True)
    entries = {"bios.img": bios, "efi.img": efi, "hypervisor": hypervisor}
    lines = []
    for number, (file, arguments) in enumerate(modules, 1):
        entries[f"module{number}"] = file
        lines.append(f"module2 --nounzip /module{number} placeholder {arguments}".rstrip())
    for target, source in entries.items():
        (tree / target).write_bytes(Path(source).read_bytes())
    (tree / "pavane-test.cfg").write_text(CONFIG.format(options=options, modules="\n".join(lines)))
    image = tree.with_suffix(".iso")
    run("xorriso", "-as", "mkisofs", "-quiet", "-R", "-o", image,
        "-b", "bios.img", "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table",
        "-eltorito-alt-boot", "-e", "efi.img", "-no-emul-boot", tree)
    return str(image)
