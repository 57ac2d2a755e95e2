// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/registers.h. Do not edit.

use core::ffi::{c_char, c_int};

use crate::*;

pub const VSM_SCOPE_PRIVATE: u32 = 0x00000000;
pub const VSM_SCOPE_SHARED: u32 = 0x00000001;
pub const VSM_SCOPE_MIXED: u32 = 0x00000002;
pub const VSM_SCOPE_PARTITION: u32 = 0x00000003;
pub const VSM_SCOPE_PARTITION_VTL: u32 = 0x00000004;
pub const VSM_OWNER_HOST: u32 = 0x00000000;
pub const VSM_OWNER_LIBRARY: u32 = 0x00000001;
pub const VSM_OWNER_NONE: u32 = 0x00000002;
pub const VSM_REG_READABLE: u32 = 0x00000001;
pub const VSM_REG_WRITABLE: u32 = 0x00000002;
pub const VSM_REG_SET_OWN: u32 = 0x00000004;
pub const VSM_REG_ALIAS: u32 = 0x00000008;
pub const VSM_REG_STATELESS: u32 = 0x00000010;
pub const VSM_NO_MSR: u32 = 0x00000000;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_register_info {
    pub size: usize,
    pub name: u32,
    pub msr: u32,
    pub group: u32,
    pub bytes: u8,
    pub scope: u8,
    pub owner: u8,
    pub flags: u8,
    pub min_vtl: u8,
    pub reserved: [u8; 7],
    pub reset: u64,
    pub text: [c_char; 40],
}
zeroed!(vsm_register_info);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_register_limits {
    pub size: usize,
    pub cr4_mask: u64,
    pub efer_mask: u64,
    pub phys_bits: u32,
    pub reserved: u32,
}
zeroed!(vsm_register_limits);

extern "C" {
    pub fn vsm_register_at(position: u32, info: *mut vsm_register_info) -> c_int;
    pub fn vsm_register_name(name: u32) -> *const c_char;
    pub fn vsm_register_check(limits: *const vsm_register_limits, reg: *const vsm_reg) -> c_int;
    pub fn vsm_context_check(
        limits: *const vsm_register_limits,
        context: *const hv_initial_vp_context,
    ) -> c_int;
}
