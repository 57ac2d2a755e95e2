// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/gpa.h. Do not edit.

use core::ffi::{c_int, c_void};

use crate::*;

pub const VSM_VP_DMA: u32 = 0xfffffffe;
pub const VSM_ACCESS_READ: u32 = 0x00000001;
pub const VSM_ACCESS_WRITE: u32 = 0x00000002;
pub const VSM_ACCESS_EXECUTE: u32 = 0x00000004;
pub const VSM_ACCESS_USER: u32 = 0x00000008;
pub const VSM_ACCESS_WALK: u32 = 0x00000010;
pub const VSM_ACCESS_NO_SMEP: u32 = 0x00000040;
pub const VSM_ACCESS_BENEATH: u32 = 0x00000020;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_gpa_answer {
    pub size: usize,
    pub length: u64,
    pub overlay: *mut c_void,
    pub vtl: u32,
    pub reserved: u32,
}
zeroed!(vsm_gpa_answer);

extern "C" {
    pub fn vsm_gpa_access(
        vsm: *const vsm,
        vp: u32,
        vtl: u32,
        gpa: u64,
        len: u64,
        access: u32,
        answer: *mut vsm_gpa_answer,
    ) -> c_int;
    pub fn vsm_gpa_read(
        vsm: *mut vsm,
        vp: u32,
        vtl: u32,
        gpa: u64,
        buf: *mut c_void,
        len: u64,
    ) -> c_int;
    pub fn vsm_gpa_write(
        vsm: *mut vsm,
        vp: u32,
        vtl: u32,
        gpa: u64,
        buf: *const c_void,
        len: u64,
    ) -> c_int;
}
