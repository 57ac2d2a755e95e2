// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/save.h. Do not edit.

use core::ffi::{c_int, c_void};

use crate::*;

pub const VSM_SAVED_VERSION: u32 = 0x00000001;

extern "C" {
    pub fn vsm_save_size(vsm: *mut vsm, size: *mut usize) -> c_int;
    pub fn vsm_save(vsm: *mut vsm, buf: *mut c_void, size: usize, used: *mut usize) -> c_int;
    pub fn vsm_load(vsm: *mut vsm, buf: *const c_void, size: usize) -> c_int;
}
