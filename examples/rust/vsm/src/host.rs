// SPDX-License-Identifier: BSD-3-Clause
//! What a VMM implements. The rules are those of `vsm/host.h` and doc/host-contract.md.

use std::marker::PhantomData;

use vsm_sys as sys;

use crate::error::check;
use crate::{Crash, Error, Exception, ProtectRange, Reg, Result, XmmBlock};

/// Phases of a switch of VTLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Make the other VTL ready to run. May fail.
    Prepare,
    /// It is the active one from now on. Must not fail.
    Commit,
    /// Undo `Prepare`. Must not fail.
    Abort,
}

/// Levels of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// The VMM misused the library, or an operation failed.
    Error,
    /// Something the operator should know.
    Warn,
    /// A milestone.
    Info,
}

/// Names an operation that may end later: see [`Done::Pending`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub(crate) u64);

impl Token {
    pub(crate) fn new(number: u64) -> Option<Self> {
        (number != 0).then_some(Self(number))
    }
}

/// Whether an operation has ended. `Pending` is for operations that were given a token;
/// [`Partition::complete`](crate::Partition::complete) ends them. Without a token it is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// It has.
    Now,
    /// It goes on elsewhere.
    Pending,
}

/// What one VTL is to see at a guest page.
#[derive(Clone, Copy, Debug)]
pub struct Overlay {
    /// Page-aligned guest physical address.
    pub gpa: u64,
    /// 4096 bytes to show, which live as long as the partition, or null: RAM again. libvsm writes to
    /// the page and so may the guest, so there is never a reference to it.
    pub page: *mut u8,
    /// The VTL that sees it.
    pub vtl: u32,
    /// The VP that owns it.
    pub vp: u32,
    /// `HV_MAP_GPA_*`.
    pub rights: u32,
}

/// Why [`Host::protect`] failed, and how many ranges were applied before.
#[derive(Clone, Copy, Debug)]
pub struct ProtectFailure {
    /// Why.
    pub error: Error,
    /// Ranges that were applied.
    pub done: u32,
}

/// The table of rights, for [`Host::protect`] to look at under its own lock.
pub struct Rights<'a> {
    pub(crate) vsm: *const sys::vsm,
    pub(crate) life: PhantomData<&'a sys::vsm>,
}

impl Rights<'_> {
    /// Rights of a VTL to the page of `gpa`, now.
    pub fn of(&self, vtl: u32, gpa: u64) -> Result<u32> {
        let mut rights = 0;
        // SAFETY: the partition lives during the operation; this call is allowed in there.
        check(unsafe { sys::vsm_gpa_rights(self.vsm, vtl, gpa, &mut rights) }).map(|_| rights)
    }
}

/// The optional operations that a host has. What is false is told to the guest as missing.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs)]
pub struct Optional {
    pub xmm: bool,
    pub switch_vtl: bool,
    pub overlay_map: bool,
    pub protect: bool,
    pub tlb_flush: bool,
    pub kick: bool,
    pub inject_event: bool,
    pub interrupt: bool,
    pub clock: bool,
    pub crash: bool,
    pub insn_decode: bool,
}

impl Optional {
    /// Only what is mandatory.
    pub const NONE: Self = Self {
        xmm: false,
        switch_vtl: false,
        overlay_map: false,
        protect: false,
        tlb_flush: false,
        kick: false,
        inject_event: false,
        interrupt: false,
        clock: false,
        crash: false,
        insn_decode: false,
    };
}

/// A virtual machine. Several VPs use it at once.
pub trait Host: Send + Sync + 'static {
    /// What each VP has.
    type Vcpu: Vcpu;

    /// The optional operations that this host, or its [`Vcpu`], implements.
    const OPTIONAL: Optional;

    /// Read guest RAM, without rights and overlays.
    fn gpa_read(&self, gpa: u64, buf: &mut [u8]) -> Result<()>;

    /// Write guest RAM, all or nothing.
    fn gpa_write(&self, gpa: u64, data: &[u8]) -> Result<()>;

    /// Show a page to a VTL.
    fn overlay_map(&self, _overlay: &Overlay, _token: Option<Token>) -> Result<Done> {
        Err(Error::NoSup)
    }

    /// Enforce rights of guest pages.
    fn protect(
        &self,
        _rights: &Rights<'_>,
        _ranges: &[ProtectRange],
        _token: Option<Token>,
    ) -> std::result::Result<Done, ProtectFailure> {
        Err(ProtectFailure { error: Error::NoSup, done: 0 })
    }

    /// Drop translations of a VTL on one VP or, if `vp` is `None`, on all.
    fn tlb_flush(&self, _vtl: u32, _vp: Option<u32>, _token: Option<Token>) -> Result<Done> {
        Err(Error::NoSup)
    }

    /// The time-stamp counter as the guest reads it; must never go back.
    fn tsc(&self) -> u64 {
        0
    }

    /// Its rate in Hz.
    fn tsc_hz(&self) -> u64 {
        0
    }

    /// Take one line of text.
    fn log(&self, _level: Level, _line: &str) {}

    /// Length of the instruction that these bytes begin with, in code of 16, 32 or 64 bits.
    fn insn_decode(&self, _bytes: &[u8], _mode: u32) -> Option<u8> {
        None
    }

    /// The guest says that it has crashed.
    fn crash(&self, _crash: &Crash) {}
}

/// The registers of one VP, for all of its VTLs.
///
/// All but `kick` are called on the thread that made the entry, `kick` on any.
pub trait Vcpu: Send + Sync + 'static {
    /// Fill in the values of registers of a VTL, active or not. `groups` is `VSM_REGS_*`.
    fn regs_get(&self, vtl: u32, groups: u32, regs: &mut [Reg]) -> Result<()>;

    /// Set registers of a VTL, all of them or none.
    fn regs_set(&self, vtl: u32, groups: u32, regs: &[Reg]) -> Result<()>;

    /// XMM0..XMM5 of the active VTL.
    fn xmm_get(&self, _vtl: u32, _block: &mut XmmBlock) -> Result<()> {
        Err(Error::NoSup)
    }

    /// The counterpart of `xmm_get`.
    fn xmm_set(&self, _vtl: u32, _block: &XmmBlock) -> Result<()> {
        Err(Error::NoSup)
    }

    /// Change the VTL that runs.
    fn switch_vtl(&self, _from: u32, _to: u32, _phase: Phase) -> Result<()> {
        Err(Error::NoSup)
    }

    /// Make the VP leave the guest or wake its thread; must not wait for it.
    fn kick(&self) {}

    /// Queue an exception for a VTL; `None` takes it back.
    fn inject_event(&self, _vtl: u32, _event: Option<&Exception>) -> Result<()> {
        Err(Error::NoSup)
    }

    /// Assert an edge interrupt (or `VSM_VECTOR_NMI`) in the local APIC of a VTL.
    fn interrupt(&self, _vtl: u32, _vector: u32, _auto_eoi: bool) -> Result<()> {
        Err(Error::NoSup)
    }
}
