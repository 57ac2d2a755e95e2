// SPDX-License-Identifier: BSD-3-Clause
//! What the headers of libvsm declare: `NAME_h.rs` for each `vsm/NAME.h`, written by `bindings.py`.
//!
//! Nothing here is safe by itself; the crate `vsm` is what a VMM uses. Constants of enums are
//! `c_int`, the type in which the functions return them. `vsm/kvm.h` is not covered.
#![no_std]
#![allow(non_camel_case_types)]
// The module of a header uses the whole crate, whether or not its header needs another.
#![allow(unused_imports)]

/// Structs start as zeros, as C programs have them.
macro_rules! zeroed {
    ($name:ident) => {
        impl Default for $name {
            fn default() -> Self {
                // SAFETY: of numbers, pointers and optional functions zero is a value.
                unsafe { core::mem::zeroed() }
            }
        }
    };
}

mod error_h;
mod host_h;
mod hv_h;
mod hv_message_h;
mod hv_registers_h;
mod hv_registers_arch_h;
mod hypercall_h;
mod message_h;
mod partition_h;
mod protect_h;
mod registers_h;
mod state_h;
mod types_h;
mod version_h;
mod vp_h;
mod vpset_h;

pub use error_h::*;
pub use host_h::*;
pub use hv_h::*;
pub use hv_message_h::*;
pub use hv_registers_h::*;
pub use hv_registers_arch_h::*;
pub use hypercall_h::*;
pub use message_h::*;
pub use partition_h::*;
pub use protect_h::*;
pub use registers_h::*;
pub use state_h::*;
pub use types_h::*;
pub use version_h::*;
pub use vp_h::*;
pub use vpset_h::*;
