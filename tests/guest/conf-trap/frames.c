/* SPDX-License-Identifier: MIT */
/* What the hypervisor pushes and loads when it delivers an exception. */
#include "../lib/case.h"
#include "../lib/frame.h"

CONF_GUEST("conf-trap");

#define KERNEL_CS_SHOWN (FLAT_KERNEL_CS & ~3UL)
#define RFLAGS_SET      2UL
#define RFLAGS_AC       0x40000UL
#define RFLAGS_NT       0x4000UL
#define RFLAGS_IOPL     0x3000UL

extern const char at_int3[], at_ud2[], at_load[];

static void do_int3(void *arg)
{
    (void)arg;
    __asm__ volatile(".globl at_int3; at_int3: int3" : : "c"(0xc0c0), "a"(0xa0a0));
}

static void do_ud2(void *arg)
{
    (void)arg;
    __asm__ volatile(".globl at_ud2; at_ud2: ud2");
}

static void do_load(void *arg)
{
    __asm__ volatile(".globl at_load; at_load: mov (%0), %%rax" : : "r"(arg) : "rax");
}

/* Delivers a vector to conf_entry while fn runs. */
static bool catch_vector(unsigned int vector, unsigned int flags, void (*fn)(void *), void *arg)
{
    bool caught;

    if (pv_set_trap_raw(vector, conf_entry, flags))
        return false;
    caught = conf_catch(fn, arg);
    pv_set_trap_raw(vector, NULL, 0);
    return caught;
}

CASE(frame_kernel, "from kernel mode: rcx, r11, rip, cs, rflags, rsp, ss on the current stack, "
     "16-byte aligned below it",
     "frame.kernel:layout")
{
    uint64_t *slot = conf_frame.slot;

    EXPECT_TRUE(catch_vector(PV_BP, 3, do_int3, NULL));
    EXPECT_EQ(slot[0], 0xc0c0);
    EXPECT_EQ(slot[2], at_int3 + 1);
    EXPECT_EQ(slot[3] & 0xffff, KERNEL_CS_SHOWN);
    EXPECT_EQ(slot[4] & RFLAGS_SET, RFLAGS_SET);
    EXPECT_EQ(slot[6], FLAT_KERNEL_SS);
    EXPECT_EQ(conf_frame.at, (slot[5] & ~15UL) - 7 * 8);
    EXPECT_EQ(conf_frame.rax, 0xa0a0);
}

CASE(frame_error_code, "an exception with an error code has it between r11 and rip",
     "frame.kernel:error")
{
    uint64_t *slot = conf_frame.slot;

    EXPECT_TRUE(catch_vector(PV_PF, 0, do_load, (void *)CONF_EMPTY_VA));
    EXPECT_EQ(slot[2], 0);
    EXPECT_EQ(slot[3], at_load);
    EXPECT_EQ(slot[4] & 0xffff, KERNEL_CS_SHOWN);
    EXPECT_EQ(slot[7], FLAT_KERNEL_SS);
    EXPECT_EQ(conf_frame.at, (slot[6] & ~15UL) - 8 * 8);
}

CASE(frame_new_context, "a handler starts with flat segments and with rflags' TF, NT, RF, VM, AC "
     "clear",
     "frame.kernel:context")
{
    EXPECT_TRUE(catch_vector(PV_UD, 0, do_ud2, NULL));
    EXPECT_EQ(conf_frame.cs, FLAT_KERNEL_CS);
    EXPECT_EQ(conf_frame.ss, FLAT_KERNEL_SS);
    EXPECT_EQ(conf_frame.rflags & (PV_RFLAGS_TF | RFLAGS_NT | RFLAGS_AC | 0x30000), 0);
    /* The real interrupt flag is the hypervisor's and always set. */
    EXPECT_EQ(conf_frame.rflags & PV_RFLAGS_IF, PV_RFLAGS_IF);
}

static void ud2_with_ac(void *arg)
{
    (void)arg;
    __asm__ volatile("pushfq; orq $0x44000, (%%rsp); popfq; ud2" ::: "memory", "cc");
}

CASE(frame_ac_nt, "AC and NT are in the saved rflags and clear in the handler",
     "frame.kernel:context")
{
    EXPECT_TRUE(catch_vector(PV_UD, 0, ud2_with_ac, NULL));
    EXPECT_EQ(conf_frame.slot[4] & (RFLAGS_AC | RFLAGS_NT), RFLAGS_AC | RFLAGS_NT);
    EXPECT_EQ(conf_frame.rflags & (RFLAGS_AC | RFLAGS_NT), 0);
}

CASE(frame_mask, "bit 2 of the entry's flags masks events in the handler; without it the mask "
     "stays",
     "frame.mask:effect set_trap_table:effect")
{
    pv_events_enable();
    EXPECT_TRUE(catch_vector(PV_UD, 4, do_ud2, NULL));
    EXPECT_EQ(conf_frame.mask, 1);
    EXPECT_TRUE(catch_vector(PV_UD, 0, do_ud2, NULL));
    EXPECT_EQ(conf_frame.mask, 0);
    pv_events_disable();
    EXPECT_TRUE(catch_vector(PV_UD, 0, do_ud2, NULL));
    EXPECT_EQ(conf_frame.mask, 1);
}

CASE(frame_saved_mask, "the byte above cs is the event mask before, and the saved IF its opposite",
     "frame.mask:saved")
{
    pv_events_enable();
    EXPECT_TRUE(catch_vector(PV_UD, 4, do_ud2, NULL));
    EXPECT_EQ(conf_frame.slot[3] >> 32 & 0xff, 0);
    EXPECT_EQ(conf_frame.slot[4] & PV_RFLAGS_IF, PV_RFLAGS_IF);
    pv_events_disable();
    EXPECT_TRUE(catch_vector(PV_UD, 4, do_ud2, NULL));
    EXPECT_EQ(conf_frame.slot[3] >> 32 & 0xff, 1);
    EXPECT_EQ(conf_frame.slot[4] & PV_RFLAGS_IF, 0);
    EXPECT_EQ(conf_frame.slot[4] & RFLAGS_IOPL, 0);
}

struct from_user {
    uint64_t rip, rflags;
};

static void to_user(void *arg)
{
    const struct from_user *to = arg;

    pv_user_init();
    conf_enter_user(to->rip, to->rflags);
}

CASE(frame_user, "XSA-183: from user mode, with SMAP, too, the frame is at the top of the kernel "
     "stack and shows user selectors",
     "frame.user:layout")
{
    struct from_user to = { (uint64_t)PV_USER_PTR(conf_user_int3), PV_RFLAGS_IF };
    uint64_t *slot = conf_frame.slot;

    EXPECT_TRUE(catch_vector(PV_BP, 7, to_user, &to));
    EXPECT_EQ(conf_frame.at, pv_this_vcpu()->trap_stack - 7 * 8);
    EXPECT_EQ(slot[0], 0xcccc);
    EXPECT_EQ(slot[1], 0xbbbb);
    EXPECT_EQ(slot[2], to.rip + 1);
    EXPECT_EQ(slot[3] & 0xffff, FLAT_USER_CS);
    EXPECT_EQ(slot[3] >> 32 & 0xff, 0);
    EXPECT_EQ(slot[4] & PV_RFLAGS_IF, PV_RFLAGS_IF);
    EXPECT_EQ(slot[5], pv_user_stack(0) - 64);
    EXPECT_EQ(slot[6], FLAT_USER_SS);
    EXPECT_EQ(conf_frame.rax, 0xaaaa);
    EXPECT_EQ(conf_frame.cs, FLAT_KERNEL_CS);
    EXPECT_EQ(conf_frame.mask, 1);
    EXPECT_EQ(pv_this_vcpu()->id, 0);
}

CASE(frame_direction, "the direction flag of the interrupted code shows in its rflags",
     "frame.user:layout")
{
    struct from_user to = { (uint64_t)PV_USER_PTR(conf_user_ud2), PV_RFLAGS_IF | PV_RFLAGS_DF };

    EXPECT_TRUE(catch_vector(PV_UD, 7, to_user, &to));
    EXPECT_EQ(conf_frame.slot[4] & PV_RFLAGS_DF, PV_RFLAGS_DF);
    EXPECT_EQ(conf_frame.slot[2], to.rip);
}

CASE(syscall_frame, "syscall in user mode: the frame of an event, rip behind the instruction, "
     "rflags and user selectors",
     "callback.syscall:effect frame.syscall:layout")
{
    struct from_user to = { (uint64_t)PV_USER_PTR(conf_user_syscall), PV_RFLAGS_IF | 1 };
    uint64_t *slot = conf_frame.slot;

    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_syscall, conf_entry, CALLBACKF_mask_events), 0);
    EXPECT_TRUE(conf_catch(to_user, &to));
    EXPECT_EQ(conf_frame.at, pv_this_vcpu()->trap_stack - 7 * 8);
    EXPECT_EQ(slot[2], to.rip + 7);
    EXPECT_EQ(slot[3] & 0xffff, FLAT_USER_CS);
    EXPECT_EQ(slot[4] & (PV_RFLAGS_IF | 1), PV_RFLAGS_IF | 1);
    EXPECT_EQ(slot[5], pv_user_stack(0) - 64);
    EXPECT_EQ(slot[6], FLAT_USER_SS);
    EXPECT_EQ(conf_frame.rax, 0x1234);
    EXPECT_EQ(conf_frame.mask, 1);
    EXPECT_EQ(conf_frame.slot[3] >> 32 & 0xff, 0);
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_syscall, NULL, 0), 0);
}

CASE(syscall_unmasked, "a syscall callback registered without the flag leaves events enabled",
     "callback.syscall:mask")
{
    struct from_user to = { (uint64_t)PV_USER_PTR(conf_user_syscall), PV_RFLAGS_IF };

    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_syscall, conf_entry, 0), 0);
    EXPECT_TRUE(conf_catch(to_user, &to));
    EXPECT_EQ(conf_frame.mask, 0);
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_syscall, NULL, 0), 0);
}

CASE(sysenter_frame, "sysenter in user mode: on an Intel processor its callback, with a frame that "
     "says user mode and no rsp; on an AMD one #UD",
     "callback.sysenter:effect")
{
    struct from_user to = { (uint64_t)PV_USER_PTR(conf_user_sysenter), PV_RFLAGS_IF };

    if (!conf_vendor_intel()) {
        EXPECT_TRUE(catch_vector(PV_UD, 7, to_user, &to));
        EXPECT_EQ(conf_frame.slot[2], to.rip);
        return;
    }
    if (!conf_on_pavane()) {
        conf_skip("Xen 4.17.7 takes a double fault here: its entry stack is one from its boot");
        return;
    }
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_sysenter, conf_entry, CALLBACKF_mask_events), 0);
    EXPECT_TRUE(conf_catch(to_user, &to));
    EXPECT_EQ(conf_frame.slot[3] & 3, 3);
    EXPECT_EQ(conf_frame.slot[5], 0);
    EXPECT_EQ(conf_frame.mask, 1);
    EXPECT_EQ(conf_frame.at, pv_this_vcpu()->trap_stack - 7 * 8);
}
