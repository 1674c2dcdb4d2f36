/* SPDX-License-Identifier: MIT */
/* Where the hypervisor enters the guest kernel: trap table, callbacks, kernel stack. */
#include "../lib/case.h"
#include "../lib/frame.h"

CONF_GUEST("conf-cpu");

static void give_back(void)
{
    for (unsigned int vector = 0; vector < 32; vector++)
        EXPECT_EQ(pv_set_trap_raw(vector, NULL, 0), 0);
}

static void callbacks_back(void)
{
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_event, NULL, 0), 0);
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_failsafe, NULL, 0), 0);
    EXPECT_EQ(pv_set_callback(CALLBACKTYPE_syscall, NULL, 0), 0);
}

static void do_int60(void *arg)
{
    (void)arg;
    __asm__ volatile("int $0x60");
}

CASE(trap_table_entry, "an entry sets its vector and leaves the others", "set_trap_table:effect")
{
    struct trap_info table[] = {
        { .vector = 0x60, .flags = 3, .cs = FLAT_KERNEL_CS, .address = (uint64_t)conf_entry },
        { .address = 0 },
    };
    uint64_t value;

    if (conf_no_software_interrupts())
        return;
    EXPECT_EQ(HYPERVISOR_set_trap_table(table), 0);
    EXPECT_TRUE(conf_catch(do_int60, NULL));
    EXPECT_FAULT(pv_probe_read(CONF_EMPTY_VA, &value), PV_FAULT(PV_PF, 0));
}

CASE(trap_table_null, "no table at all clears the vectors", "set_trap_table:effect")
{
    pv_fault_t f;

    EXPECT_EQ(pv_set_trap_raw(0x60, conf_entry, 3), 0);
    EXPECT_EQ(HYPERVISOR_set_trap_table(NULL), 0);
    give_back();
    PV_TRY_ASM(f, "int $0x60", PV_OUT(), PV_IN());
    EXPECT_EQ(pv_fault_vector(f), PV_GP);
}

CASE(trap_table_canonical, "an address that is not canonical is -EINVAL; entries before it are "
     "taken",
     "set_trap_table:EINVAL")
{
    struct trap_info table[] = {
        { .vector = 0x61, .flags = 3, .cs = FLAT_KERNEL_CS, .address = (uint64_t)conf_entry },
        { .vector = 0x62, .flags = 3, .cs = FLAT_KERNEL_CS, .address = CONF_BAD_VA },
        { .address = 0 },
    };
    pv_fault_t f;

    EXPECT_EQ(HYPERVISOR_set_trap_table(table), -XEN_EINVAL);
    PV_TRY_ASM(f, "int $0x62", PV_OUT(), PV_IN());
    EXPECT_EQ(pv_fault_vector(f), PV_GP);
}

CASE(trap_table_fault, "a table that can't be read is -EFAULT", "set_trap_table:EFAULT")
{
    EXPECT_EQ(HYPERVISOR_set_trap_table((struct trap_info *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_set_trap_table((struct trap_info *)CONF_BAD_VA), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_set_trap_table((struct trap_info *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
}

CASE(callbacks_old_form, "set_callbacks sets three entries; it says 0 even for an address that is "
     "not canonical, which it leaves out",
     "set_callbacks:effect")
{
    uint64_t good = (uint64_t)conf_entry;
    int port = pv_bind_ipi(0, NULL, NULL);

    EXPECT_EQ(HYPERVISOR_set_callbacks(good, good, good), 0);
    callbacks_back();
    EXPECT_EQ(HYPERVISOR_set_callbacks(CONF_BAD_VA, CONF_BAD_VA, CONF_BAD_VA), 0);
    EXPECT_EQ(pv_notify(port), 0);
    pv_events_enable();
    pv_events_disable();
    EXPECT_EQ(pv_event_count(port), 1);
    EXPECT_EQ(pv_close(port), 0);
    callbacks_back();
}

static long register_one(unsigned int type, uint64_t address)
{
    struct callback_register reg = { .type = type, .address = address };

    return HYPERVISOR_callback_op(CALLBACKOP_register, &reg);
}

static long unregister_one(unsigned int type)
{
    struct callback_unregister unreg = { .type = type };

    return HYPERVISOR_callback_op(CALLBACKOP_unregister, &unreg);
}

CASE(callback_register_types, "each known type can be registered; an unknown one is -ENOSYS",
     "callback_op.register:effect callback_op.register:ENOSYS")
{
    static const struct {
        unsigned int type;
        long result;
    } rows[] = {
        { CALLBACKTYPE_event, 0 },    { CALLBACKTYPE_failsafe, 0 }, { CALLBACKTYPE_syscall, 0 },
        { CALLBACKTYPE_nmi, 0 },      { CALLBACKTYPE_syscall32, 0 }, { 6, -XEN_ENOSYS },
        { CALLBACKTYPE_sysenter, 0 }, { 8, -XEN_ENOSYS },            { 0xffff, -XEN_ENOSYS },
    };

    for (size_t i = 0; i < PV_ARRAY_SIZE(rows); i++) {
        char what[40];

        snprintf(what, sizeof(what), "type %u", rows[i].type);
        EXPECT_ROW(register_one(rows[i].type, (uint64_t)conf_entry), rows[i].result, what);
    }
    unregister_one(CALLBACKTYPE_nmi);
    callbacks_back();
}

CASE(callback_register_bad, "an address that is not canonical is -EINVAL, a bad pointer -EFAULT",
     "callback_op.register:EINVAL callback_op.register:EFAULT")
{
    EXPECT_EQ(register_one(CALLBACKTYPE_event, CONF_BAD_VA), -XEN_EINVAL);
    EXPECT_EQ(register_one(CALLBACKTYPE_syscall, CONF_BAD_VA), -XEN_EINVAL);
    EXPECT_EQ(HYPERVISOR_callback_op(CALLBACKOP_register, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
    EXPECT_EQ(HYPERVISOR_callback_op(CALLBACKOP_register, (void *)CONF_HYPERVISOR_VA), -XEN_EFAULT);
}

CASE(callback_unregister_types, "only the NMI callback can be taken away",
     "callback_op.unregister:effect callback_op.unregister:EINVAL callback_op.unregister:ENOSYS "
     "callback_op.unregister:EFAULT")
{
    EXPECT_EQ(unregister_one(CALLBACKTYPE_nmi), 0);
    EXPECT_EQ(unregister_one(CALLBACKTYPE_event), -XEN_EINVAL);
    EXPECT_EQ(unregister_one(CALLBACKTYPE_failsafe), -XEN_EINVAL);
    EXPECT_EQ(unregister_one(CALLBACKTYPE_syscall), -XEN_EINVAL);
    EXPECT_EQ(unregister_one(CALLBACKTYPE_sysenter), -XEN_EINVAL);
    EXPECT_EQ(unregister_one(6), -XEN_ENOSYS);
    EXPECT_EQ(HYPERVISOR_callback_op(CALLBACKOP_unregister, (void *)CONF_EMPTY_VA), -XEN_EFAULT);
}

CASE(callback_unregister_syscall32, "the 32-bit SYSCALL's callback can't be taken away either",
     "callback_op.unregister:EINVAL")
{
    EXPECT_EQ(unregister_one(CALLBACKTYPE_syscall32), -XEN_EINVAL);
    EXPECT_EQ(register_one(CALLBACKTYPE_syscall32, (uint64_t)conf_entry), 0);
    EXPECT_EQ(unregister_one(CALLBACKTYPE_syscall32), -XEN_EINVAL);
    EXPECT_EQ(register_one(CALLBACKTYPE_syscall32, 0), 0);
}

CASE(callback_unknown, "another command is -ENOSYS", "callback_op:ENOSYS")
{
    EXPECT_EQ(HYPERVISOR_callback_op(2, NULL), -XEN_ENOSYS);
}

static void user_int3(void *arg)
{
    (void)arg;
    conf_enter_user((uint64_t)PV_USER_PTR(conf_user_int3), PV_RFLAGS_IF);
}

CASE(stack_switch_effect, "an exception in user mode comes in on the stack that stack_switch "
     "named, aligned down to 16",
     "stack_switch:effect")
{
    static char stack[4096] __attribute__((aligned(16)));
    uint64_t top = (uint64_t)stack + sizeof(stack);

    EXPECT_EQ(pv_user_init(), 0);
    EXPECT_EQ(pv_set_trap_raw(PV_BP, conf_entry, 3), 0);
    for (uint64_t offset = 0; offset < 32; offset += 8) {
        EXPECT_EQ(HYPERVISOR_stack_switch(FLAT_KERNEL_SS, top - offset), 0);
        EXPECT_TRUE(conf_catch(user_int3, NULL));
        EXPECT_EQ(conf_frame.at, ((top - offset) & ~15UL) - 7 * 8);
    }
    EXPECT_EQ(pv_user_init(), 0);
    EXPECT_EQ(pv_set_trap_raw(PV_BP, NULL, 0), 0);
}

static void send_nmi(void *arg)
{
    HYPERVISOR_vcpu_op(VCPUOP_send_nmi, 0, arg);
}

static void iret_with(void *frame)
{
    conf_iret(frame);
}

CASE(callback_nmi, "an NMI goes to the registered callback with its frame; no second one comes "
     "before iret",
     "callback.nmi:effect")
{
    struct iret_context frame = {
        .rip = (uint64_t)conf_after_iret, .cs = FLAT_KERNEL_CS & ~3, .rflags = 2,
        .rsp = (uint64_t)__builtin_frame_address(0) - 4096, .ss = FLAT_KERNEL_SS,
    };

    EXPECT_EQ(register_one(CALLBACKTYPE_nmi, (uint64_t)conf_entry), 0);
    EXPECT_TRUE(conf_catch(send_nmi, NULL));
    EXPECT_EQ(conf_frame.slot[3] & 0xffff, FLAT_KERNEL_CS & ~3);
    EXPECT_EQ(conf_frame.slot[6], FLAT_KERNEL_SS);
    EXPECT_TRUE(!conf_catch(send_nmi, NULL));
    EXPECT_TRUE(conf_catch(iret_with, &frame));
    conf_iret(&frame);
    EXPECT_EQ(unregister_one(CALLBACKTYPE_nmi), 0);
    EXPECT_EQ(pv_set_trap_raw(PV_NMI, NULL, 0), 0);
}
