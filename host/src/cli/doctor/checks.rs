//! The checks themselves. Each reads and none writes.

use super::Finding;
use crate::{
    cli::{
        channels,
        client::Identity,
        print,
        reach::{Reach, Remote, env},
        report::UNREACHABLE,
    },
    config::{Config, Paths},
    gateway::{door, wiring},
    protocol::scope::Scope,
};
use serde_json::{Value, json};
use std::{
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

/// The file can be read as the gateway would, and names nothing impossible.
#[must_use]
pub fn configuration(paths: &Paths) -> Vec<Finding> {
    const CHECK: &str = "configuration";
    let file = paths.config.display();
    let config = match Config::load(&paths.config) {
        Ok(config) => config,
        Err(error) => {
            let fix = format!("correct {file}, then: jackfield config check");
            return vec![Finding::bad(CHECK, error.to_string(), fix)];
        }
    };
    let settings = wiring::message_settings(&config, paths)
        .map(|_| ())
        .and_then(|()| door::proxies(&config).map(|_| ()));
    if let Err((setting, text)) = settings {
        return vec![Finding::bad(
            CHECK,
            format!("setting `{setting}`: {text}"),
            format!("correct {file}"),
        )];
    }
    let mut findings = vec![if paths.config.exists() {
        Finding::good(CHECK, format!("{file} is fine"))
    } else {
        Finding::good(CHECK, format!("{file} does not exist; the gateway starts on defaults"))
    }];
    findings.extend(too_open(CHECK, &paths.config, 0o022, "others may change it", "go-w"));
    findings
}

/// The state directory is there, or can be made, and is its owner's alone.
#[must_use]
pub fn state(dir: &Path) -> Vec<Finding> {
    const CHECK: &str = "state";
    let shown = dir.display();
    if !dir.exists() {
        let above = dir.ancestors().skip(1).find(|above| above.exists());
        return vec![match above.filter(|above| writable(above)) {
            Some(_) => {
                Finding::good(CHECK, format!("{shown} does not exist yet; the gateway makes it"))
            }
            None => Finding::bad(
                CHECK,
                format!("{shown} does not exist and this user cannot make it"),
                format!("make it: install -d -m 700 {shown}, or choose another with --state-dir"),
            ),
        }];
    }
    if !dir.is_dir() || !writable(dir) {
        let text = format!("{shown} is not a directory that this user can write to");
        let fix = format!(
            "see who owns it: ls -ld {shown}; run as that user or choose another with --state-dir"
        );
        return vec![Finding::bad(CHECK, text, fix)];
    }
    let mut findings = vec![Finding::good(CHECK, format!("{shown} can be written to"))];
    findings.extend(too_open(CHECK, dir, 0o022, "others may write there", "go-w"));
    for secret in ["gateway.token", "token.key"] {
        findings.extend(too_open(CHECK, &dir.join(secret), 0o077, "others may read it", "go-rwx"));
    }
    let identity = Identity::default_path(&env);
    findings.extend(too_open(CHECK, &identity, 0o077, "others may read it", "go-rwx"));
    findings
}

fn writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK).is_ok()
}

fn too_open(
    check: &'static str,
    path: &Path,
    bits: u32,
    what: &str,
    cure: &str,
) -> Option<Finding> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    (mode & bits != 0).then(|| {
        let path = path.display();
        let text = format!("{path}: {what} (mode {mode:o})");
        Finding::bad(check, text, format!("chmod {cure} {path}"))
    })
}

/// Every package can be read, and every enabled channel has one, here or where the running gateway
/// looks: `served` are the channels that it serves.
#[must_use]
pub fn plugins(paths: &Paths, dirs: &[PathBuf], served: &[String]) -> Vec<Finding> {
    const CHECK: &str = "plugins";
    // What is wrong with the configuration was said already.
    let Ok(config) = Config::load(&paths.config) else { return Vec::new() };
    let plan = wiring::plan(&config, paths, dirs, !paths.config.exists());
    let mut findings: Vec<Finding> = Vec::new();
    for package in &plan.found {
        if let Some(refusal) = &package.refusal {
            let fix = format!("look closer: jackfield plugins explain {}", package.path.display());
            findings.push(Finding::doubtful(CHECK, refusal.to_string(), fix));
        }
    }
    let usable =
        || plan.found.iter().filter(|p| p.refusal.is_none()).filter_map(|p| p.manifest.as_ref());
    for entry in &plan.settings.entries {
        let serves = |m: &&_| {
            let m: &jackfield_plugin_api::manifest::Manifest = m;
            entry.plugin.as_ref().map_or(m.channel == entry.channel, |id| m.id == *id)
        };
        let channel = &entry.channel;
        findings.push(match usable().find(serves) {
            Some(m) => Finding::good(CHECK, format!("channel {channel} has {} {}", m.id, m.version)),
            None if served.contains(channel) => Finding::good(
                CHECK,
                format!("channel {channel} has a plugin in the running gateway, which was told of more directories than this command (--plugin-dir)"),
            ),
            None => Finding::bad(
                CHECK,
                format!("channel {channel} is enabled, but no usable plugin serves it"),
                format!("install one below {}, name its directory in [plugins] dirs, or turn the channel off", paths.user_plugins.display()),
            ),
        });
    }
    for clash in crate::plugins::clashes(&plan.found, &plan.settings.entries) {
        findings.push(Finding::doubtful(CHECK, clash, "turn one of the two channels off"));
    }
    if findings.is_empty() {
        let looked: Vec<String> =
            plan.settings.dirs.iter().map(|d| d.path.display().to_string()).collect();
        let text = format!(
            "{} installed, none enabled; looked in {}",
            plan.found.len(),
            looked.join(", ")
        );
        findings.push(Finding::good(CHECK, text));
    }
    findings
}

/// A gateway answers with its channels up, or its port is free; with the channels it serves.
#[must_use]
pub fn gateway(reach: &Reach) -> (Vec<Finding>, Vec<String>) {
    const CHECK: &str = "gateway";
    let asked = reach.with(async |gateway: &mut Remote| {
        let hello = gateway.hello(&[Scope::Read]).await?;
        let found = gateway.call(&[Scope::Read], "channels.status", json!({})).await?;
        Ok((gateway.url(), hello, found))
    });
    let mut served = Vec::new();
    let findings = match asked {
        Ok((url, hello, found)) => {
            served = channels::served(&found);
            let version = print::cell(&hello["server"], "version");
            let mut findings =
                vec![Finding::good(CHECK, format!("version {version} answers at {url}"))];
            findings.extend(troubles(&found));
            findings
        }
        Err(failure) if failure.code == UNREACHABLE && failure.word.is_none() => {
            let text = format!("none runs ({})", failure.text);
            vec![Finding::good(CHECK, format!("{text}; start one: jackfield gateway"))]
        }
        Err(failure) if failure.word.as_deref() == Some("NOT_A_GATEWAY") => {
            let fix = "stop what listens there, or choose another port: [gateway] port = N\nsee what it is: ss -ltnp";
            vec![Finding::bad(CHECK, failure.text, fix)]
        }
        Err(failure) => vec![Finding::bad(CHECK, failure.text, failure.next)],
    };
    (findings, served)
}

fn troubles(found: &Value) -> Vec<Finding> {
    let documents = channels::troubles(found).into_iter().map(|trouble| trouble.document());
    let finding = |of: Value| {
        let name = format!("{}/{}", print::cell(&of, "channel"), print::cell(&of, "account"));
        let text =
            format!("{name} is {}: {}", print::cell(&of, "state"), print::cell(&of, "error"));
        Finding::bad("channels", text, print::cell(&of, "next"))
    };
    documents.map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::Verdict;
    use std::fs;

    fn verdicts(findings: &[Finding]) -> Vec<Verdict> {
        findings.iter().map(|f| f.verdict).collect()
    }

    #[test]
    fn a_state_directory_open_to_others_is_a_problem_with_its_cure() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("state");
        assert_eq!(verdicts(&state(&home))[0], Verdict::Good, "it can be made");
        fs::create_dir(&home).unwrap();
        fs::write(home.join("gateway.token"), "x").unwrap();
        fs::set_permissions(home.join("gateway.token"), fs::Permissions::from_mode(0o644)).unwrap();
        let findings = state(&home);
        let bad = findings.iter().find(|f| f.verdict == Verdict::Bad).unwrap();
        assert!(bad.text.contains("gateway.token") && bad.text.contains("644"), "{bad:?}");
        assert!(bad.fix.starts_with("chmod go-rwx "), "{bad:?}");
    }

    #[test]
    fn an_enabled_channel_without_a_plugin_is_a_problem() {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths {
            config: dir.path().join("jackfield.toml"),
            state: dir.path().join("state"),
            user_plugins: dir.path().join("plugins"),
        };
        fs::write(&paths.config, "[channels.line]\nenabled = true\n").unwrap();
        let findings = plugins(&paths, &[], &["line".to_owned()]);
        assert_eq!(verdicts(&findings), [Verdict::Good], "the running gateway has it");
        let findings = plugins(&paths, &[], &[]);
        let bad = findings.iter().find(|f| f.verdict == Verdict::Bad).unwrap();
        assert!(bad.text.contains("channel line is enabled"), "{bad:?}");
        fs::write(&paths.config, "[gateway]\nprot = 1\n").unwrap();
        assert_eq!(verdicts(&configuration(&paths)), [Verdict::Bad]);
    }
}
