//! Packages tampered with in every way a disk or a person can, against staging.

use super::*;
use crate::plugins::pack::{pack, tests::sources};
use std::os::unix::fs::MetadataExt;

struct Bench {
    dir: tempfile::TempDir,
    package: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let plan = sources(dir.path());
        pack(&plan).unwrap();
        Self { package: plan.out, dir }
    }

    fn stage(&self) -> Result<Staged, Refusal> {
        stage(&self.package, true, &self.dir.path().join("state"), &Trust::default())
    }

    fn library(&self) -> PathBuf {
        self.package.join("libline.so")
    }
}

#[test]
fn the_copy_is_private_whole_and_made_once() {
    let bench = Bench::new();
    let staged = bench.stage().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().mode() & 0o7777;
    assert_eq!((mode(&staged.dir), mode(&staged.library)), (0o500, 0o500));
    assert_eq!(mode(&staged.dir.join("LICENSE")), 0o400);
    let name = staged.dir.file_name().unwrap().to_string_lossy().into_owned();
    assert!(name.starts_with("1.2.3-") && name.len() == "1.2.3-".len() + 12, "{name}");
    let inode = staged.library.metadata().unwrap().ino();
    assert_eq!(bench.stage().unwrap().library.metadata().unwrap().ino(), inode);
}

#[test]
fn a_damaged_copy_is_made_anew() {
    let bench = Bench::new();
    let staged = bench.stage().unwrap();
    fs::set_permissions(&staged.library, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(&staged.library, "rot").unwrap();
    assert!(staged.verify().is_err());
    bench.stage().unwrap();
    assert_eq!(staged.verify(), Ok(()));
}

#[test]
fn changed_truncated_and_foreign_files_are_refused_by_name() {
    let bench = Bench::new();
    let whole = fs::read(bench.library()).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(bench.library(), bytes).unwrap();
        bench.stage().unwrap_err()
    };
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let text = refused(&flipped).to_string();
    assert!(text.starts_with("line-echo/libline.so: SHA-256 differs"), "{text}");
    assert!(matches!(refused(&whole[..whole.len() / 2]), Refusal::Truncated { .. }));
    assert!(matches!(refused(b"not a library"), Refusal::NotALibrary { .. }));
    fs::remove_file(bench.library()).unwrap();
    assert!(matches!(bench.stage(), Err(Refusal::MissingFile { .. })));
}

#[test]
fn links_and_files_others_can_write_are_refused() {
    let bench = Bench::new();
    let chmod = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for (path, good) in [(bench.library(), 0o755), (bench.package.clone(), 0o755)] {
        chmod(&path, good | 0o020);
        assert!(matches!(bench.stage(), Err(Refusal::Unsafe { .. })), "{}", path.display());
        chmod(&path, good);
    }
    let moved = bench.dir.path().join("elsewhere.so");
    fs::rename(bench.library(), &moved).unwrap();
    std::os::unix::fs::symlink(&moved, bench.library()).unwrap();
    let text = bench.stage().unwrap_err().to_string();
    assert!(text.contains("symbolic link"), "{text}");
}

#[test]
fn an_unpacked_manifest_is_told_how_to_be_packed() {
    let bench = Bench::new();
    let path = bench.package.join(MANIFEST_FILE);
    fs::copy(bench.dir.path().join("plugin.toml"), path).unwrap();
    let refusal = bench.stage().unwrap_err();
    assert!(refusal.to_string().contains("plugins pack"), "{refusal}");
}

#[test]
fn old_copies_and_unfinished_ones_go() {
    let bench = Bench::new();
    let folder = bench.stage().unwrap().dir.parent().unwrap().to_path_buf();
    fs::create_dir(folder.join(".new-left-behind")).unwrap();
    for version in 0..5 {
        let mut plan = sources(bench.dir.path());
        plan.manifest = bench.dir.path().join("next.toml");
        let text =
            crate::plugins::pack::tests::MANIFEST.replace("1.2.3", &format!("2.0.{version}"));
        fs::write(&plan.manifest, text).unwrap();
        pack(&plan).unwrap();
        bench.stage().unwrap();
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), COPIES_KEPT);
    assert!(
        folder.read_dir().unwrap().all(|e| !e
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with('.'))
    );
}
