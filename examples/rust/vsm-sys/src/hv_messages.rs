// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/hv_messages.h. Do not edit.

use core::ffi::c_int;

use crate::*;

pub const HV_MESSAGE_SIZE: u32 = 0x00000100;
pub const HV_MESSAGE_PAYLOAD_SIZE: u32 = 0x000000f0;
pub const HV_MESSAGE_FLAG_PENDING: u32 = 0x00000001;
pub const HV_SYNIC_SINT_COUNT: u32 = 0x00000010;
pub const HV_SIMP_SLOT_COUNT: u32 = 0x00000010;
pub const HVMSG_NONE: u32 = 0x00000000;
pub const HVMSG_HYPERVISOR_BIT: u32 = 0x80000000;
pub const HVMSG_UNMAPPED_GPA: u32 = 0x80000000;
pub const HVMSG_GPA_INTERCEPT: u32 = 0x80000001;
pub const HVMSG_UNACCEPTED_GPA: u32 = 0x80000003;
pub const HVMSG_GPA_ATTRIBUTE_INTERCEPT: u32 = 0x80000004;
pub const HVMSG_ENABLE_PARTITION_VTL_INTERCEPT: u32 = 0x80000005;
pub const HVMSG_TIMER_EXPIRED: u32 = 0x80000010;
pub const HVMSG_INVALID_VP_REGISTER_VALUE: u32 = 0x80000020;
pub const HVMSG_UNRECOVERABLE_EXCEPTION: u32 = 0x80000021;
pub const HVMSG_UNSUPPORTED_FEATURE: u32 = 0x80000022;
pub const HVMSG_TLB_PAGE_SIZE_MISMATCH: u32 = 0x80000023;
pub const HVMSG_IOMMU_FAULT: u32 = 0x80000024;
pub const HVMSG_OPAQUE_INTERCEPT: u32 = 0x8000003f;
pub const HVMSG_EVENT_LOG_BUFFER_COMPLETE: u32 = 0x80000040;
pub const HVMSG_HYPERCALL_INTERCEPT: u32 = 0x80000050;
pub const HVMSG_SYNIC_EVENT_INTERCEPT: u32 = 0x80000060;
pub const HVMSG_SYNIC_SINT_INTERCEPT: u32 = 0x80000061;
pub const HVMSG_SYNIC_SINT_DELIVERABLE: u32 = 0x80000062;
pub const HVMSG_ASYNC_CALL_COMPLETION: u32 = 0x80000070;
pub const HVMSG_X64_IO_PORT_INTERCEPT: u32 = 0x80010000;
pub const HVMSG_X64_MSR_INTERCEPT: u32 = 0x80010001;
pub const HVMSG_X64_CPUID_INTERCEPT: u32 = 0x80010002;
pub const HVMSG_X64_EXCEPTION_INTERCEPT: u32 = 0x80010003;
pub const HVMSG_X64_APIC_EOI: u32 = 0x80010004;
pub const HVMSG_X64_REGISTER_INTERCEPT: u32 = 0x80010006;
pub const HVMSG_X64_HALT: u32 = 0x80010007;
pub const HVMSG_X64_INTERRUPTION_DELIVERABLE: u32 = 0x80010008;
pub const HVMSG_X64_SIPI_INTERCEPT: u32 = 0x80010009;
pub const HVMSG_X64_RDTSC_INTERCEPT: u32 = 0x8001000a;
pub const HVMSG_X64_APIC_SMI_INTERCEPT: u32 = 0x8001000b;
pub const HVMSG_X64_APIC_INIT_SIPI_INTERCEPT: u32 = 0x8001000d;
pub const HVMSG_X64_APIC_WRITE_INTERCEPT: u32 = 0x8001000e;
pub const HVMSG_X64_PROXY_INTERRUPT_INTERCEPT: u32 = 0x8001000f;
pub const HVMSG_X64_EXCEPTION_TRAP_INTERCEPT: u32 = 0x80010012;
pub const HVMSG_X64_SEV_VMGEXIT_INTERCEPT: u32 = 0x80010013;
pub const HV_INTERCEPT_ACCESS_READ: u32 = 0x00000000;
pub const HV_INTERCEPT_ACCESS_WRITE: u32 = 0x00000001;
pub const HV_INTERCEPT_ACCESS_EXECUTE: u32 = 0x00000002;
pub const HV_INTERCEPT_ACCESS_MASK_READ: u32 = 0x00000001;
pub const HV_INTERCEPT_ACCESS_MASK_WRITE: u32 = 0x00000002;
pub const HV_INTERCEPT_ACCESS_MASK_EXECUTE: u32 = 0x00000004;
pub const HV_X64_INTERCEPT_INSTRUCTION_LENGTH_MASK: u32 = 0x0000000f;
pub const HV_X64_INTERCEPT_CR8_SHIFT: c_int = 4;
pub const HV_X64_INTERCEPT_CR8_MASK: u32 = 0x000000f0;
pub const HV_X64_EXECUTION_STATE_CPL_MASK: u32 = 0x00000003;
pub const HV_X64_EXECUTION_STATE_CR0_PE: u32 = 0x00000004;
pub const HV_X64_EXECUTION_STATE_CR0_AM: u32 = 0x00000008;
pub const HV_X64_EXECUTION_STATE_EFER_LMA: u32 = 0x00000010;
pub const HV_X64_EXECUTION_STATE_DEBUG_ACTIVE: u32 = 0x00000020;
pub const HV_X64_EXECUTION_STATE_INTERRUPTION_PENDING: u32 = 0x00000040;
pub const HV_X64_EXECUTION_STATE_VTL_SHIFT: c_int = 7;
pub const HV_X64_EXECUTION_STATE_VTL_MASK: u32 = 0x00000780;
pub const HV_X64_EXECUTION_STATE_ENCLAVE_MODE: u32 = 0x00000800;
pub const HV_X64_EXECUTION_STATE_INTERRUPT_SHADOW: u32 = 0x00001000;
pub const HV_X64_EXECUTION_STATE_VIRTUALIZATION_FAULT_ACTIVE: u32 = 0x00002000;
pub const HV_X64_EXECUTION_STATE_RSVD_MASK: u32 = 0x0000c000;
pub const HV_X64_MEMORY_ACCESS_GVA_VALID: u32 = 0x00000001;
pub const HV_X64_MEMORY_ACCESS_GVA_GPA_VALID: u32 = 0x00000002;
pub const HV_X64_MEMORY_ACCESS_HYPERCALL_OUTPUT_PENDING: u32 = 0x00000004;
pub const HV_X64_MEMORY_ACCESS_TLB_LOCKED: u32 = 0x00000008;
pub const HV_X64_MEMORY_ACCESS_SUPERVISOR_SHADOW_STACK: u32 = 0x00000010;
pub const HV_CACHE_TYPE_UNCACHED: u32 = 0x00000000;
pub const HV_CACHE_TYPE_WRITE_COMBINING: u32 = 0x00000001;
pub const HV_CACHE_TYPE_WRITE_THROUGH: u32 = 0x00000004;
pub const HV_CACHE_TYPE_WRITE_PROTECTED: u32 = 0x00000005;
pub const HV_CACHE_TYPE_WRITE_BACK: u32 = 0x00000006;
pub const HV_X64_REGISTER_INTERCEPT_IS_MEMORY_OP: u32 = 0x00000001;
pub const HV_X64_EXCEPTION_INFO_ERROR_CODE_VALID: u32 = 0x00000001;
pub const HV_X64_EXCEPTION_INFO_SOFTWARE_EXCEPTION: u32 = 0x00000002;
pub const HV_X64_IO_PORT_ACCESS_SIZE_MASK: u32 = 0x00000007;
pub const HV_X64_IO_PORT_ACCESS_STRING: u32 = 0x00000008;
pub const HV_X64_IO_PORT_ACCESS_REP: u32 = 0x00000010;
pub const HV_X64_HYPERCALL_INTERCEPT_ISOLATED: u32 = 0x00000001;
pub const HV_SYNTHETIC_TIMER_COUNT: u32 = 0x00000004;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_message_header {
    pub message_type: u32,
    pub payload_size: u8,
    pub message_flags: u8,
    pub reserved: u16,
    pub origination_id: u64,
}
zeroed!(hv_message_header);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_message {
    pub header: hv_message_header,
    pub payload: [u8; 240],
}
zeroed!(hv_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_intercept_message_header {
    pub vp_index: u32,
    pub instruction_length_cr8: u8,
    pub intercept_access_type: u8,
    pub execution_state: u16,
    pub cs_segment: hv_segment_register,
    pub rip: u64,
    pub rflags: u64,
}
zeroed!(hv_x64_intercept_message_header);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_memory_intercept_message {
    pub header: hv_x64_intercept_message_header,
    pub cache_type: u32,
    pub instruction_byte_count: u8,
    pub memory_access_info: u8,
    pub tpr_priority: u8,
    pub reserved: u8,
    pub guest_virtual_address: u64,
    pub guest_physical_address: u64,
    pub instruction_bytes: [u8; 16],
}
zeroed!(hv_x64_memory_intercept_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_msr_intercept_message {
    pub header: hv_x64_intercept_message_header,
    pub msr_number: u32,
    pub reserved: u32,
    pub rdx: u64,
    pub rax: u64,
}
zeroed!(hv_x64_msr_intercept_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_register_intercept_message {
    pub header: hv_x64_intercept_message_header,
    pub flags: u8,
    pub reserved1: u8,
    pub reserved2: u16,
    pub register_name: u32,
    pub access_info: hv_register_value,
}
zeroed!(hv_x64_register_intercept_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_exception_intercept_message {
    pub header: hv_x64_intercept_message_header,
    pub exception_vector: u16,
    pub exception_info: u8,
    pub instruction_byte_count: u8,
    pub error_code: u32,
    pub exception_parameter: u64,
    pub reserved: u64,
    pub instruction_bytes: [u8; 16],
    pub ds_segment: hv_segment_register,
    pub ss_segment: hv_segment_register,
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rbx: u64,
    pub rsp: u64,
    pub rbp: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
}
zeroed!(hv_x64_exception_intercept_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_io_port_intercept_message {
    pub header: hv_x64_intercept_message_header,
    pub port_number: u16,
    pub access_info: u8,
    pub instruction_byte_count: u8,
    pub reserved: u32,
    pub rax: u64,
    pub instruction_bytes: [u8; 16],
    pub ds_segment: hv_segment_register,
    pub es_segment: hv_segment_register,
    pub rcx: u64,
    pub rsi: u64,
    pub rdi: u64,
}
zeroed!(hv_x64_io_port_intercept_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_cpuid_intercept_message {
    pub header: hv_x64_intercept_message_header,
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rbx: u64,
    pub default_result_rax: u64,
    pub default_result_rcx: u64,
    pub default_result_rdx: u64,
    pub default_result_rbx: u64,
}
zeroed!(hv_x64_cpuid_intercept_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_hypercall_intercept_message {
    pub header: hv_x64_intercept_message_header,
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub r8: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub xmm: [hv_register_value; 6],
    pub flags: u32,
    pub reserved: [u32; 3],
}
zeroed!(hv_x64_hypercall_intercept_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_sipi_intercept_message {
    pub header: hv_x64_intercept_message_header,
    pub target_vp_index: u32,
    pub interrupt_vector: u32,
}
zeroed!(hv_x64_sipi_intercept_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_sint_deliverable_message {
    pub header: hv_x64_intercept_message_header,
    pub deliverable_sints: u16,
    pub reserved1: u16,
    pub reserved2: u32,
}
zeroed!(hv_x64_sint_deliverable_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_interruption_deliverable_message {
    pub header: hv_x64_intercept_message_header,
    pub deliverable_type: u8,
    pub reserved: [u8; 7],
}
zeroed!(hv_x64_interruption_deliverable_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_unrecoverable_exception_message {
    pub header: hv_x64_intercept_message_header,
}
zeroed!(hv_x64_unrecoverable_exception_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_halt_message {
    pub header: hv_x64_intercept_message_header,
}
zeroed!(hv_x64_halt_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_invalid_vp_register_message {
    pub vp_index: u32,
    pub reserved: u32,
}
zeroed!(hv_x64_invalid_vp_register_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_unsupported_feature_message {
    pub vp_index: u32,
    pub feature_code: u32,
    pub feature_parameter: u64,
}
zeroed!(hv_x64_unsupported_feature_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_x64_apic_eoi_message {
    pub vp_index: u32,
    pub interrupt_vector: u32,
}
zeroed!(hv_x64_apic_eoi_message);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct hv_timer_message_payload {
    pub timer_index: u32,
    pub reserved: u32,
    pub expiration_time: u64,
    pub delivery_time: u64,
}
zeroed!(hv_timer_message_payload);
