/* SPDX-License-Identifier: MIT */
/*
 * The door of mm/: address spaces of processes, user memory, small objects.
 *
 * A process has two page-table roots that share everything below: the kernel's (used in kernel
 * mode, user half mapped as well, so that hypercalls can take user pointers) and the user's
 * (without the kernel). The user half is L4 slots 0 to 255. Frames have a count of user mappings
 * (frame.c), so that fork shares them copy-on-write.
 */
#ifndef PVK_MM_H
#define PVK_MM_H

#include "kernel.h"

struct file;

#define USER_END       0x0000800000000000ul
#define USER_STACK_TOP 0x00007ffffffff000ul
#define MMAP_BASE      0x00007f0000000000ul

#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4
#define MAP_SHARED    0x01
#define MAP_PRIVATE   0x02
#define MAP_FIXED     0x10
#define MAP_ANONYMOUS 0x20
#define MAP_LOCKED    0x2000
#define MAP_POPULATE  0x8000
#define MAP_FIXED_NOREPLACE 0x100000
#define MREMAP_MAYMOVE 1

struct space;
struct vma;

/*
 * What a mapping of a device does instead of the default. fault: puts a page in (0), or -EFAULT;
 * unmap: before the entries go (foreign and granted frames are taken out here); NULL: default.
 */
struct vma_ops {
    int (*fault)(struct vma *vma, uint64_t va, bool write);
    void (*unmap)(struct vma *vma);
    bool no_fork;                   /* not inherited */
};

/*
 * A mapping: [start, end), page-aligned, and no two of a space overlap. When it is split, each part
 * holds a reference on the file, and the offset follows.
 */
struct vma {
    uint64_t start, end;
    int prot, flags;
    struct file *file;              /* holds a reference; NULL: anonymous */
    uint64_t offset;                /* of start, in the file */
    const struct vma_ops *ops;      /* NULL: memory */
    void *private;
    struct space *space;
    struct list link;               /* in address order */
};

/*
 * ---- space.c, map.c, device.c, fault.c ----
 * Inside the kernel the user half is always the current process's (space_activate follows it).
 */
void mm_init(void);                             /* once, before any other call of the room's */
struct space *space_create(void);               /* empty, with one reference; NULL: no memory */
struct space *space_fork(struct space *from);   /* copy-on-write; NULL: no memory */
void space_get(struct space *s);
void space_put(struct space *s);
bool space_shared(const struct space *s);       /* between a vfork's two sides */
void space_activate(struct space *s);           /* NULL: kernel only */
long space_mmap(struct space *s, uint64_t addr, uint64_t len, int prot, int flags,
                struct file *file, uint64_t offset);
long space_munmap(struct space *s, uint64_t addr, uint64_t len);
long space_mprotect(struct space *s, uint64_t addr, uint64_t len, int prot);
long space_mremap(struct space *s, uint64_t addr, uint64_t old_len, uint64_t len, int flags);
/* Gives anonymous private pages back; they are zeroes at the next touch. */
long space_discard(struct space *s, uint64_t addr, uint64_t len);
long space_brk(struct space *s, uint64_t brk);          /* the break now; 0 asks */
struct vma *space_find(struct space *s, uint64_t va);
/* The mappings in address order: NULL begins, NULL ends. For /proc. */
struct vma *space_next(struct space *s, const struct vma *vma);
void space_set_brk(struct space *s, uint64_t start);
/*
 * A page fault of user code, or of the kernel at a user address: true if it was dealt with. False:
 * the access is an error, or there is no memory, for which the process is being killed.
 */
bool space_fault(struct space *s, uint64_t va, bool write, bool exec);
/* Puts frame @mfn at @va (a device's or another domain's; not counted), -errno on refusal. */
int space_map_frame(struct vma *vma, uint64_t va, pv_mfn_t mfn, bool writable, domid_t owner);
int space_unmap_frames(struct vma *vma, uint64_t va, unsigned int nr);
/*
 * Makes every page of [va, va + len) present, writable if @write, and never taken away while
 * mapped.
 */
int space_populate(struct space *s, uint64_t va, uint64_t len, bool write);
/* The frame at @va, PV_INVALID_FRAME if nothing is mapped there now. */
pv_mfn_t space_frame(struct space *s, uint64_t va);
/* The machine address of the level-1 entry for @va, its table built if missing; 0: no memory. */
uint64_t space_pte_maddr(struct space *s, uint64_t va);

/*
 * ---- frame.c: pages with a count, by home address: of user mappings, and one of the file that a
 * page belongs to. A page with more than one is not written through a private mapping.
 */
void *frame_alloc(void);        /* a page of zeroes with count 1, or NULL */
void frame_get(void *page);
void frame_put(void *page);     /* frees the page with the last count */
unsigned int frame_refs(const void *page);

/* ---- uaccess.c: 0 or -EFAULT; strings: length or -EFAULT, -ENAMETOOLONG ---- */
int copy_from_user(void *dst, uint64_t src, size_t len);
int copy_to_user(uint64_t dst, const void *src, size_t len);
int clear_user(uint64_t dst, size_t len);
long strncpy_from_user(char *dst, uint64_t src, size_t size);

#endif
