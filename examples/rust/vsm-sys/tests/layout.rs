// SPDX-License-Identifier: BSD-3-Clause
//! Rust and the C compiler agree: sizes, alignments, the place and size of each field, and the value
//! and size of each constant. The lists make both a table in Rust and a C program that prints the
//! same table. VSM_INCLUDE_DIR says where the headers are, CC what compiles.

use std::fmt::Write;
use std::mem::{align_of, offset_of, size_of};
use std::process::Command;
use std::{env, fs, path::PathBuf};

use vsm_sys::*;

const PROLOGUE: &str = "#include <stddef.h>\n#include <stdio.h>\n#include <vsm/vsm.h>\n\
    int main(void)\n{\n";

/// The size of a field, which only its type knows.
fn size_of_field<T, F>(_: fn(&T) -> &F) -> usize {
    size_of::<F>()
}

macro_rules! structs {
    ($($name:ident { $($field:ident,)* })*) => {
        fn structs(rust: &mut String, c: &mut String) {
            $(
                let name = stringify!($name);
                // A field that the list has not is an error here.
                let _ = |$name { $($field: _),* }: $name| ();
                writeln!(rust, "{name} {} {}", size_of::<$name>(), align_of::<$name>()).unwrap();
                writeln!(
                    c,
                    "printf(\"{name} %zu %zu\\n\", sizeof(struct {name}), \
                     _Alignof(struct {name}));"
                )
                .unwrap();
                $(
                    let field = stringify!($field);
                    writeln!(
                        rust,
                        "{name}.{field} {} {}",
                        offset_of!($name, $field),
                        size_of_field(|s: &$name| &s.$field)
                    )
                    .unwrap();
                    writeln!(
                        c,
                        "printf(\"{name}.{field} %zu %zu\\n\", offsetof(struct {name}, {field}), \
                         sizeof(((struct {name} *)0)->{field}));"
                    )
                    .unwrap();
                )*
            )*
        }
    };
}

macro_rules! constants {
    ($($name:ident),*) => {
        fn constants(rust: &mut String, c: &mut String) {
            $(
                let name = stringify!($name);
                writeln!(rust, "{name} {} {}", $name as i64, std::mem::size_of_val(&$name))
                    .unwrap();
                writeln!(c, "printf(\"{name} %lld %zu\\n\", (long long){name}, sizeof({name}));")
                    .unwrap();
            )*
        }
    };
}

include!("layout/structs.rs");
include!("layout/constants.rs");

/// What the C program says.
fn compile_and_run(name: &str, c: &str) -> String {
    let include = env::var("VSM_INCLUDE_DIR")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/../../../include").into());
    let program = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let source = program.with_extension("c");
    fs::write(&source, format!("{PROLOGUE}{c}return 0;\n}}\n")).unwrap();
    let cc = env::var("CC").unwrap_or_else(|_| "cc".into());
    let mut words = cc.split_whitespace();
    let status = Command::new(words.next().unwrap())
        .args(words)
        .args(["-std=c11", "-w", "-I", &include, "-o"])
        .args([&program, &source])
        .status()
        .expect("a C compiler");
    assert!(status.success(), "{} is not C", source.display());
    String::from_utf8(Command::new(&program).output().unwrap().stdout).unwrap()
}

fn agree(name: &str, fill: fn(&mut String, &mut String), at_least: usize) {
    let (mut rust, mut c) = (String::new(), String::new());
    fill(&mut rust, &mut c);
    let said = compile_and_run(name, &c);
    let differ: Vec<_> = rust.lines().zip(said.lines()).filter(|(r, c)| r != c).collect();
    assert!(differ.is_empty(), "(Rust, C): {differ:#?}");
    assert_eq!(rust.lines().count(), said.lines().count());
    assert!(rust.lines().count() >= at_least, "the list is too short");
    println!("# {} lines agree", rust.lines().count());
}

#[test]
fn structs_are_those_of_c() {
    agree("structs", structs, 300);
}

#[test]
fn constants_are_those_of_c() {
    agree("constants", constants, 900);
}

#[test]
fn a_difference_is_found() {
    let said = compile_and_run("wrong", "printf(\"vsm_reg %zu\\n\", sizeof(struct vsm_reg) + 1);");
    assert_ne!(said.trim(), format!("vsm_reg {}", size_of::<vsm_reg>()));
}

#[test]
fn the_library_is_that_of_the_bindings() {
    let expected = VSM_VERSION_MAJOR << 16 | VSM_VERSION_MINOR << 8 | VSM_VERSION_PATCH;
    // SAFETY: takes nothing, returns a number.
    let linked = unsafe { vsm_version() };
    assert_eq!(linked as i64, expected as i64);
    assert_eq!(linked as i64, VSM_VERSION_NUMBER as i64);
}
