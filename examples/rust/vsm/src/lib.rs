// SPDX-License-Identifier: BSD-3-Clause
//! Safe Rust for a VMM that offers VSM to its guest through libvsm.
//!
//! A VMM implements [`Host`] for what is one in a machine and [`Vcpu`] for what each VP has, gives
//! both to a [`Builder`] and gets a [`Partition`] and its [`Vp`]s. Each `Vp` then goes to the thread
//! that runs it. What the C interface asks of its caller is in the types here: an entry needs
//! `&mut Vp`, a reset all of them, and an operation that calls back gets [`Error::Misuse`].
//!
//! An operation that panics does not unwind into C. It counts as failed, and that entry and every
//! later one of the partition is [`Error::Panicked`]: nobody knows what state the host is in.
#![warn(missing_docs)]

mod error;
mod host;
mod ops;
mod partition;
mod registers;
mod vp;

pub use error::{Error, Result};
pub use host::{Done, Host, Level, Optional, Overlay, Phase, ProtectFailure, Rights, Token, Vcpu};
pub use partition::{config, Builder, Partition};
pub use registers::{hv_status_name, registers};
pub use vp::{Answer, Verdict, Vp};

pub use vsm_sys as sys;
pub use vsm_sys::{
    vsm_capabilities as Capabilities, vsm_config as Config, vsm_cpuid as Cpuid, vsm_crash as Crash,
    vsm_exception as Exception, vsm_memory_fault as MemoryFault, vsm_protect_range as ProtectRange,
    vsm_reg as Reg, vsm_register_info as RegisterInfo, vsm_stats as Stats,
    vsm_xmm_block as XmmBlock,
};
