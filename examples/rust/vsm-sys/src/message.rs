// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/message.h. Do not edit.

use core::ffi::c_int;

use crate::*;

pub const VSM_EXECUTION_STATE_BITS: u32 = 0x00003860;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_intercept_context {
    pub size: usize,
    pub rip: u64,
    pub rflags: u64,
    pub cr0: u64,
    pub efer: u64,
    pub cs: hv_segment_register,
    pub ss: hv_segment_register,
    pub vp_index: u32,
    pub execution_state: u16,
    pub vtl: u8,
    pub cr8: u8,
    pub instruction_length: u8,
    pub access: u8,
    pub reserved: [u8; 6],
}
zeroed!(vsm_intercept_context);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_memory_intercept {
    pub size: usize,
    pub gva: u64,
    pub gpa: u64,
    pub message_type: u32,
    pub cache_type: u32,
    pub access_info: u8,
    pub tpr_priority: u8,
    pub instruction_byte_count: u8,
    pub reserved: [u8; 5],
    pub instruction_bytes: [u8; 16],
}
zeroed!(vsm_memory_intercept);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_msr_intercept {
    pub size: usize,
    pub rdx: u64,
    pub rax: u64,
    pub msr: u32,
    pub reserved: u32,
}
zeroed!(vsm_msr_intercept);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_register_intercept {
    pub size: usize,
    pub value: hv_register_value,
    pub address: u64,
    pub name: u32,
    pub destination: u32,
    pub memory_op: u8,
    pub reserved: [u8; 7],
}
zeroed!(vsm_register_intercept);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_exception_intercept {
    pub size: usize,
    pub parameter: u64,
    pub gpr: [u64; 16],
    pub ds: hv_segment_register,
    pub error_code: u32,
    pub vector: u8,
    pub info: u8,
    pub instruction_byte_count: u8,
    pub reserved: u8,
    pub instruction_bytes: [u8; 16],
}
zeroed!(vsm_exception_intercept);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_io_port_intercept {
    pub size: usize,
    pub rax: u64,
    pub rcx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub ds: hv_segment_register,
    pub es: hv_segment_register,
    pub port: u16,
    pub access_size: u8,
    pub flags: u8,
    pub instruction_byte_count: u8,
    pub reserved: [u8; 3],
    pub instruction_bytes: [u8; 16],
}
zeroed!(vsm_io_port_intercept);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_cpuid_intercept {
    pub size: usize,
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rbx: u64,
    pub default_rax: u64,
    pub default_rcx: u64,
    pub default_rdx: u64,
    pub default_rbx: u64,
}
zeroed!(vsm_cpuid_intercept);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_hypercall_intercept {
    pub size: usize,
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub r8: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub xmm: [hv_register_value; 6],
    pub flags: u32,
    pub reserved: u32,
}
zeroed!(vsm_hypercall_intercept);

extern "C" {
    pub fn vsm_message_memory(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        what: *const vsm_memory_intercept,
    ) -> c_int;
    pub fn vsm_message_msr(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        what: *const vsm_msr_intercept,
    ) -> c_int;
    pub fn vsm_message_register(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        what: *const vsm_register_intercept,
    ) -> c_int;
    pub fn vsm_message_exception(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        what: *const vsm_exception_intercept,
    ) -> c_int;
    pub fn vsm_message_io_port(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        what: *const vsm_io_port_intercept,
    ) -> c_int;
    pub fn vsm_message_cpuid(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        what: *const vsm_cpuid_intercept,
    ) -> c_int;
    pub fn vsm_message_hypercall(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        what: *const vsm_hypercall_intercept,
    ) -> c_int;
    pub fn vsm_message_sipi(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        target: u32,
        vector: u32,
    ) -> c_int;
    pub fn vsm_message_sint_deliverable(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        sints: u16,
    ) -> c_int;
    pub fn vsm_message_interruption_deliverable(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
        pending: u32,
    ) -> c_int;
    pub fn vsm_message_unrecoverable_exception(
        out: *mut hv_message,
        context: *const vsm_intercept_context,
    ) -> c_int;
    pub fn vsm_message_halt(out: *mut hv_message, context: *const vsm_intercept_context) -> c_int;
    pub fn vsm_message_invalid_register(out: *mut hv_message, vp_index: u32) -> c_int;
    pub fn vsm_message_unsupported_feature(
        out: *mut hv_message,
        vp_index: u32,
        code: u32,
        parameter: u64,
    ) -> c_int;
    pub fn vsm_message_apic_eoi(out: *mut hv_message, vp_index: u32, vector: u32) -> c_int;
    pub fn vsm_message_timer(out: *mut hv_message, index: u32, due: u64, delivered: u64) -> c_int;
}
