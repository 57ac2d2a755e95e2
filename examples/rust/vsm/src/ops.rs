// SPDX-License-Identifier: BSD-3-Clause
//! Between the table of operations in C and the traits. Nothing unwinds through here.

use std::cell::Cell;
use std::ffi::{c_char, c_int, c_void, CStr};
use std::marker::PhantomData;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};
use std::sync::Arc;
use std::{mem, slice};

use vsm_sys as sys;

use crate::error::to_code;
use crate::host::{Done, Host, Level, Overlay, Phase, Rights, Token, Vcpu};
use crate::{Error, Result};

thread_local! {
    static IN_OPERATION: Cell<bool> = const { Cell::new(false) };
}

/// Is this thread inside an operation? What is not allowed there is refused then.
pub(crate) fn outside_operations() -> Result<()> {
    if IN_OPERATION.get() {
        Err(Error::Misuse)
    } else {
        Ok(())
    }
}

/// `opaque` of the partition-wide operations.
pub(crate) struct HostContext<H> {
    pub host: H,
    pub vsm: AtomicPtr<sys::vsm>,
    pub panicked: Arc<AtomicBool>,
}

/// `opaque` of a VP's operations.
pub(crate) struct VcpuContext<V> {
    pub vcpu: Arc<V>,
    pub panicked: Arc<AtomicBool>,
}

/// Run an operation. If it panics the partition is marked and C gets `failed`.
fn guarded<T>(panicked: &AtomicBool, failed: T, operation: impl FnOnce() -> T) -> T {
    let outer = IN_OPERATION.replace(true);
    let result = catch_unwind(AssertUnwindSafe(operation));
    IN_OPERATION.set(outer);
    result.unwrap_or_else(|payload| {
        // Dropping what was thrown may panic as well; what that throws is left alone.
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            mem::forget(second);
        }
        panicked.store(true, Ordering::Release);
        failed
    })
}

/// # Safety
/// `opaque` is the `HostContext` that the partition was created with, which outlives it.
unsafe fn on_host<H: Host, T>(
    opaque: *mut c_void,
    failed: T,
    operation: impl FnOnce(&HostContext<H>) -> T,
) -> T {
    let context = unsafe { &*opaque.cast::<HostContext<H>>() };
    guarded(&context.panicked, failed, || operation(context))
}

/// # Safety
/// `vp` is the `VcpuContext` that the VP was created with, which outlives it.
unsafe fn on_vcpu<V: Vcpu>(vp: *mut c_void, operation: impl FnOnce(&V) -> Result<()>) -> c_int {
    let context = unsafe { &*vp.cast::<VcpuContext<V>>() };
    guarded(&context.panicked, -sys::VSM_ERR_HOST, || to_code(operation(&context.vcpu)))
}

/// Only an operation that has a token may end later.
fn done_code(result: Result<Done>, token: Option<Token>) -> c_int {
    match result {
        Ok(Done::Now) => 0,
        Ok(Done::Pending) if token.is_some() => sys::VSM_PENDING,
        Ok(Done::Pending) => Error::Host.code(),
        Err(error) => error.code(),
    }
}

// SAFETY, for all functions below: libvsm calls them with the pointers it was given, arrays have as
// many elements as it says, and what a pointer names is nobody else's until the return.

unsafe extern "C" fn regs_get<V: Vcpu>(
    vp: *mut c_void,
    vtl: u32,
    groups: u32,
    regs: *mut sys::vsm_reg,
    count: u32,
) -> c_int {
    let regs = unsafe { slice::from_raw_parts_mut(regs, count as usize) };
    unsafe { on_vcpu(vp, |v: &V| v.regs_get(vtl, groups, regs)) }
}

unsafe extern "C" fn regs_set<V: Vcpu>(
    vp: *mut c_void,
    vtl: u32,
    groups: u32,
    regs: *const sys::vsm_reg,
    count: u32,
) -> c_int {
    let regs = unsafe { slice::from_raw_parts(regs, count as usize) };
    unsafe { on_vcpu(vp, |v: &V| v.regs_set(vtl, groups, regs)) }
}

unsafe extern "C" fn xmm_get<V: Vcpu>(
    vp: *mut c_void,
    vtl: u32,
    block: *mut sys::vsm_xmm_block,
) -> c_int {
    let block = unsafe { &mut *block };
    unsafe { on_vcpu(vp, |v: &V| v.xmm_get(vtl, block)) }
}

unsafe extern "C" fn xmm_set<V: Vcpu>(
    vp: *mut c_void,
    vtl: u32,
    block: *const sys::vsm_xmm_block,
) -> c_int {
    let block = unsafe { &*block };
    unsafe { on_vcpu(vp, |v: &V| v.xmm_set(vtl, block)) }
}

unsafe extern "C" fn switch_vtl<V: Vcpu>(vp: *mut c_void, from: u32, to: u32, phase: u32) -> c_int {
    let phase = match phase {
        sys::VSM_SWITCH_PREPARE => Phase::Prepare,
        sys::VSM_SWITCH_COMMIT => Phase::Commit,
        sys::VSM_SWITCH_ABORT => Phase::Abort,
        _ => return Error::Inval.code(),
    };
    unsafe { on_vcpu(vp, |v: &V| v.switch_vtl(from, to, phase)) }
}

unsafe extern "C" fn kick<V: Vcpu>(vp: *mut c_void) {
    unsafe {
        on_vcpu(vp, |v: &V| {
            v.kick();
            Ok(())
        })
    };
}

unsafe extern "C" fn inject_event<V: Vcpu>(
    vp: *mut c_void,
    vtl: u32,
    event: *const sys::vsm_exception,
) -> c_int {
    let event = unsafe { event.as_ref() };
    unsafe { on_vcpu(vp, |v: &V| v.inject_event(vtl, event)) }
}

unsafe extern "C" fn interrupt<V: Vcpu>(
    vp: *mut c_void,
    vtl: u32,
    vector: u32,
    auto_eoi: u32,
) -> c_int {
    unsafe { on_vcpu(vp, |v: &V| v.interrupt(vtl, vector, auto_eoi != 0)) }
}

unsafe extern "C" fn gpa_read<H: Host>(
    opaque: *mut c_void,
    gpa: u64,
    buf: *mut c_void,
    len: u32,
) -> c_int {
    unsafe {
        // It may be memory that nobody has written yet, which a slice must not be.
        buf.cast::<u8>().write_bytes(0, len as usize);
        let buf = slice::from_raw_parts_mut(buf.cast(), len as usize);
        on_host(opaque, Error::Host.code(), |c: &HostContext<H>| to_code(c.host.gpa_read(gpa, buf)))
    }
}

unsafe extern "C" fn gpa_write<H: Host>(
    opaque: *mut c_void,
    gpa: u64,
    buf: *const c_void,
    len: u32,
) -> c_int {
    unsafe {
        let data = slice::from_raw_parts(buf.cast(), len as usize);
        on_host(opaque, Error::Host.code(), |c: &HostContext<H>| {
            to_code(c.host.gpa_write(gpa, data))
        })
    }
}

unsafe extern "C" fn overlay_map<H: Host>(
    opaque: *mut c_void,
    overlay: *const sys::vsm_overlay,
    token: u64,
) -> c_int {
    let (o, token) = (unsafe { &*overlay }, Token::new(token));
    let overlay =
        Overlay { gpa: o.gpa, page: o.page.cast(), vtl: o.vtl, vp: o.vp, rights: o.rights };
    unsafe {
        on_host(opaque, Error::Host.code(), |c: &HostContext<H>| {
            done_code(c.host.overlay_map(&overlay, token), token)
        })
    }
}

unsafe extern "C" fn protect<H: Host>(
    opaque: *mut c_void,
    ranges: *const sys::vsm_protect_range,
    count: u32,
    done: *mut u32,
    token: u64,
) -> c_int {
    let (done, token) = (unsafe { &mut *done }, Token::new(token));
    *done = 0;
    let operation = |c: &HostContext<H>| {
        let ranges = unsafe { slice::from_raw_parts(ranges, count as usize) };
        let rights = Rights { vsm: c.vsm.load(Ordering::Acquire), life: PhantomData };
        let result = c.host.protect(&rights, ranges, token).map_err(|failure| {
            *done = failure.done.min(count - 1);
            failure.error
        });
        done_code(result, token)
    };
    unsafe { on_host(opaque, Error::State.code(), operation) }
}

unsafe extern "C" fn tlb_flush<H: Host>(
    opaque: *mut c_void,
    vtl: u32,
    vp: u32,
    token: u64,
) -> c_int {
    let (vp, token) = ((vp != sys::VSM_ALL_VPS).then_some(vp), Token::new(token));
    unsafe {
        on_host(opaque, Error::Host.code(), |c: &HostContext<H>| {
            done_code(c.host.tlb_flush(vtl, vp, token), token)
        })
    }
}

unsafe extern "C" fn tsc<H: Host>(opaque: *mut c_void) -> u64 {
    unsafe { on_host(opaque, 0, |c: &HostContext<H>| c.host.tsc()) }
}

unsafe extern "C" fn tsc_hz<H: Host>(opaque: *mut c_void) -> u64 {
    unsafe { on_host(opaque, 0, |c: &HostContext<H>| c.host.tsc_hz()) }
}

unsafe extern "C" fn log<H: Host>(opaque: *mut c_void, level: i32, line: *const c_char) {
    let level = match level {
        sys::VSM_LOG_ERROR => Level::Error,
        sys::VSM_LOG_WARN => Level::Warn,
        _ => Level::Info,
    };
    unsafe {
        let line = CStr::from_ptr(line);
        on_host(opaque, (), |c: &HostContext<H>| c.host.log(level, &line.to_string_lossy()))
    }
}

unsafe extern "C" fn crash<H: Host>(opaque: *mut c_void, crash: *const sys::vsm_crash) {
    unsafe {
        let crash = &*crash;
        on_host(opaque, (), |c: &HostContext<H>| c.host.crash(crash))
    }
}

unsafe extern "C" fn insn_decode<H: Host>(
    opaque: *mut c_void,
    bytes: *const u8,
    count: u32,
    mode: u32,
) -> c_int {
    unsafe {
        let bytes = slice::from_raw_parts(bytes, count as usize);
        on_host(opaque, 0, |c: &HostContext<H>| {
            c.host.insn_decode(bytes, mode).map_or(0, c_int::from)
        })
    }
}

/// The place of a variable that each thread has for itself.
unsafe extern "C" fn thread_id(_opaque: *mut c_void) -> u64 {
    IN_OPERATION.with(|variable| variable as *const Cell<bool> as u64)
}

/// The operations of a host, as C takes them. Those it does not have are NULL.
pub(crate) fn table<H: Host>() -> sys::vsm_host_ops {
    let has = H::OPTIONAL;
    let mut ops = sys::vsm_host_ops {
        size: mem::size_of::<sys::vsm_host_ops>(),
        regs_get: Some(regs_get::<H::Vcpu>),
        regs_set: Some(regs_set::<H::Vcpu>),
        gpa_read: Some(gpa_read::<H>),
        gpa_write: Some(gpa_write::<H>),
        log: Some(log::<H>),
        thread_id: Some(thread_id),
        ..Default::default()
    };
    if has.xmm {
        ops.xmm_get = Some(xmm_get::<H::Vcpu>);
        ops.xmm_set = Some(xmm_set::<H::Vcpu>);
    }
    if has.switch_vtl {
        ops.switch_vtl = Some(switch_vtl::<H::Vcpu>);
    }
    if has.overlay_map {
        ops.overlay_map = Some(overlay_map::<H>);
    }
    if has.protect {
        ops.protect = Some(protect::<H>);
    }
    if has.tlb_flush {
        ops.tlb_flush = Some(tlb_flush::<H>);
    }
    if has.kick {
        ops.kick = Some(kick::<H::Vcpu>);
    }
    if has.inject_event {
        ops.inject_event = Some(inject_event::<H::Vcpu>);
    }
    if has.interrupt {
        ops.interrupt = Some(interrupt::<H::Vcpu>);
    }
    if has.clock {
        ops.tsc = Some(tsc::<H>);
        ops.tsc_hz = Some(tsc_hz::<H>);
    }
    if has.crash {
        ops.crash = Some(crash::<H>);
    }
    if has.insn_decode {
        ops.insn_decode = Some(insn_decode::<H>);
    }
    ops
}
