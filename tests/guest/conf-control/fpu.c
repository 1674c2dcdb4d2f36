/* SPDX-License-Identifier: MIT */
/* FPU and SSE registers of domains that share a processor. */
#include "child.h"

#define FCW_RESET   0x037f
#define MXCSR_RESET 0x1f80
#define PATTERN     0x5ec7e75ec7e75ec7UL

/* The FXSAVE layout. */
struct image {
    uint16_t fcw, fsw, ftw, fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint64_t x87[16], xmm[32];
};

static unsigned int not_zero(const volatile uint64_t *words, unsigned int n)
{
    unsigned int count = 0;

    for (unsigned int i = 0; i < n; i++)
        count += words[i] != 0;
    return count;
}

static void fill_registers(void)
{
    static uint64_t value = PATTERN;

    __asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm5; movq %0, %%xmm15; fildq %0; fildq %0"
                     : : "m"(value));
}

static uint64_t read_xmm5(void)
{
    uint64_t value;

    __asm__ volatile("movq %%xmm5, %0" : "=r"(value));
    return value;
}

CASE(fpu_other_domain, "XSA-52, XSA-62, XSA-165, XSA-172, XSA-267: a new domain finds its FPU, SSE "
     "and last-instruction registers reset, whatever another one left; and that one keeps its own",
     "fpu.state:other_domain")
{
    struct image image;
    struct child c;

    if (!child_build(&c, child_fpu))
        return;
    fill_registers();
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(c.shared->count > 2));
    EXPECT_EQ(read_xmm5(), PATTERN);
    __asm__ volatile("fninit; pxor %xmm0, %xmm0; pxor %xmm5, %xmm5; pxor %xmm15, %xmm15");
    memcpy(&image, (const char *)c.shared + SHARED_FPU, sizeof(image));
    EXPECT_EQ(image.fcw, FCW_RESET);
    EXPECT_EQ(image.mxcsr, MXCSR_RESET);
    EXPECT_EQ(image.fip | image.fdp | image.fop, 0);
    EXPECT_EQ(not_zero(image.x87, PV_ARRAY_SIZE(image.x87)), 0);
    EXPECT_EQ(not_zero(image.xmm, PV_ARRAY_SIZE(image.xmm)), 0);
    EXPECT_EQ(child_destroy(&c), 0);
}

CASE(fpu_bad_image, "XSA-53: a context whose FPU image has reserved bits of MXCSR, which the "
     "processor refuses to load, harms nobody: the domain runs",
     "fpu.state:bad_image")
{
    static struct vcpu_guest_context ctx;
    struct xen_domctl op = { .cmd = XEN_DOMCTL_getvcpucontext };
    struct image *fpu = (struct image *)&ctx.fpu_ctxt, image;
    struct child c;

    if (!child_build(&c, child_fpu))
        return;
    op.domain = c.id;
    set_xen_guest_handle(op.u.vcpucontext.ctxt, &ctx);
    EXPECT_EQ(domctl(&op), 0);
    ctx.flags |= VGCF_i387_valid;
    fpu->fcw = FCW_RESET;
    fpu->mxcsr = ~0u;
    op.cmd = XEN_DOMCTL_setvcpucontext;
    EXPECT_EQ(domctl(&op), 0);
    EXPECT_EQ(domctl_simple(XEN_DOMCTL_unpausedomain, c.id), 0);
    EXPECT_TRUE(WAIT_FOR(c.shared->count > 2));
    memcpy(&image, (const char *)c.shared + SHARED_FPU, sizeof(image));
    EXPECT_ON((image.mxcsr & ~0x2ffffu) != 0, 1, 0,
              "Xen would catch the restore's fault, which the emulated processor does not raise");
    EXPECT_EQ(child_destroy(&c), 0);
}
