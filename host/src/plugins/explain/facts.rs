//! Each thing worth knowing of a package, looked at for itself.
//!
//! Must not know: in which order a start meets them.

use super::Fact;
use crate::plugins::{
    Refusal,
    elf::{self, glibc},
    refusal::shown,
    runner::LoadedAs,
    signature::{PublicKey, Signature},
    trust::{SIGNATURE_FILE, Trust},
};
use jackfield_plugin_api::{
    abi::{ABI_MAJOR, FLAG_UNWIND, PROTOCOL},
    manifest::{MANIFEST_FILE, Manifest, Permissions},
};
use std::{fs, os::unix::fs::MetadataExt, path::Path};

fn fine(check: &'static str, text: impl Into<String>) -> Fact {
    Fact { check, fine: true, text: text.into() }
}

fn bad(check: &'static str, text: impl Into<String>) -> Fact {
    Fact { check, fine: false, text: text.into() }
}

/// What a refusal says.
pub(super) fn refused(check: &'static str, refusal: &Refusal) -> Fact {
    bad(check, refusal.to_string())
}

pub(super) fn manifest(of: &Manifest) -> Fact {
    let text = format!(
        "{} {} for channel {}; plugin ABI {}, frame protocol {} (here {ABI_MAJOR} and {PROTOCOL})",
        of.id, of.version, of.channel, of.abi, of.protocol
    );
    fine("manifest", text)
}

/// The processor and the C library it was built for.
pub(super) fn of_library(path: &Path) -> Vec<Fact> {
    let Ok(bytes) = fs::read(path) else { return Vec::new() };
    let machine = match elf::check(&shown(path), &bytes) {
        Ok(()) => fine("machine", format!("a whole library for {}", std::env::consts::ARCH)),
        Err(refusal) => refused("machine", &refusal),
    };
    vec![machine, libc(glibc::needed(&bytes), glibc::present())]
}

fn libc(needed: Option<(u32, u32)>, present: Option<(u32, u32)>) -> Fact {
    const CHECK: &str = "glibc";
    let said = |version: Option<(u32, u32)>| match version {
        Some((major, minor)) => format!("{major}.{minor}"),
        None => "unknown".to_owned(),
    };
    let text = format!("needs {}, here is {}", said(needed), said(present));
    match (needed, present) {
        (None, _) => fine(CHECK, "asks for no version"),
        (Some(needed), Some(present)) if needed > present => {
            bad(CHECK, format!("{text}; build it on an older system, or upgrade this one"))
        }
        _ => fine(CHECK, text),
    }
}

/// Owners and modes; the hashes are what staging found wrong, if it got so far.
pub(super) fn files(package: &Path, refusal: Option<&Refusal>) -> Fact {
    const CHECK: &str = "files";
    let mode = |path: &Path| match path.symlink_metadata() {
        Ok(meta) => {
            format!("{} user {} mode {:04o}", shown(path), meta.uid(), meta.mode() & 0o7777)
        }
        Err(error) => format!("{}: {error}", shown(path)),
    };
    let text = format!("{}; {}", mode(package), mode(&package.join(MANIFEST_FILE)));
    match refusal {
        Some(
            refusal @ (Refusal::Unsafe { .. }
            | Refusal::HashMismatch { .. }
            | Refusal::MissingFile { .. }
            | Refusal::NotPacked { .. }
            | Refusal::Truncated { .. }
            | Refusal::Host { .. }),
        ) => bad(CHECK, format!("{refusal} ({text})")),
        Some(_) => fine(CHECK, text),
        None => fine(CHECK, format!("all have the hash of the manifest; {text}")),
    }
}

/// Who signed it, and what that is worth here.
pub(super) fn signature(package: &Path, explicit: bool, trust: &Trust) -> Fact {
    const CHECK: &str = "signature";
    let unsigned = || {
        if explicit {
            return fine(CHECK, "none; its folder is named by the operator or no plugin folder");
        }
        match trust.policy {
            crate::plugins::Policy::Require => bad(CHECK, "none, and one is required here"),
            _ => fine(CHECK, "none; the policy does not ask for one"),
        }
    };
    let Ok(text) = fs::read_to_string(package.join(SIGNATURE_FILE)) else { return unsigned() };
    let signature = match Signature::parse(&text) {
        Ok(signature) => signature,
        Err(error) => return bad(CHECK, error.to_string()),
    };
    let name = signature.key();
    if trust.revoked.iter().any(|revoked| revoked.eq_ignore_ascii_case(&name.to_string())) {
        return bad(CHECK, format!("by key {name}, which is revoked"));
    }
    let keys = trust.keys.iter().filter_map(|trusted| PublicKey::parse(&trusted.key).ok());
    let Some(key) = keys.into_iter().find(|key| key.id() == name) else {
        let text = format!("by key {name}, which is not trusted: jackfield plugins trust KEY");
        return Fact { check: CHECK, fine: explicit, text };
    };
    let manifest = fs::read(package.join(MANIFEST_FILE)).unwrap_or_default();
    match signature.verify(&key, &manifest) {
        Ok(()) => fine(CHECK, format!("by trusted key {name} ({})", signature.comment())),
        Err(error) => bad(CHECK, format!("by key {name}: {error}")),
    }
}

pub(super) fn permissions(of: &Permissions) -> Fact {
    let ports = |ports: &[u16]| match ports {
        [] => "none".to_owned(),
        some if some.contains(&0) => "any".to_owned(),
        some => some.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let list = |entries: &[String]| {
        if entries.is_empty() { "none".to_owned() } else { entries.join(", ") }
    };
    let memory = if of.memory_mib == 0 { 512 } else { of.memory_mib };
    let text = format!(
        "connects to: {}; listens on: {}; reads: {}; writes: {}; programs: {}; memory: {memory} MiB",
        ports(&of.connect_ports),
        ports(&of.listen_ports),
        list(&of.read_paths),
        list(&of.write_paths),
        list(&of.programs),
    );
    fine("permissions", text)
}

pub(super) fn unopened() -> Fact {
    bad("opening", "not tried: what stands above comes first")
}

/// What came of opening it in a process that may do nothing.
pub(super) fn opening(opened: &Result<LoadedAs, Refusal>) -> Fact {
    const CHECK: &str = "opening";
    match opened {
        Err(refusal) => refused(CHECK, refusal),
        Ok(loaded) => {
            let panics = if loaded.flags & FLAG_UNWIND == 0 {
                "built with panic=abort: only in a process of its own"
            } else {
                "its panics can be contained"
            };
            let build = if loaded.build.is_empty() { "a C entry" } else { &loaded.build };
            fine(CHECK, format!("it opens; {panics}; {build}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_system_is_named_with_both_numbers() {
        let fact = libc(Some((2, 39)), Some((2, 36)));
        assert!(!fact.fine && fact.text.contains("needs 2.39, here is 2.36"), "{fact:?}");
        assert!(libc(Some((2, 34)), Some((2, 36))).fine);
        assert!(libc(None, None).fine);
    }
}
