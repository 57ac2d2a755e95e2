// SPDX-License-Identifier: BSD-3-Clause
//! A virtual processor and its entries, one for each kind of exit.

use std::ffi::c_int;
use std::mem::size_of;
use std::sync::Arc;

use vsm_sys as sys;

use crate::error::check;
use crate::partition::Inner;
use crate::{Cpuid, Error, Exception, Host, MemoryFault, Result};

/// What the run loop does after an entry; see `enum vsm_verdict`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Verdict {
    /// Go on in the active VTL.
    Resume,
    /// Run the same instruction again.
    Retry,
    /// Another VTL is active: run that one.
    Switched,
    /// Sleep until kicked, then [`Vp::run_prepare`].
    Blocked,
    /// Raise this in the active VTL.
    Exception(Exception),
    /// Deal with the exit as if libvsm were not there.
    NotMine,
}

/// What an instruction reads, or why it does not.
#[derive(Clone, Copy, Debug)]
pub enum Answer<T> {
    /// Complete the instruction with this.
    Value(T),
    /// As after other entries.
    Verdict(Verdict),
}

/// A virtual processor. It belongs to the thread that runs it.
pub struct Vp<H: Host> {
    vp: *mut sys::vsm_vp,
    inner: Arc<Inner<H>>,
}

// SAFETY: an entry needs the VP exclusively; which thread it is made from does not matter as long as
// there is one at a time.
unsafe impl<H: Host> Send for Vp<H> {}

impl<H: Host> Vp<H> {
    pub(crate) fn new(vp: *mut sys::vsm_vp, inner: Arc<Inner<H>>) -> Self {
        Self { vp, inner }
    }

    pub(crate) fn inner(&self) -> &Arc<Inner<H>> {
        &self.inner
    }

    /// Its index.
    pub fn index(&self) -> u32 {
        // SAFETY: the VP lives as long as `inner`. The same below.
        unsafe { sys::vsm_vp_index(self.vp) }
    }

    /// The VTL that runs.
    pub fn active_vtl(&self) -> u32 {
        unsafe { sys::vsm_vp_active_vtl(self.vp) }
    }

    /// The VTLs that are enabled: bit n = VTL n.
    pub fn enabled_vtls(&self) -> u32 {
        unsafe { sys::vsm_vp_enabled_vtls(self.vp) }
    }

    /// To be called before the vCPU is run.
    pub fn run_prepare(&mut self) -> Result<Verdict> {
        self.enter(|vp| unsafe { sys::vsm_vp_run_prepare(vp) })
    }

    /// The trap instruction of the hypercall page was executed.
    pub fn hypercall(&mut self, trap_rip: u64, trap_length: u32) -> Result<Verdict> {
        self.enter(|vp| unsafe { sys::vsm_vp_hypercall(vp, trap_rip, trap_length) })
    }

    /// RDMSR.
    pub fn rdmsr(&mut self, msr: u32) -> Result<Answer<u64>> {
        let mut value = 0;
        let verdict = self.enter(|vp| unsafe { sys::vsm_vp_rdmsr(vp, msr, &mut value) })?;
        Ok(answer(verdict, value))
    }

    /// WRMSR.
    pub fn wrmsr(&mut self, msr: u32, value: u64) -> Result<Verdict> {
        self.enter(|vp| unsafe { sys::vsm_vp_wrmsr(vp, msr, value) })
    }

    /// CPUID.
    pub fn cpuid(&mut self, leaf: u32, subleaf: u32) -> Result<Answer<Cpuid>> {
        let mut out = Cpuid::default();
        let verdict = self.enter(|vp| unsafe { sys::vsm_vp_cpuid(vp, leaf, subleaf, &mut out) })?;
        Ok(answer(verdict, out))
    }

    /// The host stopped a memory access. The `size` of the fault is not looked at.
    pub fn memory_fault(&mut self, fault: &MemoryFault) -> Result<Verdict> {
        let fault = MemoryFault { size: size_of::<MemoryFault>(), ..*fault };
        self.enter(|vp| unsafe { sys::vsm_vp_memory_fault(vp, &fault) })
    }

    /// With [`sys::VSM_CONFIG_CHECK_THREADS`]: the VP belongs to the thread that enters it next.
    pub fn thread_release(&mut self) -> Result<()> {
        check(unsafe { sys::vsm_vp_thread_release(self.vp) }).map(|_| ())
    }

    fn enter(&mut self, entry: impl FnOnce(*mut sys::vsm_vp) -> c_int) -> Result<Verdict> {
        self.inner.usable()?;
        let code = entry(self.vp);
        self.inner.intact()?;
        Ok(match check(code)? {
            sys::VSM_VERDICT_RESUME => Verdict::Resume,
            sys::VSM_VERDICT_RETRY => Verdict::Retry,
            sys::VSM_VERDICT_SWITCHED => Verdict::Switched,
            sys::VSM_VERDICT_BLOCKED => Verdict::Blocked,
            sys::VSM_VERDICT_NOT_MINE => Verdict::NotMine,
            sys::VSM_VERDICT_EXCEPTION => {
                let mut out = Exception::default();
                check(unsafe { sys::vsm_vp_exception(self.vp, &mut out) })?;
                Verdict::Exception(out)
            }
            other => return Err(Error::Unknown(other)),
        })
    }
}

fn answer<T>(verdict: Verdict, value: T) -> Answer<T> {
    match verdict {
        Verdict::Resume => Answer::Value(value),
        other => Answer::Verdict(other),
    }
}
