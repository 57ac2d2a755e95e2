// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/protect.h. Do not edit.

use core::ffi::{c_int, c_void};
use core::marker::{PhantomData, PhantomPinned};

use crate::*;

pub const VSM_RIGHTS_ALL: u32 = 0x0000000f;

/// Opaque.
#[repr(C)]
pub struct vsm_protmap {
    opaque: [u8; 0],
    not_send_sync_unpin: PhantomData<(*mut u8, PhantomPinned)>,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_range {
    pub gpa: u64,
    pub size: u64,
}
zeroed!(vsm_range);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_allocator {
    pub opaque: *mut c_void,
    pub alloc: Option<unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void>,
    pub free: Option<unsafe extern "C" fn(*mut c_void, *mut c_void, usize)>,
}
zeroed!(vsm_allocator);

extern "C" {
    pub fn vsm_rights_valid(mask: u32, mbec: c_int) -> c_int;
    pub fn vsm_protmap_create(
        allocator: *const vsm_allocator,
        max_vtl: u32,
        ram: *const vsm_range,
        count: u32,
        max_bytes: u64,
        out: *mut *mut vsm_protmap,
    ) -> c_int;
    pub fn vsm_protmap_destroy(map: *mut vsm_protmap);
    pub fn vsm_protmap_add(map: *mut vsm_protmap, gpa: u64, size: u64) -> c_int;
    pub fn vsm_protmap_bytes(map: *const vsm_protmap) -> u64;
    pub fn vsm_protmap_used(map: *const vsm_protmap) -> u64;
    pub fn vsm_protmap_set(
        map: *mut vsm_protmap,
        vtl: u32,
        gpa: u64,
        pages: u64,
        mask: u32,
    ) -> c_int;
    pub fn vsm_protmap_unset(map: *mut vsm_protmap, vtl: u32, gpa: u64, pages: u64) -> c_int;
    pub fn vsm_protmap_get(
        map: *const vsm_protmap,
        vtl: u32,
        gpa: u64,
        mask: *mut u32,
        explicit_set: *mut u32,
    ) -> c_int;
    pub fn vsm_protmap_default_set(map: *mut vsm_protmap, vtl: u32, mask: u32) -> c_int;
    pub fn vsm_protmap_default(map: *const vsm_protmap, vtl: u32) -> u32;
    pub fn vsm_protmap_enable(map: *mut vsm_protmap, vtl: u32, on: c_int) -> c_int;
    pub fn vsm_protmap_rights(
        map: *const vsm_protmap,
        vtl: u32,
        gpa: u64,
        rights: *mut u32,
    ) -> c_int;
    pub fn vsm_protmap_denier(map: *const vsm_protmap, vtl: u32, gpa: u64, wanted: u32) -> c_int;
    pub fn vsm_protmap_next(
        map: *const vsm_protmap,
        vtl: u32,
        gpa: u64,
        run: *mut vsm_range,
        rights: *mut u32,
    ) -> c_int;
    pub fn vsm_protmap_diff(
        before: *const vsm_protmap,
        after: *const vsm_protmap,
        vtl: u32,
        gpa: u64,
        run: *mut vsm_range,
        rights_before: *mut u32,
        rights_after: *mut u32,
    ) -> c_int;
    pub fn vsm_protmap_reset(map: *mut vsm_protmap);
}
