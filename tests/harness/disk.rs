//! A disk that fails when a play says so: a few libc calls of the gateway, for its database alone.

use crate::libraries::root;
use std::{fs, path::PathBuf, process::Command};
use tempfile::TempDir;

/// The disk. What it does to the gateway is decided by a file that it looks at before each call.
pub struct Disk {
    folder: TempDir,
}

impl Disk {
    /// A disk without faults.
    #[must_use]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o"]);
        compiler.arg(folder.path().join("faults.so")).arg(root().join("tests/c/disk_faults.c"));
        let compiled = compiler.arg("-ldl").status().expect("cc is installed");
        assert!(compiled.success(), "the faults compile");
        Self { folder }
    }

    /// The environment of a gateway that uses this disk.
    #[must_use]
    pub fn env(&self) -> [(String, String); 2] {
        let text = |path: PathBuf| path.display().to_string();
        [
            ("LD_PRELOAD".to_owned(), text(self.folder.path().join("faults.so"))),
            ("FAULT_FILE".to_owned(), text(self.control())),
        ]
    }

    /// From now on: `full`, `fsync <n>` or `write <n>`.
    pub fn fails(&self, how: &str) {
        // Moved into place, so that a half-written word is never read.
        let draft = self.folder.path().join("draft");
        fs::write(&draft, how).expect("the folder is writable");
        fs::rename(draft, self.control()).expect("the folder is writable");
    }

    /// From now on it works.
    pub fn mends(&self) {
        fs::remove_file(self.control()).expect("it had a fault");
    }

    fn control(&self) -> PathBuf {
        self.folder.path().join("fault")
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self::new()
    }
}
