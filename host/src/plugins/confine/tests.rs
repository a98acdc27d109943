//! What a manifest and a table come to.

use super::*;
use serde_json::json;

fn manifest(permissions: &str) -> Manifest {
    let text = format!("{}\n[permissions]\n{permissions}", crate::plugins::pack::tests::MANIFEST);
    toml::from_str(&text).unwrap()
}

fn planned(permissions: &str, table: &Value) -> Confinement {
    let folders = Folders::of(Path::new("/state"), "line-echo");
    plan(&manifest(permissions), table, Path::new("/copy"), &folders, Demand::BestEffort)
}

#[test]
fn nothing_asked_is_nothing_given_but_what_everybody_needs() {
    let plan = planned("", &json!({}));
    assert!(plan.connect.is_none() && plan.listen.is_none() && plan.execute.is_empty());
    assert_eq!(plan.memory_bytes, 512 << 20);
    for path in ["/etc/resolv.conf", "/etc/ssl", "/copy", "/state/media"] {
        assert!(plan.read.contains(&PathBuf::from(path)), "{path}: {:?}", plan.read);
    }
    let own = ["/dev/null", "/state/plugins/line-echo", "/state/media/spool/line-echo"];
    assert_eq!(plan.write, own.map(PathBuf::from));
}

#[test]
fn ports_are_those_listed_and_zero_is_any() {
    let plan = planned("connect_ports = [443]\nlisten_ports = [0]\nmemory_mib = 64", &json!({}));
    assert_eq!(plan.connect, Ports::These(vec![443, 53]));
    assert_eq!(plan.listen, Ports::Any);
    assert_eq!(plan.memory_bytes, 64 << 20);
}

#[test]
fn an_entry_may_stand_for_settings_of_the_channel() {
    let permissions = "read_paths = [\"/srv/a\", \"${shared.dir}\"]\nwrite_paths = [\"${accounts.*.data}\", \"${absent}\"]";
    let table = json!({"shared": {"dir": ["/srv/b", "/srv/c"]},
        "accounts": {"one": {"data": "/srv/1"}, "two": {"data": "/srv/2"}, "three": {}}});
    let plan = planned(permissions, &table);
    for path in ["/srv/a", "/srv/b", "/srv/c"] {
        assert!(plan.read.contains(&PathBuf::from(path)), "{path}");
    }
    assert_eq!(plan.write[3..], ["/srv/1", "/srv/2"].map(PathBuf::from));
}

#[test]
fn a_script_brings_the_systems_programs_along_and_a_binary_does_not() {
    use std::fs;
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("bin")).unwrap();
    let program = dir.path().join("bin/tool");
    let entry = json!({"tool": program});
    fs::write(&program, "\x7fELF").unwrap();
    let plan = planned("programs = [\"${tool}\"]", &entry);
    assert!(plan.execute.contains(&program));
    assert!(!plan.execute.contains(&PathBuf::from("/usr/bin")), "{:?}", plan.execute);
    let home = dir.path().canonicalize().unwrap();
    assert!(plan.read.contains(&home), "{:?}", plan.read);
    fs::write(&program, "#!/bin/sh\n").unwrap();
    let plan = planned("programs = [\"${tool}\"]", &entry);
    assert!(plan.execute.contains(&PathBuf::from("/usr/bin")));
    assert!(planned("programs = [\"no/such\", \"../up\"]", &entry).execute.is_empty());
}
