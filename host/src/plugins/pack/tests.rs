//! Packing, and that what was packed is what staging takes.

use super::*;
use crate::plugins::{stage::stage, trust::Trust};

pub(in crate::plugins) const MANIFEST: &str = r#"
# the author's words
id = "line-echo"
version = "1.2.3"
abi = 1
protocol = "1.0"
channel = "line"
label = "Line"
license = "MIT"
library = "libline.so"
config_schema = "config.schema.json"
later = "kept"

[capabilities]
messages = true
"#;

/// Sources of a package whose library is this very program, which has the headers of one.
pub(in crate::plugins) fn sources(dir: &Path) -> PackPlan {
    let write = |name: &str, text: &str| fs::write(dir.join(name), text).unwrap();
    write("plugin.toml", MANIFEST);
    write("config.schema.json", "{}");
    write("LICENSE", "MIT");
    PackPlan {
        manifest: dir.join("plugin.toml"),
        library: std::env::current_exe().unwrap(),
        extra: vec![dir.join("LICENSE")],
        out: dir.join("out/line-echo"),
    }
}

#[test]
fn a_package_lists_every_file_and_can_be_staged() {
    let dir = tempfile::tempdir().unwrap();
    let plan = sources(dir.path());
    let manifest = pack(&plan).unwrap();
    let names: Vec<_> = manifest.files.keys().map(String::as_str).collect();
    assert_eq!(names, ["LICENSE", "config.schema.json", "libline.so"]);
    let text = fs::read_to_string(plan.out.join(MANIFEST_FILE)).unwrap();
    assert!(text.contains("later = \"kept\""), "{text}");
    let staged = stage(&plan.out, true, dir.path(), &Trust::default()).unwrap();
    assert_eq!(staged.manifest, manifest);
}

#[test]
fn packing_again_replaces_the_package_and_its_hashes() {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = sources(dir.path());
    let first = pack(&plan).unwrap();
    fs::write(dir.path().join("LICENSE"), "other").unwrap();
    plan.manifest = plan.out.join(MANIFEST_FILE);
    let second = pack(&plan).unwrap();
    assert_ne!(first.files["LICENSE"], second.files["LICENSE"]);
    assert_eq!(first.files["libline.so"], second.files["libline.so"]);
    stage(&plan.out, true, dir.path(), &Trust::default()).unwrap();
}

#[test]
fn a_bad_manifest_a_missing_file_and_a_name_twice_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = sources(dir.path());
    plan.extra.push(dir.path().join("plugin.toml"));
    assert!(matches!(pack(&plan), Err(PackError::Twice(name)) if name == "plugin.toml"));
    plan.extra = vec![dir.path().join("absent")];
    assert!(pack(&plan).unwrap_err().to_string().contains("absent"));
    fs::write(&plan.manifest, MANIFEST.replace("line-echo", "Line Echo")).unwrap();
    assert!(matches!(pack(&plan), Err(PackError::Manifest(Refusal::Manifest { .. }))));
}
