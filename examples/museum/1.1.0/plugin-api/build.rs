//! Records which compiler, target and profile build this crate, for a plugin's `build_info`.

use std::{env, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let rustc = env::var("RUSTC")
        .ok()
        .and_then(|path| Command::new(path).arg("--version").output().ok())
        .and_then(|output| String::from_utf8(output.stdout).ok())
        .unwrap_or_default();
    // Both end up inside a JSON literal, so nothing that would need escaping may pass.
    let plain = |text: &str| text.trim().replace(['"', '\\', '\n'], " ");
    println!("cargo:rustc-env=JACKFIELD_BUILD_RUSTC={}", plain(&rustc));
    for name in ["TARGET", "PROFILE"] {
        let value = env::var(name).unwrap_or_default();
        println!("cargo:rustc-env=JACKFIELD_BUILD_{name}={}", plain(&value));
    }
}
