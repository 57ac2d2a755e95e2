// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/vp.h. Do not edit.

use core::ffi::{c_int, c_void};

use crate::*;

pub const VSM_VP_WAIT_FOR_STARTUP: u32 = 0x00000001;
pub const VSM_FAULT_GVA_VALID: u32 = 0x00000001;
pub const VSM_FAULT_FINAL: u32 = 0x00000002;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_vp_config {
    pub size: usize,
    pub index: u32,
    pub apic_id: u32,
    pub opaque: *mut c_void,
    pub flags: u32,
    pub reserved: u32,
}
zeroed!(vsm_vp_config);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_memory_fault {
    pub size: usize,
    pub gpa: u64,
    pub gva: u64,
    pub flags: u32,
    pub access: u8,
    pub user: u8,
    pub instruction_length: u8,
    pub instruction_byte_count: u8,
    pub instruction_bytes: [u8; 16],
}
zeroed!(vsm_memory_fault);

extern "C" {
    pub fn vsm_vp_create(
        vsm: *mut vsm,
        config: *const vsm_vp_config,
        out: *mut *mut vsm_vp,
    ) -> c_int;
    pub fn vsm_vp_opaque(vp: *const vsm_vp) -> *mut c_void;
    pub fn vsm_vp_set_opaque(vp: *mut vsm_vp, opaque: *mut c_void) -> c_int;
    pub fn vsm_vp_thread_release(vp: *mut vsm_vp) -> c_int;
    pub fn vsm_vp_index(vp: *const vsm_vp) -> u32;
    pub fn vsm_vp_active_vtl(vp: *const vsm_vp) -> u32;
    pub fn vsm_vp_enabled_vtls(vp: *const vsm_vp) -> u32;
    pub fn vsm_vp_mbec(vp: *const vsm_vp, vtl: u32) -> c_int;
    pub fn vsm_vp_runnable(vp: *const vsm_vp) -> c_int;
    pub fn vsm_vp_run_prepare(vp: *mut vsm_vp) -> c_int;
    pub fn vsm_vp_hypercall(vp: *mut vsm_vp, trap_rip: u64, trap_length: u32) -> c_int;
    pub fn vsm_vp_rdmsr(vp: *mut vsm_vp, msr: u32, value: *mut u64) -> c_int;
    pub fn vsm_vp_wrmsr(vp: *mut vsm_vp, msr: u32, value: u64) -> c_int;
    pub fn vsm_vp_cpuid(vp: *mut vsm_vp, leaf: u32, subleaf: u32, out: *mut vsm_cpuid) -> c_int;
    pub fn vsm_vp_memory_fault(vp: *mut vsm_vp, fault: *const vsm_memory_fault) -> c_int;
    pub fn vsm_vp_exception(vp: *const vsm_vp, out: *mut vsm_exception) -> c_int;
}
