// SPDX-License-Identifier: BSD-3-Clause
//! What needs no partition: the register table and names of statuses.

use std::ffi::CStr;
use std::mem::size_of;

use vsm_sys as sys;

use crate::RegisterInfo;

/// The rows of the register table, in ascending order of names.
pub fn registers() -> impl Iterator<Item = RegisterInfo> {
    (0..).map_while(|position| {
        let mut row = RegisterInfo { size: size_of::<RegisterInfo>(), ..Default::default() };
        // SAFETY: the pointer is valid, the size right.
        (unsafe { sys::vsm_register_at(position, &mut row) } == 0).then_some(row)
    })
}

/// The name of an HV status, such as "HV_STATUS_SUCCESS".
pub fn hv_status_name(status: u16) -> &'static str {
    // SAFETY: any number is allowed, the text is static and ASCII.
    unsafe { CStr::from_ptr(sys::vsm_hv_status_name(status)) }.to_str().unwrap_or_default()
}
