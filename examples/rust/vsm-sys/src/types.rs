// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/types.h. Do not edit.

use core::ffi::c_int;
use core::marker::{PhantomData, PhantomPinned};

use crate::*;

pub const VSM_VTL_MAX: u32 = 0x0000000f;
pub const VSM_VP_MAX: u32 = 0x00000800;
pub const VSM_ALL_VPS: u32 = 0xffffffff;

/// Opaque.
#[repr(C)]
pub struct vsm {
    opaque: [u8; 0],
    not_send_sync_unpin: PhantomData<(*mut u8, PhantomPinned)>,
}

/// Opaque.
#[repr(C)]
pub struct vsm_vp {
    opaque: [u8; 0],
    not_send_sync_unpin: PhantomData<(*mut u8, PhantomPinned)>,
}

pub const VSM_VERDICT_RESUME: c_int = 0;
pub const VSM_VERDICT_RETRY: c_int = 1;
pub const VSM_VERDICT_SWITCHED: c_int = 2;
pub const VSM_VERDICT_BLOCKED: c_int = 3;
pub const VSM_VERDICT_EXCEPTION: c_int = 4;
pub const VSM_VERDICT_NOT_MINE: c_int = 5;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_exception {
    pub vector: u8,
    pub has_error_code: u8,
    pub has_parameter: u8,
    pub reserved: u8,
    pub error_code: u32,
    pub parameter: u64,
}
zeroed!(vsm_exception);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_reg {
    pub name: u32,
    pub reserved: u32,
    pub value: hv_register_value,
}
zeroed!(vsm_reg);
