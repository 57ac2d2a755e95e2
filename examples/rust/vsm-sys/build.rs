// SPDX-License-Identifier: BSD-3-Clause
//! Tells the linker where libvsm is: in VSM_LIB_DIR, or where it looks by itself.
//! VSM_LIB_KIND is "static" (the default with VSM_LIB_DIR) or "dylib".

use std::env;

fn main() {
    println!("cargo:rerun-if-env-changed=VSM_LIB_DIR");
    println!("cargo:rerun-if-env-changed=VSM_LIB_KIND");
    let dir = env::var("VSM_LIB_DIR").ok();
    let default = if dir.is_some() { "static" } else { "dylib" };
    let kind = env::var("VSM_LIB_KIND").unwrap_or_else(|_| default.into());
    assert!(
        kind == "static" || kind == "dylib",
        "VSM_LIB_KIND is '{kind}': it must be 'static' or 'dylib'"
    );
    if let Some(dir) = dir {
        // A static library becomes part of the crate: it is built again when the library is.
        if kind == "static" {
            println!("cargo:rerun-if-changed={dir}/libvsm.a");
        }
        println!("cargo:rustc-link-search=native={dir}");
    }
    println!("cargo:rustc-link-lib={kind}=vsm");
}
