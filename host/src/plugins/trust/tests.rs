//! Every way to be let in and every way not to be.

use super::*;
use crate::plugins::signature::SecretKey;

struct Bench {
    manifest: Manifest,
    text: String,
    state: tempfile::TempDir,
    key: SecretKey,
}

impl Bench {
    fn new() -> Self {
        let text = crate::plugins::pack::tests::MANIFEST.to_owned();
        let mut manifest: Manifest = toml::from_str(&text).unwrap();
        manifest.files.insert("libline.so".into(), "ab".repeat(32));
        let state = tempfile::tempdir().unwrap();
        Self { manifest, text, state, key: SecretKey::generate() }
    }

    fn trust(&self, ids: &[&str]) -> Trust {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let key = self.key.public().line();
        let key = TrustedKey { key, ids, may_run_in_process: false };
        Trust { keys: vec![key], ..Trust::default() }
    }

    fn signed(&self) -> Option<String> {
        Some(self.key.sign(self.text.as_bytes(), "c").unwrap().file())
    }

    fn ask(
        &self,
        trust: &Trust,
        explicit: bool,
        signature: Option<&String>,
    ) -> Result<Grant, Refusal> {
        let package = Package {
            path: Path::new("/some/line-echo"),
            explicit,
            manifest: &self.manifest,
            text: self.text.as_bytes(),
            digest: "cd",
            signature: signature.map(String::as_str),
        };
        trust.grant(&package, &Floor::of(self.state.path()))
    }

    fn refused(&self, trust: &Trust, signature: Option<&String>) -> String {
        self.ask(trust, false, signature).unwrap_err().to_string()
    }
}

#[test]
fn a_trusted_key_lets_in_and_nobody_else_does() {
    let bench = Bench::new();
    let (trust, signed) = (bench.trust(&["line-*"]), bench.signed());
    let grant = bench.ask(&trust, false, signed.as_ref()).unwrap();
    assert!(matches!(&grant, Grant::Signed { in_process: false, .. }) && !grant.in_process());
    assert!(bench.refused(&trust, None).contains("is not signed"));
    let stranger = Trust::default();
    let text = bench.refused(&stranger, signed.as_ref());
    assert!(text.starts_with("line-echo/plugin.toml: is signed by key"), "{text}");
    assert!(text.contains("plugins trust"), "{text}");
    let text = bench.refused(&bench.trust(&["web*", "tele"]), signed.as_ref());
    assert!(text.contains("trusted for web*, tele only"), "{text}");
}

#[test]
fn a_wrong_signature_is_worse_than_none() {
    let bench = Bench::new();
    let trust = bench.trust(&["*"]);
    let other = Some(bench.key.sign(b"another text", "c").unwrap().file());
    for explicit in [false, true] {
        let refusal = bench.ask(&trust, explicit, other.as_ref()).unwrap_err();
        assert!(refusal.to_string().contains("does not match"), "{refusal}");
        let refusal = bench.ask(&trust, explicit, Some(&"rubbish".to_owned())).unwrap_err();
        assert!(refusal.to_string().contains("minisign"), "{refusal}");
    }
}

#[test]
fn what_is_revoked_stays_out_wherever_it_lies() {
    let bench = Bench::new();
    let signed = bench.signed();
    for name in [bench.key.public().id().to_string(), "ab".repeat(32), "CD".to_owned()] {
        let trust = Trust { revoked: vec![name], ..bench.trust(&["*"]) };
        let refusal = bench.ask(&trust, true, signed.as_ref()).unwrap_err();
        assert!(refusal.to_string().contains("revoked"), "{refusal}");
    }
}

#[test]
fn without_a_signature_the_folder_or_the_policy_decides() {
    let bench = Bench::new();
    let with = |policy| Trust { policy, ..Trust::default() };
    let ask = |policy, explicit| bench.ask(&with(policy), explicit, None);
    assert_eq!(ask(Policy::Require, true), Ok(Grant::Named));
    assert_eq!(ask(Policy::RootOwned, false), Ok(Grant::RootOwned));
    assert_eq!(ask(Policy::Off, false), Ok(Grant::Unchecked));
    assert!(Grant::Named.in_process() && !Grant::Unchecked.in_process());
}

#[test]
fn a_signed_plugin_does_not_go_back_unless_asked_to() {
    let mut bench = Bench::new();
    let floor = Floor::of(bench.state.path());
    let trust = bench.trust(&["*"]);
    let signed = bench.signed();
    let grant = bench.ask(&trust, false, signed.as_ref()).unwrap();
    floor.raise("line-echo", "2.0.0", &grant);
    floor.raise("line-echo", "1.9.0", &grant);
    let text = bench.refused(&trust, signed.as_ref());
    assert!(text.contains("1.2.3") && text.contains("2.0.0") && text.contains("version_min"));
    let floors = BTreeMap::from([("line-echo".to_owned(), "1.0.0".to_owned())]);
    let back = Trust { floors, ..trust.clone() };
    assert!(bench.ask(&back, false, signed.as_ref()).is_ok(), "the operator says so");
    assert_eq!(bench.ask(&trust, true, None), Ok(Grant::Named), "own builds go back and forth");
    bench.manifest.version = "2.0.1".to_owned();
    assert!(bench.ask(&trust, false, signed.as_ref()).is_ok());
}

#[test]
fn globs_are_whole() {
    for (glob, text, is) in [
        ("*", "x", true),
        ("a-*", "a-b", true),
        ("a-*", "ba-b", false),
        ("*-a", "x-a", true),
        ("*-a", "x-ab", false),
        ("a*c*e", "abcde", true),
        ("a*c*e", "abde", false),
        ("line", "line-echo", false),
    ] {
        assert_eq!(matches(glob, text), is, "{glob} {text}");
    }
}
