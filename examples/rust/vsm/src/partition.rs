// SPDX-License-Identifier: BSD-3-Clause
//! A partition from its configuration to its end.

use std::mem::size_of;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::Arc;

use vsm_sys as sys;

use crate::error::check;
use crate::ops::{outside_operations, table, HostContext, VcpuContext};
use crate::{Capabilities, Config, Cpuid, Error, Host, Result, Stats, Token, Vp};

/// The default configuration. Its `size` is not looked at.
pub fn config() -> Config {
    let mut config = Config::default();
    // SAFETY: fills in what it is given.
    unsafe { sys::vsm_config_init(&mut config) };
    config
}

/// What a partition and all of its VPs hold together. The last of them destroys it.
pub(crate) struct Inner<H: Host> {
    vsm: *mut sys::vsm,
    panicked: Arc<AtomicBool>,
    // What C has pointers to. Boxes are not moved, and are dropped after the partition is gone.
    host: *mut HostContext<H>,
    vcpus: Vec<*mut VcpuContext<H::Vcpu>>,
    vp_count: usize,
}

// SAFETY: through a shared `Inner` only those functions are called that any thread may call at any
// time; a host and its vCPUs are Send and Sync themselves.
unsafe impl<H: Host> Send for Inner<H> {}
unsafe impl<H: Host> Sync for Inner<H> {}

impl<H: Host> Inner<H> {
    /// May the partition still be used, and from here?
    pub(crate) fn usable(&self) -> Result<()> {
        outside_operations()?;
        self.intact()
    }

    /// An error once an operation has panicked.
    pub(crate) fn intact(&self) -> Result<()> {
        if self.panicked.load(Ordering::Acquire) {
            Err(Error::Panicked)
        } else {
            Ok(())
        }
    }
}

impl<H: Host> Drop for Inner<H> {
    fn drop(&mut self) {
        // SAFETY: no VP is left, so no entry is running; after it nothing has the contexts.
        unsafe {
            sys::vsm_partition_destroy(self.vsm);
            for vcpu in self.vcpus.drain(..) {
                drop(Box::from_raw(vcpu));
            }
            drop(Box::from_raw(self.host));
        }
    }
}

/// Collects what a partition is made of.
pub struct Builder<H: Host> {
    host: H,
    config: Config,
    ram: Vec<(u64, u64)>,
    vps: Vec<(u32, u32, Arc<H::Vcpu>)>,
}

impl<H: Host> Builder<H> {
    /// Start with a host and [`config()`].
    pub fn new(host: H) -> Self {
        Self { host, config: config(), ram: Vec::new(), vps: Vec::new() }
    }

    /// Take another configuration.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Declare a range of guest RAM.
    pub fn ram(mut self, gpa: u64, size: u64) -> Self {
        self.ram.push((gpa, size));
        self
    }

    /// Add a VP.
    pub fn vp(mut self, index: u32, apic_id: u32, vcpu: Arc<H::Vcpu>) -> Self {
        self.vps.push((index, apic_id, vcpu));
        self
    }

    /// Make the partition and its VPs, in the order in which they were added.
    pub fn build(mut self) -> Result<(Partition<H>, Vec<Vp<H>>)> {
        outside_operations()?;
        self.config.size = size_of::<Config>();
        let panicked = Arc::new(AtomicBool::new(false));
        let mut inner = Inner {
            vsm: ptr::null_mut(),
            panicked: panicked.clone(),
            host: Box::into_raw(Box::new(HostContext {
                host: self.host,
                vsm: AtomicPtr::new(ptr::null_mut()),
                panicked,
            })),
            vcpus: Vec::new(),
            vp_count: self.vps.len(),
        };
        // SAFETY: the pointers are valid, the sizes right; `inner` keeps the contexts longer than
        // the partition, also when this fails half-way.
        unsafe {
            let (host, ops) = (inner.host, table::<H>());
            check(sys::vsm_partition_create(&self.config, &ops, host.cast(), &mut inner.vsm))?;
            (*host).vsm.store(inner.vsm, Ordering::Release);
            for (gpa, size) in self.ram {
                check(sys::vsm_ram_add(inner.vsm, gpa, size))?;
            }
            let realised = check(sys::vsm_partition_realise(inner.vsm));
            inner.intact()?;
            realised?;
        }
        let mut created = Vec::new();
        for (index, apic_id, vcpu) in self.vps {
            created.push(create_vp(&mut inner, index, apic_id, vcpu)?);
        }
        let inner = Arc::new(inner);
        let vps = created.into_iter().map(|vp| Vp::new(vp, inner.clone())).collect();
        Ok((Partition(inner), vps))
    }
}

fn create_vp<H: Host>(
    inner: &mut Inner<H>,
    index: u32,
    apic_id: u32,
    vcpu: Arc<H::Vcpu>,
) -> Result<*mut sys::vsm_vp> {
    let context = VcpuContext { vcpu, panicked: inner.panicked.clone() };
    let opaque = Box::into_raw(Box::new(context));
    inner.vcpus.push(opaque);
    let config = sys::vsm_vp_config {
        size: size_of::<sys::vsm_vp_config>(),
        index,
        apic_id,
        opaque: opaque.cast(),
        ..Default::default()
    };
    let mut vp = ptr::null_mut();
    // SAFETY: the partition is realised, no VP of it is in an entry, the context outlives it.
    let result = check(unsafe { sys::vsm_vp_create(inner.vsm, &config, &mut vp) });
    inner.intact()?;
    result.map(|_| vp)
}

/// A partition that is ready to run. Clones are the same partition; it lives as long as one of them
/// or one of its VPs.
pub struct Partition<H: Host>(Arc<Inner<H>>);

impl<H: Host> Clone for Partition<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<H: Host> Partition<H> {
    /// The host.
    pub fn host(&self) -> &H {
        // SAFETY: it lives as long as the partition, and nobody has it exclusively.
        unsafe { &(*self.0.host).host }
    }

    /// What the partition can do.
    pub fn capabilities(&self) -> Result<Capabilities> {
        let mut out = Capabilities { size: size_of::<Capabilities>(), ..Default::default() };
        outside_operations()?;
        // SAFETY: both pointers are valid, the size is right. The same below.
        check(unsafe { sys::vsm_capabilities_get(self.0.vsm, &mut out) }).map(|_| out)
    }

    /// The counters.
    pub fn stats(&self) -> Result<Stats> {
        let mut out = Stats { size: size_of::<Stats>(), ..Default::default() };
        outside_operations()?;
        check(unsafe { sys::vsm_stats_get(self.0.vsm, &mut out) }).map(|_| out)
    }

    /// A leaf of the hypervisor's CPUID range.
    pub fn cpuid(&self, leaf: u32) -> Result<Cpuid> {
        let mut out = Cpuid::default();
        outside_operations()?;
        check(unsafe { sys::vsm_cpuid_get(self.0.vsm, leaf, &mut out) }).map(|_| out)
    }

    /// Rights of a VTL to a guest page. Also allowed within operations.
    pub fn rights(&self, vtl: u32, gpa: u64) -> Result<u32> {
        let mut rights = 0;
        check(unsafe { sys::vsm_gpa_rights(self.0.vsm, vtl, gpa, &mut rights) }).map(|_| rights)
    }

    /// End an operation that was [`Done::Pending`](crate::Done::Pending). An error comes with the
    /// number of ranges that were applied, which only `protect` has. Also allowed within operations.
    pub fn complete(
        &self,
        token: Token,
        result: std::result::Result<(), (Error, u32)>,
    ) -> Result<()> {
        let (code, done) = result.map_or_else(|(error, done)| (error.code(), done), |()| (0, 0));
        check(unsafe { sys::vsm_op_complete(self.0.vsm, token.0, code, done) }).map(|_| ())
    }

    /// Reset as at power-on. All VPs of the partition have to be there, so that none runs.
    pub fn reset(&self, vps: &mut [Vp<H>]) -> Result<()> {
        self.0.usable()?;
        let all = vps.len() == self.0.vp_count;
        if !all || !vps.iter().all(|vp| Arc::ptr_eq(vp.inner(), &self.0)) {
            return Err(Error::Misuse);
        }
        let result = check(unsafe { sys::vsm_partition_reset(self.0.vsm) });
        self.0.intact()?;
        result.map(|_| ())
    }
}
