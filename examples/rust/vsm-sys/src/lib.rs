// SPDX-License-Identifier: BSD-3-Clause
//! What the headers of libvsm declare: `NAME.rs` for each `vsm/NAME.h`, written by `bindings.py`.
//!
//! Nothing here is safe by itself; the crate `vsm` is what a VMM uses. Constants of enums are
//! `c_int`, the type in which the functions return them. `vsm/kvm.h` and `vsm/kvm_state.h`
//! are not covered.
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

mod error;
mod gpa;
mod host;
mod hv;
mod hv_messages;
mod hv_registers;
mod hv_registers_arch;
mod hypercall;
mod message;
mod partition;
mod protect;
mod registers;
mod save;
mod state;
mod types;
mod version;
mod vp;
mod vpset;

pub use error::*;
pub use gpa::*;
pub use host::*;
pub use hv::*;
pub use hv_messages::*;
pub use hv_registers::*;
pub use hv_registers_arch::*;
pub use hypercall::*;
pub use message::*;
pub use partition::*;
pub use protect::*;
pub use registers::*;
pub use save::*;
pub use state::*;
pub use types::*;
pub use version::*;
pub use vp::*;
pub use vpset::*;
