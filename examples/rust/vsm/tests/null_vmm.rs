// SPDX-License-Identifier: BSD-3-Clause
//! A VMM without a processor: registers and memory are in tables, and the tests play the guest by
//! making the exits that its instructions would cause. It keeps one set of registers for each VTL
//! (the replicated model of doc/host-contract.md).

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::{mem, slice};

use vsm::sys::{self, hv_input_enable_partition_vtl, hv_input_enable_vp_vtl, hv_segment_register};
use vsm::*;

const INPUT: u64 = 0x1000; // Parameter block of a hypercall.
const OUTPUT: u64 = 0x2000;
const PAGE: u64 = 0x3000; // Where each VTL wants its hypercall page, and traps.
const START: u64 = 0x5000; // Where VTL1 starts.
const CR3: [u64; 2] = [0x6000, 0x7000];
const RAM: u64 = 0x10000;
const TRAP_LENGTH: u32 = 2; // OUT imm8, AL.
const GP: u8 = 13;

/// What the host does that it should not do, or later.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Fine,
    Panics,
    CallsBack,
    Later,
}

struct Machine {
    ram: Mutex<Vec<u8>>,
    pages: Mutex<HashMap<(u32, u64), usize>>,
    mood: Mutex<Mood>,
    partition: Mutex<Option<Partition<Shared>>>,
    called_back: Mutex<Option<Error>>,
    token: Mutex<Option<Token>>,
    lines: Mutex<Vec<String>>,
}

/// The test keeps the machine too, to look at it.
struct Shared(Arc<Machine>);

#[derive(Default)]
struct Registers {
    files: Mutex<[HashMap<u32, sys::hv_register_value>; 2]>,
    kicks: Mutex<u32>,
}

impl Registers {
    fn get(&self, vtl: usize, name: u32) -> u64 {
        self.files.lock().unwrap()[vtl].get(&name).map_or(0, |value| value.low)
    }

    fn set(&self, vtl: usize, name: u32, low: u64) {
        self.set_value(vtl, name, sys::hv_register_value { low, high: 0 });
    }

    fn set_value(&self, vtl: usize, name: u32, value: sys::hv_register_value) {
        self.files.lock().unwrap()[vtl].insert(name, value);
    }
}

impl Vcpu for Registers {
    fn regs_get(&self, vtl: u32, _groups: u32, regs: &mut [Reg]) -> Result<()> {
        let files = self.files.lock().unwrap();
        for reg in regs {
            reg.value = files[vtl as usize].get(&reg.name).copied().unwrap_or_default();
        }
        Ok(())
    }

    fn regs_set(&self, vtl: u32, _groups: u32, regs: &[Reg]) -> Result<()> {
        for reg in regs {
            self.set_value(vtl as usize, reg.name, reg.value);
        }
        Ok(())
    }

    fn switch_vtl(&self, from: u32, to: u32, phase: Phase) -> Result<()> {
        if phase == Phase::Prepare {
            let mut files = self.files.lock().unwrap();
            for row in registers() {
                if shared_of_host(&row) {
                    let value = files[from as usize].get(&row.name).copied().unwrap_or_default();
                    files[to as usize].insert(row.name, value);
                }
            }
        }
        Ok(())
    }

    fn kick(&self) {
        *self.kicks.lock().unwrap() += 1;
    }
}

impl Host for Shared {
    type Vcpu = Registers;
    const OPTIONAL: Optional =
        Optional { switch_vtl: true, overlay_map: true, kick: true, ..Optional::NONE };

    fn gpa_read(&self, gpa: u64, buf: &mut [u8]) -> Result<()> {
        let mood = *self.0.mood.lock().unwrap();
        match mood {
            Mood::Panics => panic!("as the test wants it"),
            Mood::CallsBack => {
                let partition = self.0.partition.lock().unwrap();
                *self.0.called_back.lock().unwrap() = partition.as_ref().unwrap().stats().err();
            }
            _ => (),
        }
        let at = gpa as usize;
        buf.copy_from_slice(&self.0.ram.lock().unwrap()[at..at + buf.len()]);
        Ok(())
    }

    fn gpa_write(&self, gpa: u64, data: &[u8]) -> Result<()> {
        let at = gpa as usize;
        self.0.ram.lock().unwrap()[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }

    fn overlay_map(&self, overlay: &Overlay, token: Option<Token>) -> Result<Done> {
        self.0.pages.lock().unwrap().insert((overlay.vtl, overlay.gpa), overlay.page as usize);
        if *self.0.mood.lock().unwrap() == Mood::Later {
            *self.0.token.lock().unwrap() = token;
            return Ok(Done::Pending);
        }
        Ok(Done::Now)
    }

    fn log(&self, _level: Level, line: &str) {
        self.0.lines.lock().unwrap().push(line.into());
    }
}

/// What a replicated host copies at a switch.
fn shared_of_host(row: &RegisterInfo) -> bool {
    u32::from(row.scope) == sys::VSM_SCOPE_SHARED && u32::from(row.owner) == sys::VSM_OWNER_HOST
}

struct Vmm {
    machine: Arc<Machine>,
    cpu: Arc<Registers>,
    partition: Partition<Shared>,
    vps: Vec<Vp<Shared>>,
}

fn machine() -> Arc<Machine> {
    Arc::new(Machine {
        ram: Mutex::new(vec![0; RAM as usize]),
        pages: Mutex::default(),
        mood: Mutex::new(Mood::Fine),
        partition: Mutex::default(),
        called_back: Mutex::default(),
        token: Mutex::default(),
        lines: Mutex::default(),
    })
}

/// The context of an operating system in 64-bit mode.
fn context(cr3: u64) -> sys::hv_initial_vp_context {
    let segment =
        |limit, selector, attributes| hv_segment_register { base: 0, limit, selector, attributes };
    let data = segment(0xffff_ffff, 0x18, 0xc093);
    sys::hv_initial_vp_context {
        rip: START,
        rflags: 2,
        cs: segment(0xffff_ffff, 0x10, 0xa09b),
        ds: data,
        es: data,
        fs: data,
        gs: data,
        ss: data,
        tr: segment(0x67, 0x20, 0x8b),
        ldtr: segment(0, 0, 0x82),
        efer: 0xd01,      // NXE, LMA, LME, SCE
        cr0: 0x8005_0033, // PG, AM, WP, NE, ET, MP, PE
        cr3,
        cr4: 0x6a0, // OSXMMEXCPT, OSFXSR, PGE, PAE
        msr_cr_pat: 0x0007_0406_0007_0406,
        ..Default::default()
    }
}

/// The bytes of a structure of the TLFS, which have no padding.
fn bytes<T: Copy>(what: &T) -> &[u8] {
    // SAFETY: as many bytes as there are, all of them written.
    unsafe { slice::from_raw_parts((what as *const T).cast(), mem::size_of::<T>()) }
}

impl Vmm {
    fn new() -> Self {
        Self::with(config())
    }

    fn with(config: Config) -> Self {
        let (machine, cpu) = (machine(), Arc::new(Registers::default()));
        let start = context(CR3[0]);
        cpu.set(0, sys::HV_X64_REGISTER_CR0, start.cr0);
        cpu.set(0, sys::HV_X64_REGISTER_CR3, start.cr3);
        cpu.set(0, sys::HV_X64_REGISTER_CR4, start.cr4);
        cpu.set(0, sys::HV_X64_REGISTER_EFER, start.efer);
        for (name, segment) in
            [(sys::HV_X64_REGISTER_CS, start.cs), (sys::HV_X64_REGISTER_SS, start.ss)]
        {
            let high = u64::from(segment.limit)
                | u64::from(segment.selector) << 32
                | u64::from(segment.attributes) << 48;
            cpu.set_value(0, name, sys::hv_register_value { low: segment.base, high });
        }
        let (partition, vps) = Builder::new(Shared(machine.clone()))
            .config(config)
            .ram(0, RAM)
            .vp(0, 0, cpu.clone())
            .build()
            .expect("a partition");
        Self { machine, cpu, partition, vps }
    }

    fn vp(&mut self) -> &mut Vp<Shared> {
        &mut self.vps[0]
    }

    fn vtl(&self) -> usize {
        self.vps[0].active_vtl() as usize
    }

    fn reg(&self, name: u32) -> u64 {
        self.cpu.get(self.vtl(), name)
    }

    fn set_reg(&self, name: u32, value: u64) {
        self.cpu.set(self.vtl(), name, value);
    }

    fn hypercalls_on(&mut self) {
        let id = self.vp().wrmsr(sys::HV_X64_MSR_GUEST_OS_ID, 0x8100_0000_0000_0001);
        assert!(matches!(id, Ok(Verdict::Resume)), "{id:?}");
        let page = self.vp().wrmsr(sys::HV_X64_MSR_HYPERCALL, PAGE | 1);
        assert!(matches!(page, Ok(Verdict::Resume)), "{page:?}");
        let shown = self.machine.pages.lock().unwrap()[&(self.vtl() as u32, PAGE)];
        assert_ne!(shown, 0, "a hypercall page");
    }

    fn trap(&mut self, rax: u64, code: u32) -> Result<Verdict> {
        self.set_reg(sys::HV_X64_REGISTER_RAX, rax);
        self.set_reg(sys::HV_X64_REGISTER_RCX, code.into());
        self.set_reg(sys::HV_X64_REGISTER_RIP, PAGE);
        self.vp().hypercall(PAGE, TRAP_LENGTH)
    }

    fn hypercall(&mut self, code: u32, input: &[u8]) -> Result<u16> {
        let at = INPUT as usize;
        self.machine.ram.lock().unwrap()[at..at + input.len()].copy_from_slice(input);
        self.set_reg(sys::HV_X64_REGISTER_RDX, INPUT);
        self.set_reg(sys::HV_X64_REGISTER_R8, OUTPUT);
        let verdict = self.trap(0, code)?;
        assert!(matches!(verdict, Verdict::Resume), "{verdict:?}");
        assert_eq!(self.reg(sys::HV_X64_REGISTER_RIP), PAGE + u64::from(TRAP_LENGTH));
        Ok(self.reg(sys::HV_X64_REGISTER_RAX) as u16)
    }

    fn enable_vtl1(&mut self) {
        let partition = hv_input_enable_partition_vtl {
            target_partition_id: sys::HV_PARTITION_ID_SELF,
            target_vtl: 1,
            ..Default::default()
        };
        let vp = hv_input_enable_vp_vtl {
            target_partition_id: sys::HV_PARTITION_ID_SELF,
            vp_index: sys::HV_VP_INDEX_SELF,
            target_vtl: 1,
            vp_vtl_context: context(CR3[1]),
            ..Default::default()
        };
        for (code, input) in [
            (sys::HVCALL_ENABLE_PARTITION_VTL, bytes(&partition)),
            (sys::HVCALL_ENABLE_VP_VTL, bytes(&vp)),
        ] {
            let status = self.hypercall(code, input).expect("a status");
            assert_eq!(hv_status_name(status), "HV_STATUS_SUCCESS");
        }
        assert_eq!(self.vps[0].enabled_vtls(), 3);
    }
}

#[test]
fn vtl_call_and_return() {
    let mut vmm = Vmm::new();
    let capabilities = vmm.partition.capabilities().unwrap();
    assert_ne!(capabilities.flags & sys::VSM_CAP_VSM, 0);
    assert_eq!(capabilities.flags & sys::VSM_CAP_PROTECT, 0);
    vmm.hypercalls_on();
    vmm.enable_vtl1();
    assert_eq!(vmm.vtl(), 0);

    // VTL0 asks: what is one more than RBX?
    vmm.set_reg(sys::HV_X64_REGISTER_RBX, 41);
    let verdict = vmm.trap(0, sys::HVCALL_VTL_CALL);
    assert!(matches!(verdict, Ok(Verdict::Switched)), "{verdict:?}");
    assert_eq!(vmm.vtl(), 1);
    assert_eq!(vmm.reg(sys::HV_X64_REGISTER_RIP), START);
    assert_eq!(vmm.reg(sys::HV_X64_REGISTER_CR3), CR3[1]);

    // VTL1 answers.
    vmm.hypercalls_on();
    let question = vmm.reg(sys::HV_X64_REGISTER_RBX);
    vmm.set_reg(sys::HV_X64_REGISTER_RBX, question + 1);
    let verdict = vmm.trap(sys::HV_VTL_RETURN_FAST, sys::HVCALL_VTL_RETURN);
    assert!(matches!(verdict, Ok(Verdict::Switched)), "{verdict:?}");

    assert_eq!(vmm.vtl(), 0);
    assert_eq!(vmm.reg(sys::HV_X64_REGISTER_RBX), 42);
    assert_eq!(vmm.reg(sys::HV_X64_REGISTER_CR3), CR3[0]);
    assert_eq!(vmm.reg(sys::HV_X64_REGISTER_RIP), PAGE + u64::from(TRAP_LENGTH));
    let stats = vmm.partition.stats().unwrap();
    assert_eq!((stats.vtl_calls, stats.vtl_returns, stats.host_errors), (1, 1, 0));
}

#[test]
fn a_partition_outlives_its_handle_and_changes_threads() {
    let mut vmm = Vmm::new();
    vmm.hypercalls_on();
    drop(vmm.partition);
    let mut vp = vmm.vps.remove(0);
    let (index, os) =
        std::thread::spawn(move || (vp.index(), vp.rdmsr(sys::HV_X64_MSR_GUEST_OS_ID)))
            .join()
            .unwrap();
    assert_eq!(index, 0);
    assert!(matches!(os, Ok(Answer::Value(0x8100_0000_0000_0001))), "{os:?}");
    assert_eq!(Arc::strong_count(&vmm.machine), 1, "the last VP frees the host");
    assert_eq!(Arc::strong_count(&vmm.cpu), 1);
}

#[test]
fn a_vp_that_is_checked_changes_threads_when_it_is_released() {
    let mut vmm = Vmm::with(Config { flags: sys::VSM_CONFIG_CHECK_THREADS, ..config() });
    assert!(matches!(vmm.vp().run_prepare(), Ok(Verdict::Resume)));
    let mut vp = vmm.vps.remove(0);
    let elsewhere = std::thread::spawn(move || {
        let refused = vp.run_prepare();
        vp.thread_release().unwrap();
        (refused, vp.run_prepare(), vp)
    });
    let (refused, taken, mut vp) = elsewhere.join().unwrap();
    assert_eq!(refused.err(), Some(Error::Misuse));
    assert!(matches!(taken, Ok(Verdict::Resume)), "{taken:?}");
    let lines = vmm.machine.lines.lock().unwrap();
    assert!(lines.iter().any(|line| line.contains("vsm_vp_thread_release()")), "{lines:?}");
    drop(lines);
    vp.thread_release().unwrap();
    assert!(matches!(vp.run_prepare(), Ok(Verdict::Resume)));
}

#[test]
fn a_panic_stays_on_this_side() {
    let mut vmm = Vmm::new();
    vmm.hypercalls_on();
    *vmm.machine.mood.lock().unwrap() = Mood::Panics;
    let input = [0; 16];
    let code = sys::HVCALL_ENABLE_PARTITION_VTL;
    assert_eq!(vmm.hypercall(code, &input), Err(Error::Panicked));
    // The host is well again, but nobody knows what it has left undone.
    *vmm.machine.mood.lock().unwrap() = Mood::Fine;
    assert_eq!(vmm.hypercall(code, &input), Err(Error::Panicked));
    assert_eq!(vmm.vps[0].run_prepare().err(), Some(Error::Panicked));
    assert_eq!(vmm.partition.reset(&mut vmm.vps).err(), Some(Error::Panicked));
    assert_eq!(vmm.partition.stats().unwrap().host_errors, 1);
    assert_eq!(Error::Panicked.to_string(), "an operation of the host panicked");
}

#[test]
fn an_operation_must_not_call_back() {
    let mut vmm = Vmm::new();
    vmm.hypercalls_on();
    *vmm.machine.partition.lock().unwrap() = Some(vmm.partition.clone());
    *vmm.machine.mood.lock().unwrap() = Mood::CallsBack;
    let status = vmm.hypercall(sys::HVCALL_ENABLE_PARTITION_VTL, &[0; 16]).unwrap();
    assert_ne!(hv_status_name(status), "HV_STATUS_SUCCESS", "partition 0 is nobody");
    assert_eq!(*vmm.machine.called_back.lock().unwrap(), Some(Error::Misuse));
    assert!(vmm.partition.stats().is_ok(), "outside of operations it is allowed");
    vmm.machine.partition.lock().unwrap().take();
}

#[test]
fn an_operation_ends_later() {
    let mut vmm = Vmm::new();
    assert!(matches!(vmm.vp().wrmsr(sys::HV_X64_MSR_GUEST_OS_ID, 1), Ok(Verdict::Resume)));
    *vmm.machine.mood.lock().unwrap() = Mood::Later;
    let verdict = vmm.vp().wrmsr(sys::HV_X64_MSR_HYPERCALL, PAGE | 1);
    assert!(matches!(verdict, Ok(Verdict::Blocked)), "{verdict:?}");
    let token = vmm.machine.token.lock().unwrap().take().expect("a token");
    let before = *vmm.cpu.kicks.lock().unwrap();
    vmm.partition.complete(token, Ok(())).unwrap();
    assert_eq!(*vmm.cpu.kicks.lock().unwrap(), before + 1);
    let verdict = vmm.vp().run_prepare();
    assert!(matches!(verdict, Ok(Verdict::Resume)), "{verdict:?}");
    assert_eq!(vmm.partition.complete(token, Ok(())), Err(Error::NotFound));
}

#[test]
fn answers_and_errors() {
    let mut vmm = Vmm::new();
    let other = vmm.vp().rdmsr(0x10);
    assert!(matches!(other, Ok(Answer::Verdict(Verdict::NotMine))), "{other:?}");
    let none = vmm.vp().wrmsr(sys::HV_X64_MSR_VP_INDEX, 1);
    assert!(matches!(none, Ok(Verdict::Exception(Exception { vector: GP, .. }))), "{none:?}");
    assert_eq!(vmm.vp().hypercall(PAGE, 0).err(), Some(Error::Inval));
    let leaf = vmm.vp().cpuid(0x4000_0001, 0);
    assert!(matches!(leaf, Ok(Answer::Value(Cpuid { eax: 0x3123_7648, .. }))), "{leaf:?}");
    assert_eq!(vmm.partition.cpuid(0x4000_0001).unwrap().eax, 0x3123_7648); // "Hv#1"
    assert_eq!(vmm.partition.rights(0, 0x1000), Ok(sys::VSM_RIGHTS_ALL));
    assert_eq!(vmm.partition.rights(0, RAM), Err(Error::Range));
    assert_eq!(vmm.partition.reset(&mut []), Err(Error::Misuse));
    assert_eq!(vmm.partition.reset(&mut vmm.vps), Ok(()));

    let machine = machine();
    let wrong = Config { max_vps: 0, ..config() };
    let result = Builder::new(Shared(machine.clone())).config(wrong).build();
    assert_eq!(result.err(), Some(Error::Inval));
    assert!(machine.lines.lock().unwrap().iter().any(|line| line.contains("max_vps")));
    let twice = Arc::new(Registers::default());
    let result = Builder::new(Shared(machine.clone()))
        .ram(0, RAM)
        .config(Config { max_vps: 2, ..config() })
        .vp(0, 0, twice.clone())
        .vp(0, 1, twice.clone())
        .build();
    assert_eq!(result.err(), Some(Error::Exists));
    assert_eq!((Arc::strong_count(&machine), Arc::strong_count(&twice)), (1, 1));
}
