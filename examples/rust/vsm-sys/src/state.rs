// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/state.h. Do not edit.

use core::ffi::{c_char, c_int, c_void};

use crate::*;

pub const VSM_PRIVATE_STATE_DR6_SHARED: u32 = 0x00000001;
pub const VSM_PRIVATE_STATE_SCONTROL_0: u32 = 0x00000002;
pub const VSM_PRIVATE_STATE_REGS: u32 = 0x00000100;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_private_state {
    pub size: usize,
    pub flags: u32,
    pub count: u32,
    pub regs: [vsm_reg; 256],
}
zeroed!(vsm_private_state);

extern "C" {
    pub fn vsm_private_state_init(state: *mut vsm_private_state, flags: u32) -> c_int;
    pub fn vsm_private_state_size() -> usize;
    pub fn vsm_private_state_get(
        state: *const vsm_private_state,
        name: u32,
        value: *mut hv_register_value,
    ) -> c_int;
    pub fn vsm_private_state_set(
        state: *mut vsm_private_state,
        limits: *const vsm_register_limits,
        reg: *const vsm_reg,
    ) -> c_int;
    pub fn vsm_private_state_at(
        state: *const vsm_private_state,
        position: u32,
        reg: *mut vsm_reg,
    ) -> c_int;
    pub fn vsm_private_state_for_each(
        state: *const vsm_private_state,
        visit: Option<unsafe extern "C" fn(*mut c_void, *const vsm_reg) -> c_int>,
        opaque: *mut c_void,
    ) -> c_int;
    pub fn vsm_private_state_print(
        state: *const vsm_private_state,
        line: Option<unsafe extern "C" fn(*mut c_void, *const c_char)>,
        opaque: *mut c_void,
    ) -> c_int;
    pub fn vsm_private_state_encode(
        state: *const vsm_private_state,
        buf: *mut c_void,
        size: usize,
        used: *mut usize,
    ) -> c_int;
    pub fn vsm_private_state_decode(
        state: *mut vsm_private_state,
        limits: *const vsm_register_limits,
        buf: *const c_void,
        size: usize,
    ) -> c_int;
    pub fn vsm_vtl_state_save(vp: *mut vsm_vp, vtl: u32, state: *mut vsm_private_state) -> c_int;
    pub fn vsm_vtl_state_load(vp: *mut vsm_vp, vtl: u32, state: *const vsm_private_state) -> c_int;
}
