// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/vpset.h. Do not edit.

use core::ffi::{c_int, c_void};

use crate::*;

pub const VSM_VPSET_BANKS: u32 = 0x00000040;
pub const VSM_VPSET_ALLOW_ALL: u32 = 0x00000001;
pub const VSM_VPSET_REFUSE_ABSENT: u32 = 0x00000002;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_vpset {
    pub bank: [u64; 64],
    pub all: u32,
    pub reserved: u32,
}
zeroed!(vsm_vpset);

extern "C" {
    pub fn vsm_vpset_parse(
        bytes: *const c_void,
        len: usize,
        policy: u32,
        live: u32,
        set: *mut vsm_vpset,
    ) -> c_int;
    pub fn vsm_vpset_from_mask(mask: u64, policy: u32, live: u32, set: *mut vsm_vpset) -> c_int;
    pub fn vsm_vpset_contains(set: *const vsm_vpset, live: u32, vp: u32) -> c_int;
    pub fn vsm_vpset_next(set: *const vsm_vpset, live: u32, from: u32) -> u32;
    pub fn vsm_vpset_count(set: *const vsm_vpset, live: u32) -> u32;
    pub fn vsm_vpset_empty(set: *const vsm_vpset) -> c_int;
}
