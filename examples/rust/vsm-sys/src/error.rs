// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/error.h. Do not edit.

use core::ffi::{c_char, c_int};

pub const VSM_PENDING: c_int = 1;

pub const VSM_ERR_MISUSE: c_int = 1;
pub const VSM_ERR_INVAL: c_int = 2;
pub const VSM_ERR_NOMEM: c_int = 3;
pub const VSM_ERR_HOST: c_int = 4;
pub const VSM_ERR_NOSUP: c_int = 5;
pub const VSM_ERR_EXISTS: c_int = 6;
pub const VSM_ERR_NOTFOUND: c_int = 7;
pub const VSM_ERR_RANGE: c_int = 8;
pub const VSM_ERR_DENIED: c_int = 9;
pub const VSM_ERR_STATE: c_int = 10;
pub const VSM_ERR_SYS: c_int = 11;
pub const VSM_ERR_BUSY: c_int = 12;

extern "C" {
    pub fn vsm_strerror(err: c_int) -> *const c_char;
    pub fn vsm_hv_status_name(status: u16) -> *const c_char;
}
