// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/hv.h. Do not edit.

use core::ffi::c_int;

use crate::*;

pub const HV_STATUS_SUCCESS: u32 = 0x00000000;
pub const HV_STATUS_INVALID_HYPERCALL_CODE: u32 = 0x00000002;
pub const HV_STATUS_INVALID_HYPERCALL_INPUT: u32 = 0x00000003;
pub const HV_STATUS_INVALID_ALIGNMENT: u32 = 0x00000004;
pub const HV_STATUS_INVALID_PARAMETER: u32 = 0x00000005;
pub const HV_STATUS_ACCESS_DENIED: u32 = 0x00000006;
pub const HV_STATUS_INVALID_PARTITION_STATE: u32 = 0x00000007;
pub const HV_STATUS_OPERATION_DENIED: u32 = 0x00000008;
pub const HV_STATUS_UNKNOWN_PROPERTY: u32 = 0x00000009;
pub const HV_STATUS_PROPERTY_VALUE_OUT_OF_RANGE: u32 = 0x0000000a;
pub const HV_STATUS_INSUFFICIENT_MEMORY: u32 = 0x0000000b;
pub const HV_STATUS_PARTITION_TOO_DEEP: u32 = 0x0000000c;
pub const HV_STATUS_INVALID_PARTITION_ID: u32 = 0x0000000d;
pub const HV_STATUS_INVALID_VP_INDEX: u32 = 0x0000000e;
pub const HV_STATUS_NOT_FOUND: u32 = 0x00000010;
pub const HV_STATUS_INVALID_PORT_ID: u32 = 0x00000011;
pub const HV_STATUS_INVALID_CONNECTION_ID: u32 = 0x00000012;
pub const HV_STATUS_INSUFFICIENT_BUFFERS: u32 = 0x00000013;
pub const HV_STATUS_NOT_ACKNOWLEDGED: u32 = 0x00000014;
pub const HV_STATUS_INVALID_VP_STATE: u32 = 0x00000015;
pub const HV_STATUS_ACKNOWLEDGED: u32 = 0x00000016;
pub const HV_STATUS_INVALID_SAVE_RESTORE_STATE: u32 = 0x00000017;
pub const HV_STATUS_INVALID_SYNIC_STATE: u32 = 0x00000018;
pub const HV_STATUS_OBJECT_IN_USE: u32 = 0x00000019;
pub const HV_STATUS_INVALID_PROXIMITY_DOMAIN_INFO: u32 = 0x0000001a;
pub const HV_STATUS_NO_DATA: u32 = 0x0000001b;
pub const HV_STATUS_INACTIVE: u32 = 0x0000001c;
pub const HV_STATUS_NO_RESOURCES: u32 = 0x0000001d;
pub const HV_STATUS_FEATURE_UNAVAILABLE: u32 = 0x0000001e;
pub const HV_STATUS_PARTIAL_PACKET: u32 = 0x0000001f;
pub const HV_STATUS_PROCESSOR_FEATURE_NOT_SUPPORTED: u32 = 0x00000020;
pub const HV_STATUS_PROCESSOR_CACHE_LINE_FLUSH_SIZE_INCOMPATIBLE: u32 = 0x00000030;
pub const HV_STATUS_INSUFFICIENT_BUFFER: u32 = 0x00000033;
pub const HV_STATUS_INCOMPATIBLE_PROCESSOR: u32 = 0x00000037;
pub const HV_STATUS_INSUFFICIENT_DEVICE_DOMAINS: u32 = 0x00000038;
pub const HV_STATUS_CPUID_FEATURE_VALIDATION_ERROR: u32 = 0x0000003c;
pub const HV_STATUS_CPUID_XSAVE_FEATURE_VALIDATION_ERROR: u32 = 0x0000003d;
pub const HV_STATUS_PROCESSOR_STARTUP_TIMEOUT: u32 = 0x0000003e;
pub const HV_STATUS_SMX_ENABLED: u32 = 0x0000003f;
pub const HV_STATUS_INVALID_LP_INDEX: u32 = 0x00000041;
pub const HV_STATUS_INVALID_REGISTER_VALUE: u32 = 0x00000050;
pub const HV_STATUS_INVALID_VTL_STATE: u32 = 0x00000051;
pub const HV_STATUS_NX_NOT_DETECTED: u32 = 0x00000055;
pub const HV_STATUS_INVALID_DEVICE_ID: u32 = 0x00000057;
pub const HV_STATUS_INVALID_DEVICE_STATE: u32 = 0x00000058;
pub const HV_STATUS_PENDING_PAGE_REQUESTS: u32 = 0x00000059;
pub const HV_STATUS_PAGE_REQUEST_INVALID: u32 = 0x00000060;
pub const HV_STATUS_KEY_ALREADY_EXISTS: u32 = 0x00000065;
pub const HV_STATUS_DEVICE_ALREADY_IN_DOMAIN: u32 = 0x00000066;
pub const HV_STATUS_INVALID_CPU_GROUP_ID: u32 = 0x0000006f;
pub const HV_STATUS_INVALID_CPU_GROUP_STATE: u32 = 0x00000070;
pub const HV_STATUS_OPERATION_FAILED: u32 = 0x00000071;
pub const HV_STATUS_NOT_ALLOWED_WITH_NESTED_VIRT_ACTIVE: u32 = 0x00000072;
pub const HV_STATUS_INSUFFICIENT_ROOT_MEMORY: u32 = 0x00000073;
pub const HV_STATUS_EVENT_BUFFER_ALREADY_FREED: u32 = 0x00000074;
pub const HV_STATUS_TIMEOUT: u32 = 0x00000078;
pub const HV_STATUS_CALL_PENDING: u32 = 0x00000079;
pub const HV_STATUS_VTL_ALREADY_ENABLED: u32 = 0x00000086;
pub const HV_STATUS_UNKNOWN_REGISTER_NAME: u32 = 0x00000087;
pub const HVCALL_SWITCH_VIRTUAL_ADDRESS_SPACE: u32 = 0x00000001;
pub const HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE: u32 = 0x00000002;
pub const HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST: u32 = 0x00000003;
pub const HVCALL_NOTIFY_LONG_SPIN_WAIT: u32 = 0x00000008;
pub const HVCALL_SEND_SYNTHETIC_CLUSTER_IPI: u32 = 0x0000000b;
pub const HVCALL_MODIFY_VTL_PROTECTION_MASK: u32 = 0x0000000c;
pub const HVCALL_ENABLE_PARTITION_VTL: u32 = 0x0000000d;
pub const HVCALL_DISABLE_PARTITION_VTL: u32 = 0x0000000e;
pub const HVCALL_ENABLE_VP_VTL: u32 = 0x0000000f;
pub const HVCALL_DISABLE_VP_VTL: u32 = 0x00000010;
pub const HVCALL_VTL_CALL: u32 = 0x00000011;
pub const HVCALL_VTL_RETURN: u32 = 0x00000012;
pub const HVCALL_FLUSH_VIRTUAL_ADDRESS_SPACE_EX: u32 = 0x00000013;
pub const HVCALL_FLUSH_VIRTUAL_ADDRESS_LIST_EX: u32 = 0x00000014;
pub const HVCALL_SEND_SYNTHETIC_CLUSTER_IPI_EX: u32 = 0x00000015;
pub const HVCALL_GET_PARTITION_ID: u32 = 0x00000046;
pub const HVCALL_INSTALL_INTERCEPT: u32 = 0x0000004d;
pub const HVCALL_GET_VP_REGISTERS: u32 = 0x00000050;
pub const HVCALL_SET_VP_REGISTERS: u32 = 0x00000051;
pub const HVCALL_TRANSLATE_VIRTUAL_ADDRESS: u32 = 0x00000052;
pub const HVCALL_POST_MESSAGE: u32 = 0x0000005c;
pub const HVCALL_SIGNAL_EVENT: u32 = 0x0000005d;
pub const HVCALL_RETARGET_DEVICE_INTERRUPT: u32 = 0x0000007e;
pub const HVCALL_ASSERT_VIRTUAL_INTERRUPT: u32 = 0x00000094;
pub const HVCALL_START_VIRTUAL_PROCESSOR: u32 = 0x00000099;
pub const HVCALL_GET_VP_INDEX_FROM_APIC_ID: u32 = 0x0000009a;
pub const HVCALL_TRANSLATE_VIRTUAL_ADDRESS_EX: u32 = 0x000000ac;
pub const HVCALL_CHECK_FOR_IO_INTERCEPT: u32 = 0x000000ad;
pub const HVCALL_FLUSH_GUEST_PHYSICAL_ADDRESS_SPACE: u32 = 0x000000af;
pub const HVCALL_FLUSH_GUEST_PHYSICAL_ADDRESS_LIST: u32 = 0x000000b0;
pub const HVCALL_SIGNAL_EVENT_DIRECT: u32 = 0x000000c0;
pub const HVCALL_POST_MESSAGE_DIRECT: u32 = 0x000000c1;
pub const HVCALL_CHECK_SPARSE_GPA_PAGE_VTL_ACCESS: u32 = 0x000000d4;
pub const HVCALL_ACCEPT_GPA_PAGES: u32 = 0x000000d9;
pub const HVCALL_MODIFY_SPARSE_GPA_PAGE_HOST_VISIBILITY: u32 = 0x000000db;
pub const HVCALL_RESTORE_PARTITION_TIME: u32 = 0x00000103;
pub const HVCALL_QUERY_SPARSE_GPA_PAGE_HOST_VISIBILITY: u32 = 0x0000011c;
pub const HVEXTCALL_QUERY_CAPABILITIES: u32 = 0x00008001;
pub const HVEXTCALL_GET_BOOT_ZEROED_MEMORY: u32 = 0x00008002;
pub const HV_EXT_CALL_BIT: u32 = 0x00008000;
pub const HV_HYPERCALL_CODE_MASK: u64 = 0x000000000000ffff;
pub const HV_HYPERCALL_FAST: u64 = 0x0000000000010000;
pub const HV_HYPERCALL_VARHEAD_SHIFT: c_int = 17;
pub const HV_HYPERCALL_VARHEAD_MASK: u64 = 0x0000000007fe0000;
pub const HV_HYPERCALL_NESTED: u64 = 0x0000000080000000;
pub const HV_HYPERCALL_REP_COUNT_SHIFT: c_int = 32;
pub const HV_HYPERCALL_REP_COUNT_MASK: u64 = 0x00000fff00000000;
pub const HV_HYPERCALL_REP_START_SHIFT: c_int = 48;
pub const HV_HYPERCALL_REP_START_MASK: u64 = 0x0fff000000000000;
pub const HV_HYPERCALL_RSVD_MASK: u64 = 0xf000f00078000000;
pub const HV_HYPERCALL_RESULT_STATUS_MASK: u64 = 0x000000000000ffff;
pub const HV_HYPERCALL_RESULT_REPS_SHIFT: c_int = 32;
pub const HV_HYPERCALL_RESULT_REPS_MASK: u64 = 0x00000fff00000000;
pub const HV_HYPERCALL_FAST_BYTES: u32 = 0x00000010;
pub const HV_HYPERCALL_FAST_XMM_BYTES: u32 = 0x00000070;
pub const HV_HYPERCALL_FAST_XMM_COUNT: u32 = 0x00000006;
pub const HV_VTL_RETURN_FAST: u64 = 0x0000000000000001;
pub const HV_PAGE_SHIFT: c_int = 12;
pub const HV_PAGE_SIZE: u32 = 0x00001000;
pub const HV_PARTITION_ID_INVALID: u64 = 0x0000000000000000;
pub const HV_PARTITION_ID_SELF: u64 = 0xffffffffffffffff;
pub const HV_VP_INDEX_ANY: u32 = 0xffffffff;
pub const HV_VP_INDEX_SELF: u32 = 0xfffffffe;
pub const HV_VTL_MAX: u32 = 0x0000000f;
pub const HV_VTL_ALL: u32 = 0x0000000f;
pub const HV_VTL_INVALID: u32 = 0x000000ff;
pub const HV_INPUT_VTL_TARGET_VTL_MASK: u32 = 0x0000000f;
pub const HV_INPUT_VTL_USE_TARGET_VTL: u32 = 0x00000010;
pub const HV_INPUT_VTL_RSVD_MASK: u32 = 0x000000e0;
pub const HV_MAP_GPA_PERMISSIONS_NONE: u32 = 0x00000000;
pub const HV_MAP_GPA_READABLE: u32 = 0x00000001;
pub const HV_MAP_GPA_WRITABLE: u32 = 0x00000002;
pub const HV_MAP_GPA_KERNEL_EXECUTABLE: u32 = 0x00000004;
pub const HV_MAP_GPA_USER_EXECUTABLE: u32 = 0x00000008;
pub const HV_MAP_GPA_EXECUTABLE: u32 = 0x0000000c;
pub const HV_MAP_GPA_PERMISSIONS_MASK: u32 = 0x0000000f;
pub const HV_MAP_GPA_SUPERVISOR_SHADOW_STACK: u32 = 0x00000010;
pub const HV_MAP_GPA_PAGING_WRITABILITY: u32 = 0x00000020;
pub const HV_MAP_GPA_VERIFY_PAGING_WRITABILITY: u32 = 0x00000040;
pub const HV_MAP_GPA_ADJUSTABLE: u32 = 0x00008000;
pub const HV_ENABLE_PARTITION_VTL_MBEC: u32 = 0x00000001;
pub const HV_ENABLE_PARTITION_VTL_SUPERVISOR_SHADOW_STACK: u32 = 0x00000002;
pub const HV_ENABLE_PARTITION_VTL_HARDWARE_HVPT: u32 = 0x00000004;
pub const HV_ENABLE_PARTITION_VTL_RSVD_MASK: u32 = 0x000000f8;
pub const HV_GENERIC_SET_SPARSE_4K: u32 = 0x00000000;
pub const HV_GENERIC_SET_ALL: u32 = 0x00000001;
pub const HV_VTL_ENTRY_RESERVED: u32 = 0x00000000;
pub const HV_VTL_ENTRY_VTL_CALL: u32 = 0x00000001;
pub const HV_VTL_ENTRY_INTERRUPT: u32 = 0x00000002;
pub const HV_VTL_ENTRY_INTERCEPT: u32 = 0x00000003;
pub const HV_VINA_STATUS_ASSERTED: u32 = 0x00000001;
pub const HV_CRASH_CTL_NOTIFY: u64 = 0x8000000000000000;
pub const HV_CRASH_CTL_MESSAGE: u64 = 0x4000000000000000;
pub const HV_CRASH_CTL_NO_DUMP: u64 = 0x2000000000000000;
pub const HV_CRASH_CTL_PRE_OS_ID_SHIFT: c_int = 58;
pub const HV_CRASH_CTL_PRE_OS_ID_MASK: u64 = 0x1c00000000000000;
pub const HV_CRASH_CTL_CAPABILITIES: u64 = 0xc000000000000000;
pub const HV_APIC_ASSIST_NO_EOI_REQUIRED: u32 = 0x00000001;
pub const HV_CPUID_VENDOR_AND_MAX_FUNCTION: u32 = 0x40000000;
pub const HV_CPUID_INTERFACE: u32 = 0x40000001;
pub const HV_CPUID_VERSION: u32 = 0x40000002;
pub const HV_CPUID_FEATURES: u32 = 0x40000003;
pub const HV_CPUID_ENLIGHTENMENT_INFO: u32 = 0x40000004;
pub const HV_CPUID_IMPLEMENTATION_LIMITS: u32 = 0x40000005;
pub const HV_CPUID_HARDWARE_FEATURES: u32 = 0x40000006;
pub const HV_CPUID_CPU_MANAGEMENT_FEATURES: u32 = 0x40000007;
pub const HV_CPUID_SVM_FEATURES: u32 = 0x40000008;
pub const HV_CPUID_NESTED_FEATURES: u32 = 0x40000009;
pub const HV_CPUID_NESTED_OPTIMIZATIONS: u32 = 0x4000000a;
pub const HV_CPUID_IPT_FEATURES: u32 = 0x4000000b;
pub const HV_CPUID_ISOLATION_CONFIG: u32 = 0x4000000c;
pub const HV_CPUID_MIN: u32 = 0x40000000;
pub const HV_CPUID_MAX: u32 = 0x4000000c;
pub const HV_CPUID_VENDOR_EBX: u32 = 0x7263694d;
pub const HV_CPUID_VENDOR_ECX: u32 = 0x666f736f;
pub const HV_CPUID_VENDOR_EDX: u32 = 0x76482074;
pub const HV_CPUID_INTERFACE_HV1: u32 = 0x31237648;
pub const HV_CPUID_1_ECX_HYPERVISOR_PRESENT: u32 = 0x80000000;
pub const HV_CPUID_MAX_FUNCTION_MIN: u32 = 0x40000005;
pub const HV_PRIV_ACCESS_VP_RUN_TIME_REG: u64 = 0x0000000000000001;
pub const HV_PRIV_ACCESS_PARTITION_REFERENCE_COUNTER: u64 = 0x0000000000000002;
pub const HV_PRIV_ACCESS_SYNIC_REGS: u64 = 0x0000000000000004;
pub const HV_PRIV_ACCESS_SYNTHETIC_TIMER_REGS: u64 = 0x0000000000000008;
pub const HV_PRIV_ACCESS_INTR_CTRL_REGS: u64 = 0x0000000000000010;
pub const HV_PRIV_ACCESS_HYPERCALL_MSRS: u64 = 0x0000000000000020;
pub const HV_PRIV_ACCESS_VP_INDEX: u64 = 0x0000000000000040;
pub const HV_PRIV_ACCESS_RESET_REG: u64 = 0x0000000000000080;
pub const HV_PRIV_ACCESS_STATS_REG: u64 = 0x0000000000000100;
pub const HV_PRIV_ACCESS_PARTITION_REFERENCE_TSC: u64 = 0x0000000000000200;
pub const HV_PRIV_ACCESS_GUEST_IDLE_REG: u64 = 0x0000000000000400;
pub const HV_PRIV_ACCESS_FREQUENCY_REGS: u64 = 0x0000000000000800;
pub const HV_PRIV_ACCESS_DEBUG_REGS: u64 = 0x0000000000001000;
pub const HV_PRIV_ACCESS_REENLIGHTENMENT_CONTROLS: u64 = 0x0000000000002000;
pub const HV_PRIV_ACCESS_ROOT_SCHEDULER_REG: u64 = 0x0000000000004000;
pub const HV_PRIV_ACCESS_TSC_INVARIANT_CONTROLS: u64 = 0x0000000000008000;
pub const HV_PRIV_CREATE_PARTITIONS: u64 = 0x0000000100000000;
pub const HV_PRIV_ACCESS_PARTITION_ID: u64 = 0x0000000200000000;
pub const HV_PRIV_ACCESS_MEMORY_POOL: u64 = 0x0000000400000000;
pub const HV_PRIV_ADJUST_MESSAGE_BUFFERS: u64 = 0x0000000800000000;
pub const HV_PRIV_POST_MESSAGES: u64 = 0x0000001000000000;
pub const HV_PRIV_SIGNAL_EVENTS: u64 = 0x0000002000000000;
pub const HV_PRIV_CREATE_PORT: u64 = 0x0000004000000000;
pub const HV_PRIV_CONNECT_PORT: u64 = 0x0000008000000000;
pub const HV_PRIV_ACCESS_STATS: u64 = 0x0000010000000000;
pub const HV_PRIV_DEBUGGING: u64 = 0x0000080000000000;
pub const HV_PRIV_CPU_MANAGEMENT: u64 = 0x0000100000000000;
pub const HV_PRIV_CONFIGURE_PROFILER: u64 = 0x0000200000000000;
pub const HV_PRIV_ACCESS_VP_EXIT_TRACING: u64 = 0x0000400000000000;
pub const HV_PRIV_ENABLE_EXTENDED_GVA_RANGES_FLUSH_VA_LIST: u64 = 0x0000800000000000;
pub const HV_PRIV_ACCESS_VSM: u64 = 0x0001000000000000;
pub const HV_PRIV_ACCESS_VP_REGISTERS: u64 = 0x0002000000000000;
pub const HV_PRIV_FAST_HYPERCALL_OUTPUT: u64 = 0x0008000000000000;
pub const HV_PRIV_ENABLE_EXTENDED_HYPERCALLS: u64 = 0x0010000000000000;
pub const HV_PRIV_START_VIRTUAL_PROCESSOR: u64 = 0x0020000000000000;
pub const HV_PRIV_ISOLATION: u64 = 0x0040000000000000;
pub const HV_FEATURE_MWAIT: u32 = 0x00000001;
pub const HV_FEATURE_GUEST_DEBUGGING: u32 = 0x00000002;
pub const HV_FEATURE_PERFORMANCE_MONITOR: u32 = 0x00000004;
pub const HV_FEATURE_CPU_DYNAMIC_PARTITIONING: u32 = 0x00000008;
pub const HV_FEATURE_XMM_HYPERCALL_INPUT: u32 = 0x00000010;
pub const HV_FEATURE_GUEST_IDLE_STATE: u32 = 0x00000020;
pub const HV_FEATURE_HYPERVISOR_SLEEP_STATE: u32 = 0x00000040;
pub const HV_FEATURE_NUMA_DISTANCE_QUERY: u32 = 0x00000080;
pub const HV_FEATURE_FREQUENCY_REGS: u32 = 0x00000100;
pub const HV_FEATURE_SYNTHETIC_MACHINE_CHECK: u32 = 0x00000200;
pub const HV_FEATURE_GUEST_CRASH_REGS: u32 = 0x00000400;
pub const HV_FEATURE_DEBUG_REGS: u32 = 0x00000800;
pub const HV_FEATURE_NPIEP: u32 = 0x00001000;
pub const HV_FEATURE_DISABLE_HYPERVISOR: u32 = 0x00002000;
pub const HV_FEATURE_EXTENDED_GVA_RANGES_FLUSH_VA_LIST: u32 = 0x00004000;
pub const HV_FEATURE_FAST_HYPERCALL_OUTPUT: u32 = 0x00008000;
pub const HV_FEATURE_SVM: u32 = 0x00010000;
pub const HV_FEATURE_SINT_POLLING_MODE: u32 = 0x00020000;
pub const HV_FEATURE_HYPERCALL_MSR_LOCK: u32 = 0x00040000;
pub const HV_FEATURE_DIRECT_SYNTHETIC_TIMERS: u32 = 0x00080000;
pub const HV_FEATURE_VSM_PAT_REGISTER: u32 = 0x00100000;
pub const HV_FEATURE_VSM_BNDCFGS_REGISTER: u32 = 0x00200000;
pub const HV_FEATURE_WATCHDOG: u32 = 0x00400000;
pub const HV_FEATURE_SYNTHETIC_TIME_UNHALTED_TIMER: u32 = 0x00800000;
pub const HV_FEATURE_LBR: u32 = 0x04000000;
pub const HV_FEATURE_IPT: u32 = 0x08000000;
pub const HV_FEATURE_CROSS_VTL_FLUSH: u32 = 0x10000000;
pub const HV_FEATURE_IDLE_SPEC_CTRL: u32 = 0x20000000;
pub const HV_FEATURE_TRANSLATE_GVA_FLAGS: u32 = 0x40000000;
pub const HV_FEATURE_APIC_EOI_INTERCEPT: u32 = 0x80000000;
pub const HV_RECOMMEND_HYPERCALL_ADDRESS_SPACE_SWITCH: u32 = 0x00000001;
pub const HV_RECOMMEND_HYPERCALL_LOCAL_FLUSH: u32 = 0x00000002;
pub const HV_RECOMMEND_HYPERCALL_REMOTE_FLUSH: u32 = 0x00000004;
pub const HV_RECOMMEND_APIC_MSRS: u32 = 0x00000008;
pub const HV_RECOMMEND_RESET_MSR: u32 = 0x00000010;
pub const HV_RECOMMEND_RELAXED_TIMING: u32 = 0x00000020;
pub const HV_RECOMMEND_DMA_REMAPPING: u32 = 0x00000040;
pub const HV_RECOMMEND_INTERRUPT_REMAPPING: u32 = 0x00000080;
pub const HV_RECOMMEND_X2APIC_MSRS: u32 = 0x00000100;
pub const HV_RECOMMEND_DEPRECATE_AUTO_EOI: u32 = 0x00000200;
pub const HV_RECOMMEND_SYNTHETIC_CLUSTER_IPI: u32 = 0x00000400;
pub const HV_RECOMMEND_EX_PROCESSOR_MASKS: u32 = 0x00000800;
pub const HV_RECOMMEND_NESTED: u32 = 0x00001000;
pub const HV_RECOMMEND_INT_FOR_MBEC_SYSCALLS: u32 = 0x00002000;
pub const HV_RECOMMEND_ENLIGHTENED_VMCS: u32 = 0x00004000;
pub const HV_RECOMMEND_SYNCED_TIMELINE: u32 = 0x00008000;
pub const HV_RECOMMEND_CORE_SCHEDULER_REQUESTED: u32 = 0x00010000;
pub const HV_RECOMMEND_DIRECT_LOCAL_FLUSH_ENTIRE: u32 = 0x00020000;
pub const HV_RECOMMEND_NO_NON_ARCHITECTURAL_CORE_SHARING: u32 = 0x00040000;
pub const HV_RECOMMEND_USE_X2APIC: u32 = 0x00080000;
pub const HV_RECOMMEND_RESTORE_TIME_ON_RESUME: u32 = 0x00100000;
pub const HV_RECOMMEND_MMIO_HYPERCALLS: u32 = 0x00200000;
pub const HV_RECOMMEND_GPA_PINNING_HYPERCALL: u32 = 0x00400000;
pub const HV_RECOMMEND_WAKE_VPS: u32 = 0x00800000;
pub const HV_SPIN_WAIT_NEVER: u32 = 0xffffffff;
pub const HV_ENLIGHTENMENT_PHYSICAL_ADDRESS_BITS_MASK: u32 = 0x0000007f;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_initial_vp_context {
    pub rip: u64,
    pub rsp: u64,
    pub rflags: u64,
    pub cs: hv_segment_register,
    pub ds: hv_segment_register,
    pub es: hv_segment_register,
    pub fs: hv_segment_register,
    pub gs: hv_segment_register,
    pub ss: hv_segment_register,
    pub tr: hv_segment_register,
    pub ldtr: hv_segment_register,
    pub idtr: hv_table_register,
    pub gdtr: hv_table_register,
    pub efer: u64,
    pub cr0: u64,
    pub cr3: u64,
    pub cr4: u64,
    pub msr_cr_pat: u64,
}
zeroed!(hv_initial_vp_context);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_input_modify_vtl_protection_mask {
    pub target_partition_id: u64,
    pub map_flags: u32,
    pub target_vtl: u8,
    pub reserved: [u8; 3],
}
zeroed!(hv_input_modify_vtl_protection_mask);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_input_enable_partition_vtl {
    pub target_partition_id: u64,
    pub target_vtl: u8,
    pub flags: u8,
    pub reserved: [u8; 6],
}
zeroed!(hv_input_enable_partition_vtl);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_input_enable_vp_vtl {
    pub target_partition_id: u64,
    pub vp_index: u32,
    pub target_vtl: u8,
    pub reserved: [u8; 3],
    pub vp_vtl_context: hv_initial_vp_context,
}
zeroed!(hv_input_enable_vp_vtl);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_input_start_virtual_processor {
    pub target_partition_id: u64,
    pub vp_index: u32,
    pub target_vtl: u8,
    pub reserved: [u8; 3],
    pub vp_context: hv_initial_vp_context,
}
zeroed!(hv_input_start_virtual_processor);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_input_get_vp_registers {
    pub partition_id: u64,
    pub vp_index: u32,
    pub input_vtl: u8,
    pub reserved: [u8; 3],
}
zeroed!(hv_input_get_vp_registers);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_input_set_vp_registers {
    pub partition_id: u64,
    pub vp_index: u32,
    pub input_vtl: u8,
    pub reserved: [u8; 3],
}
zeroed!(hv_input_set_vp_registers);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_register_assoc {
    pub name: u32,
    pub reserved1: u32,
    pub reserved2: u64,
    pub value: hv_register_value,
}
zeroed!(hv_register_assoc);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_input_get_vp_index_from_apic_id {
    pub partition_id: u64,
    pub target_vtl: u8,
    pub padding: [u8; 7],
}
zeroed!(hv_input_get_vp_index_from_apic_id);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_vp_set {
    pub format: u64,
    pub valid_banks_mask: u64,
}
zeroed!(hv_vp_set);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_input_notify_long_spin_wait {
    pub spin_count: u32,
    pub reserved: u32,
}
zeroed!(hv_input_notify_long_spin_wait);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_vp_vtl_control {
    pub entry_reason: u32,
    pub vina_status: u8,
    pub reserved1: u8,
    pub reserved2: u16,
    pub vtl_return_x64_rax: u64,
    pub vtl_return_x64_rcx: u64,
}
zeroed!(hv_vp_vtl_control);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_reference_tsc_page {
    pub tsc_sequence: u32,
    pub reserved1: u32,
    pub tsc_scale: u64,
    pub tsc_offset: i64,
    pub reserved2: [u64; 509],
}
zeroed!(hv_reference_tsc_page);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_vp_assist_page {
    pub apic_assist: u32,
    pub reserved1: u32,
    pub vtl_control: hv_vp_vtl_control,
    pub nested_enlightenments_features: u32,
    pub nested_hypercall_controls: u32,
    pub enlighten_vm_entry: u8,
    pub reserved2: [u8; 7],
    pub current_nested_vmcs: u64,
    pub synthetic_time_unhalted_timer_expired: u8,
    pub reserved3: [u8; 7],
    pub virtualization_fault_information: [u8; 40],
    pub reserved4: u64,
    pub intercept_message: hv_message,
    pub vtl_return_actions: [u8; 256],
    pub reserved5: [u8; 3472],
}
zeroed!(hv_vp_assist_page);
