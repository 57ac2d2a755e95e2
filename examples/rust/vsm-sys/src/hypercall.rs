// SPDX-License-Identifier: BSD-3-Clause
// Written by bindings.py from vsm/hypercall.h. Do not edit.

use core::ffi::{c_char, c_int};

use crate::*;

pub const VSM_FAST_PAIRS: u32 = 0x00000007;
pub const VSM_CALLER_PROTECTED: u32 = 0x00000001;
pub const VSM_CALLER_LONG: u32 = 0x00000002;
pub const VSM_CALLER_V86: u32 = 0x00000004;
pub const VSM_HYPERCALL_SIMPLE: u32 = 0x00000000;
pub const VSM_HYPERCALL_REP: u32 = 0x00000001;
pub const VSM_HYPERCALL_VTL: u32 = 0x00000002;
pub const VSM_HYPERCALL_FAST: u32 = 0x00000001;
pub const VSM_HYPERCALL_LONG: u32 = 0x00000002;
pub const VSM_DECODE_OK: c_int = 0;
pub const VSM_DECODE_STATUS: c_int = 1;
pub const VSM_DECODE_EXCEPTION: c_int = 2;

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_hypercall_regs {
    pub size: usize,
    pub mode: u32,
    pub cpl: u32,
    pub rax: u64,
    pub rbx: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub r8: u64,
}
zeroed!(vsm_hypercall_regs);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_hypercall_caps {
    pub size: usize,
    pub privileges: u64,
    pub features: u32,
    pub phys_bits: u32,
    pub calls: u64,
    pub enabled: u32,
    pub reserved: u32,
}
zeroed!(vsm_hypercall_caps);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_hypercall {
    pub size: usize,
    pub control: u64,
    pub param: [u64; 2],
    pub vtl_control: u64,
    pub row: u32,
    pub code: u16,
    pub kind: u8,
    pub flags: u8,
    pub rep_count: u32,
    pub rep_start: u32,
    pub header_size: u32,
    pub variable_size: u32,
    pub rep_in_size: u32,
    pub rep_out_size: u32,
    pub input_size: u32,
    pub output_size: u32,
    pub output_pair: u32,
    pub status: u16,
    pub vector: u8,
    pub reserved: u8,
}
zeroed!(vsm_hypercall);

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct vsm_hypercall_info {
    pub size: usize,
    pub privilege: u64,
    pub code: u16,
    pub kind: u8,
    pub fast: u8,
    pub variable: u8,
    pub known: u8,
    pub fixed_in: u16,
    pub rep_in: u16,
    pub rep_out: u16,
    pub fixed_out: u16,
    pub reserved: u16,
    pub name: [c_char; 48],
}
zeroed!(vsm_hypercall_info);

extern "C" {
    pub fn vsm_hypercall_decode(
        regs: *const vsm_hypercall_regs,
        caps: *const vsm_hypercall_caps,
        out: *mut vsm_hypercall,
    ) -> c_int;
    pub fn vsm_hypercall_count() -> u32;
    pub fn vsm_hypercall_row(code: u16) -> c_int;
    pub fn vsm_hypercall_name(code: u16) -> *const c_char;
}
