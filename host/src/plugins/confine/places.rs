//! The places of the system that any program needs, and those that come with a program that a
//! plugin starts.
//!
//! Must not know: plugins.

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Read by the system's own library in any process: shared libraries, names of hosts and services,
/// trusted certificates, time zones, chance, what the machine has.
const READ: [&str; 42] = [
    "/lib",
    "/lib32",
    "/lib64",
    "/usr/lib",
    "/usr/lib32",
    "/usr/lib64",
    "/usr/local/lib",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/resolv.conf",
    "/run/systemd/resolve",
    "/run/resolvconf",
    "/etc/nsswitch.conf",
    "/etc/hosts",
    "/etc/host.conf",
    "/etc/gai.conf",
    "/etc/services",
    "/etc/protocols",
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/etc/ca-certificates.conf",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
    "/usr/share/pki",
    "/usr/lib/ssl",
    "/etc/localtime",
    "/etc/timezone",
    "/usr/share/zoneinfo",
    "/usr/share/locale",
    "/usr/share/i18n",
    "/etc/mime.types",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
    "/proc/self",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/sys/fs/cgroup",
    "/sys/devices/system/cpu",
];

/// Written by anybody.
const WRITE: [&str; 1] = ["/dev/null"];

/// Where the system keeps programs, and what reads those.
const SYSTEM_PROGRAMS: [&str; 5] = ["/bin", "/usr/bin", "/usr/local/bin", "/sbin", "/usr/sbin"];
/// What starts a program that is linked to libraries.
const LOADERS: [&str; 3] = ["/lib64", "/lib", "/usr/lib"];
/// What such programs read beside libraries: their messages, fonts, modules and defaults.
const PROGRAMS_READ: [&str; 4] = ["/usr/share", "/etc/alternatives", "/etc/java", "/usr/include"];

pub(super) fn everybody_reads() -> Vec<PathBuf> {
    READ.iter().map(PathBuf::from).collect()
}

pub(super) fn everybody_writes() -> Vec<PathBuf> {
    WRITE.iter().map(PathBuf::from).collect()
}

/// What may be started and what may be read so that these programs work. A script starts others by
/// name, so with one of them the system's programs come along.
pub(super) fn around_programs(programs: &[PathBuf]) -> (Vec<PathBuf>, Vec<PathBuf>) {
    if programs.is_empty() {
        return (Vec::new(), Vec::new());
    }
    let mut execute: Vec<PathBuf> = LOADERS.iter().map(PathBuf::from).collect();
    let mut read: Vec<PathBuf> = PROGRAMS_READ.iter().map(PathBuf::from).collect();
    for program in programs {
        let real = program.canonicalize().unwrap_or_else(|_| program.clone());
        read.extend(home_of(&real));
        if is_script(&real) {
            execute.extend(SYSTEM_PROGRAMS.iter().map(PathBuf::from));
        }
        execute.extend([program.clone(), real]);
    }
    (execute, read)
}

/// The folder a program was installed in with what belongs to it, unless that is the system's.
fn home_of(program: &Path) -> Option<PathBuf> {
    let folder = program.parent()?;
    let home = if folder.file_name().is_some_and(|name| name == "bin") {
        folder.parent()?
    } else {
        folder
    };
    let shared = ["/", "/usr", "/usr/local"].iter().any(|system| Path::new(system) == home);
    (!shared).then(|| home.to_path_buf())
}

fn is_script(path: &Path) -> bool {
    let mut start = [0_u8; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == *b"#!"
}
