// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/host.h. Do not edit.

use core::ffi::{c_char, c_int, c_void};

use crate::*;

pub const VSM_REGS_GPR: u32 = 0x00000001;
pub const VSM_REGS_SEGMENT: u32 = 0x00000002;
pub const VSM_REGS_CONTROL: u32 = 0x00000004;
pub const VSM_REGS_MSR: u32 = 0x00000008;
pub const VSM_REGS_DEBUG: u32 = 0x00000010;
pub const VSM_REGS_XMM: u32 = 0x00000020;
pub const VSM_REGS_XCR: u32 = 0x00000040;
pub const VSM_REGS_EVENT: u32 = 0x00000080;
pub const VSM_SWITCH_PREPARE: u32 = 0x00000000;
pub const VSM_SWITCH_COMMIT: u32 = 0x00000001;
pub const VSM_SWITCH_ABORT: u32 = 0x00000002;
pub const VSM_LOG_ERROR: c_int = 0;
pub const VSM_LOG_WARN: c_int = 1;
pub const VSM_LOG_INFO: c_int = 2;
pub const VSM_VECTOR_NMI: u32 = 0x00000100;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_protect_range {
    pub gpa: u64,
    pub size: u64,
    pub vtl: u32,
    pub rights: u32,
}
zeroed!(vsm_protect_range);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_xmm_block {
    pub bytes: [u8; 96],
}
zeroed!(vsm_xmm_block);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_crash {
    pub params: [u64; 5],
    pub control: u64,
}
zeroed!(vsm_crash);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_overlay {
    pub gpa: u64,
    pub page: *mut c_void,
    pub vtl: u32,
    pub vp: u32,
    pub rights: u32,
    pub reserved: u32,
}
zeroed!(vsm_overlay);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_host_ops {
    pub size: usize,
    pub regs_get: Option<unsafe extern "C" fn(*mut c_void, u32, u32, *mut vsm_reg, u32) -> c_int>,
    pub regs_set: Option<unsafe extern "C" fn(*mut c_void, u32, u32, *const vsm_reg, u32) -> c_int>,
    pub xmm_get: Option<unsafe extern "C" fn(*mut c_void, u32, *mut vsm_xmm_block) -> c_int>,
    pub xmm_set: Option<unsafe extern "C" fn(*mut c_void, u32, *const vsm_xmm_block) -> c_int>,
    pub switch_vtl: Option<unsafe extern "C" fn(*mut c_void, u32, u32, u32) -> c_int>,
    pub gpa_read: Option<unsafe extern "C" fn(*mut c_void, u64, *mut c_void, u32) -> c_int>,
    pub gpa_write: Option<unsafe extern "C" fn(*mut c_void, u64, *const c_void, u32) -> c_int>,
    pub overlay_arena: Option<unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void>,
    pub overlay_map: Option<unsafe extern "C" fn(*mut c_void, *const vsm_overlay, u64) -> c_int>,
    pub protect: Option<unsafe extern "C" fn(*mut c_void, *const vsm_protect_range, u32, *mut u32, u64) -> c_int>,
    pub tlb_flush: Option<unsafe extern "C" fn(*mut c_void, u32, u32, u64) -> c_int>,
    pub kick: Option<unsafe extern "C" fn(*mut c_void)>,
    pub inject_event: Option<unsafe extern "C" fn(*mut c_void, u32, *const vsm_exception) -> c_int>,
    pub interrupt: Option<unsafe extern "C" fn(*mut c_void, u32, u32, u32) -> c_int>,
    pub tsc: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
    pub tsc_hz: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
    pub alloc: Option<unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void>,
    pub free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize)>,
    pub log: Option<unsafe extern "C" fn(*mut c_void, i32, *const c_char)>,
    pub crash: Option<unsafe extern "C" fn(*mut c_void, *const vsm_crash)>,
    pub insn_decode: Option<unsafe extern "C" fn(*mut c_void, *const u8, u32, u32) -> c_int>,
    pub thread_id: Option<unsafe extern "C" fn(*mut c_void) -> u64>,
}
zeroed!(vsm_host_ops);
