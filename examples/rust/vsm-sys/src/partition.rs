// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/partition.h. Do not edit.

use core::ffi::{c_int, c_void};

use crate::*;

pub const VSM_CONFIG_ACCEPT_UNENFORCED_EXECUTE: u32 = 0x00000001;
pub const VSM_CONFIG_SCONTROL_RESET_0: u32 = 0x00000002;
pub const VSM_CONFIG_CHECK_THREADS: u32 = 0x00000004;
pub const VSM_HOST_PROTECT_FLUSHES: u32 = 0x00000001;
pub const VSM_HOST_HAS_SMM: u32 = 0x00000002;
pub const VSM_HOST_HAS_NESTED: u32 = 0x00000004;
pub const VSM_HOST_DR6_SHARED: u32 = 0x00000008;
pub const VSM_HOST_STARTS_VPS: u32 = 0x00000010;
pub const VSM_TRAP_OUT: u32 = 0x00000000;
pub const VSM_TRAP_VMCALL: u32 = 0x00000001;
pub const VSM_TRAP_VMMCALL: u32 = 0x00000002;
pub const VSM_CAP_VSM: u32 = 0x00000001;
pub const VSM_CAP_OVERLAYS: u32 = 0x00000002;
pub const VSM_CAP_XMM: u32 = 0x00000004;
pub const VSM_CAP_PROTECT: u32 = 0x00000008;
pub const VSM_CAP_TLB_FLUSH: u32 = 0x00000010;
pub const VSM_CAP_CROSS_VP: u32 = 0x00000020;
pub const VSM_CAP_INJECT: u32 = 0x00000040;
pub const VSM_CAP_INTERRUPT: u32 = 0x00000080;
pub const VSM_CAP_CLOCK: u32 = 0x00000100;
pub const VSM_CAP_UNENFORCED_EXECUTE: u32 = 0x00000200;
pub const VSM_CAP_CRASH: u32 = 0x00000400;
pub const VSM_CAP_MBEC: u32 = 0x00001000;
pub const VSM_CAP_STARTUP: u32 = 0x00000800;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_config {
    pub size: usize,
    pub flags: u32,
    pub host_flags: u32,
    pub max_vps: u32,
    pub max_vtl: u32,
    pub phys_bits: u32,
    pub enforceable: u32,
    pub enforceable_mbec: u32,
    pub hypercall_budget: u32,
    pub trap_kind: u32,
    pub trap_port: u32,
    pub long_spin_count: u32,
    pub build_number: u32,
    pub version: u32,
    pub emulated: u32,
    pub partition_id: u64,
    pub cr4_mask: u64,
    pub efer_mask: u64,
    pub apic_hz: u64,
    pub protmap_max_bytes: u64,
}
zeroed!(vsm_config);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_capabilities {
    pub size: usize,
    pub flags: u32,
    pub enforceable: u32,
    pub accepted: u32,
    pub enforceable_mbec: u32,
    pub accepted_mbec: u32,
    pub max_vtl: u32,
    pub privileges: u64,
    pub features: u32,
    pub emulated: u32,
}
zeroed!(vsm_capabilities);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_stats {
    pub size: usize,
    pub hypercalls: u64,
    pub continuations: u64,
    pub vtl_calls: u64,
    pub vtl_returns: u64,
    pub vtl_entries: u64,
    pub intercepts: u64,
    pub faults_retried: u64,
    pub pages_protected: u64,
    pub unenforced_execute: u64,
    pub exceptions: u64,
    pub host_errors: u64,
}
zeroed!(vsm_stats);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_cpuid {
    pub eax: u32,
    pub ebx: u32,
    pub ecx: u32,
    pub edx: u32,
}
zeroed!(vsm_cpuid);

extern "C" {
    pub fn vsm_config_init(config: *mut vsm_config);
    pub fn vsm_partition_create(
        config: *const vsm_config,
        ops: *const vsm_host_ops,
        opaque: *mut c_void,
        out: *mut *mut vsm,
    ) -> c_int;
    pub fn vsm_partition_destroy(vsm: *mut vsm);
    pub fn vsm_ram_add(vsm: *mut vsm, gpa: u64, size: u64) -> c_int;
    pub fn vsm_ram_hot_add(vsm: *mut vsm, gpa: u64, size: u64) -> c_int;
    pub fn vsm_partition_realise(vsm: *mut vsm) -> c_int;
    pub fn vsm_partition_reset(vsm: *mut vsm) -> c_int;
    pub fn vsm_capabilities_get(vsm: *const vsm, out: *mut vsm_capabilities) -> c_int;
    pub fn vsm_stats_get(vsm: *const vsm, out: *mut vsm_stats) -> c_int;
    pub fn vsm_cpuid_get(vsm: *const vsm, leaf: u32, out: *mut vsm_cpuid) -> c_int;
    pub fn vsm_gpa_rights(vsm: *const vsm, vtl: u32, gpa: u64, rights: *mut u32) -> c_int;
    pub fn vsm_gpa_rights_run(
        vsm: *const vsm,
        vtl: u32,
        gpa: u64,
        size: u64,
        length: *mut u64,
        rights: *mut u32,
    ) -> c_int;
    pub fn vsm_op_complete(vsm: *mut vsm, token: u64, result: c_int, done: u32) -> c_int;
}
