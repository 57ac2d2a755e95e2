// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/version.h. Do not edit.

use core::ffi::c_int;

pub const VSM_VERSION_MAJOR: c_int = 0;
pub const VSM_VERSION_MINOR: c_int = 1;
pub const VSM_VERSION_PATCH: c_int = 0;
pub const VSM_VERSION_NUMBER: c_int = 256;

extern "C" {
    pub fn vsm_version() -> u32;
}
