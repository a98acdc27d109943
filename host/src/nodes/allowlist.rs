//! Which commands a node may offer, platform by platform, and which rights they ask for.
//!
//! The lists are the protocol's; an operator widens them with `nodes.allow` and narrows them with
//! `nodes.deny`. Being on the list is not enough: a person also approves each node's commands.

use super::platform::Platform;
use crate::{config::nodes::NodesSection, protocol::scope::Scope};
use std::collections::BTreeSet;

const IOS: &[&str] = &[
    "camera.list",
    "location.get",
    "device.info",
    "device.status",
    "contacts.search",
    "calendar.events",
    "reminders.list",
    "photos.latest",
    "motion.activity",
    "motion.pedometer",
    "system.notify",
];
const IPHONE: &[&str] = &["watch.status", "watch.notify"];
const WATCHOS: &[&str] = &["device.info", "device.status", "system.notify"];
const ANDROID: &[&str] = &[
    "camera.list",
    "location.get",
    "notifications.list",
    "notifications.actions",
    "system.notify",
    "device.info",
    "device.status",
    "device.permissions",
    "device.health",
    "device.apps",
    "contacts.search",
    "calendar.events",
    "callLog.search",
    "reminders.list",
    "photos.latest",
    "motion.activity",
    "motion.pedometer",
    "mobile.ui.observe",
    "mobile.ui.act",
];
const MACOS: &[&str] = &[
    "camera.list",
    "camera.ptz.status",
    "location.get",
    "device.info",
    "device.status",
    "device.apps",
    "contacts.search",
    "calendar.events",
    "reminders.list",
    "photos.latest",
    "motion.activity",
    "motion.pedometer",
    "computer.act",
];
const WINDOWS: &[&str] =
    &["camera.list", "location.get", "device.info", "device.status", "computer.act"];
const LINUX: &[&str] = &["computer.act"];
const UNKNOWN: &[&str] = &["camera.list", "location.get", "system.notify"];

/// What a desktop machine offers beside that.
const HOST: &[&str] = &[
    "system.run.prepare",
    "system.run",
    "system.which",
    "system.execApprovals.get",
    "system.execApprovals.set",
    "system.notify",
    "fs.listDir",
    "terminal.upload",
    "browser.proxy",
    "browser.proxy.upload.v1",
    "mcp.tools.call.v1",
    "agent.cli.claude.run.v1",
    "screen.snapshot",
    "desktop.stream",
];
/// Local inference and canvases, which nodes bring along as extensions.
const EXTENSIONS: &[&str] = &[
    "ollama.chat",
    "ollama.models",
    "canvas.present",
    "canvas.hide",
    "canvas.navigate",
    "canvas.eval",
    "canvas.snapshot",
    "canvas.a2ui.push",
    "canvas.a2ui.pushJSONL",
    "canvas.a2ui.reset",
];
const TALK: &[&str] = &["talk.ptt.start", "talk.ptt.stop", "talk.ptt.cancel", "talk.ptt.once"];
/// Only by `nodes.allow`.
const DANGEROUS: &[&str] = &[
    "camera.snap",
    "camera.clip",
    "camera.ptz.control",
    "screen.record",
    "contacts.add",
    "calendar.add",
    "reminders.add",
    "sms.send",
    "sms.search",
    "health.summary",
];
/// Commands that only an admin may invoke.
const ADMIN_INVOKE: &[&str] =
    &["browser.proxy", "browser.proxy.upload.v1", "fs.listDir", "terminal.upload"];

/// The operator's changes to the lists.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    allow: BTreeSet<String>,
    deny: BTreeSet<String>,
}

/// What the policy needs to know of a node.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'a> {
    /// Its system.
    pub platform: Platform,
    /// The kind of device, as it says.
    pub family: Option<&'a str>,
    /// The abilities it declares.
    pub caps: &'a [String],
}

impl Policy {
    /// The policy of a configuration.
    #[must_use]
    pub fn new(section: &NodesSection) -> Self {
        let set = |list: &[String]| list.iter().map(|c| c.trim().to_owned()).collect();
        Self { allow: set(&section.allow), deny: set(&section.deny) }
    }

    /// Whether a node of this kind may offer the command.
    #[must_use]
    pub fn allows(&self, kind: Kind<'_>, command: &str) -> bool {
        if is_private(command) || self.deny.contains(command) {
            return false;
        }
        self.allow.contains(command) || by_default(kind, command)
    }

    /// Why it may not, in the words clients show.
    #[must_use]
    pub fn why_not(&self, kind: Kind<'_>, command: &str) -> String {
        let rest = if self.deny.contains(command) {
            format!("\"{command}\" is blocked by gateway.nodes.commands.deny")
        } else if DANGEROUS.contains(&command) {
            format!("\"{command}\" requires explicit gateway.nodes.commands.allow opt-in")
        } else if command.starts_with("talk.") {
            format!("\"{command}\" requires a trusted Talk-capable node")
        } else {
            let platform = kind.platform.word();
            format!("\"{command}\" is not in the allowlist for platform \"{platform}\"")
        };
        format!("node command not allowed: {rest}")
    }
}

fn by_default(kind: Kind<'_>, command: &str) -> bool {
    let on = |list: &[&str]| list.contains(&command);
    let desktop = matches!(kind.platform, Platform::Macos | Platform::Windows | Platform::Linux);
    let own = match kind.platform {
        Platform::Ios => IOS,
        Platform::Watchos => WATCHOS,
        Platform::Android => ANDROID,
        Platform::Macos => MACOS,
        Platform::Windows => WINDOWS,
        Platform::Linux => LINUX,
        Platform::Unknown => UNKNOWN,
    };
    let iphone = kind.platform == Platform::Ios
        && kind.family.is_some_and(|f| f.trim().eq_ignore_ascii_case("iphone"));
    let known = kind.platform != Platform::Unknown && kind.platform != Platform::Watchos;
    on(own)
        || (desktop && on(HOST))
        || (known && on(EXTENSIONS))
        || (iphone && on(IPHONE))
        || (kind.caps.iter().any(|c| c == "talk") && on(TALK))
}

/// Whether the command belongs to the inner workings of a node and is never invoked from outside.
#[must_use]
pub fn is_private(command: &str) -> bool {
    command.starts_with("worker.")
}

/// The right that invoking a command takes.
#[must_use]
pub fn invoke_scope(command: &str) -> Scope {
    if ADMIN_INVOKE.contains(&command) { Scope::Admin } else { Scope::Write }
}

/// The rights that approving a node with these commands takes.
#[must_use]
pub fn approve_scopes(commands: &[String]) -> Vec<Scope> {
    let reaches_host = |c: &String| {
        ADMIN_INVOKE.contains(&c.as_str())
            || c == "system.which"
            || c == "system.run"
            || c.starts_with("system.run.")
            || c.starts_with("system.execApprovals.")
    };
    if commands.iter().any(reaches_host) {
        vec![Scope::Pairing, Scope::Admin]
    } else if commands.is_empty() {
        vec![Scope::Pairing]
    } else {
        vec![Scope::Pairing, Scope::Write]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(platform: Platform) -> Kind<'static> {
        Kind { platform, family: None, caps: &[] }
    }

    #[test]
    fn dangerous_commands_need_a_word_from_the_operator() {
        let plain = Policy::default();
        assert!(!plain.allows(kind(Platform::Ios), "camera.snap"));
        assert!(plain.why_not(kind(Platform::Ios), "camera.snap").contains("opt-in"));
        let section = NodesSection {
            allow: vec!["camera.snap".into(), "worker.launch.v1".into()],
            deny: vec!["system.run".into()],
        };
        let policy = Policy::new(&section);
        assert!(policy.allows(kind(Platform::Ios), "camera.snap"));
        assert!(!policy.allows(kind(Platform::Linux), "system.run"));
        assert!(policy.why_not(kind(Platform::Linux), "system.run").contains("blocked by"));
        assert!(!policy.allows(kind(Platform::Linux), "worker.launch.v1"), "never from outside");
    }

    #[test]
    fn desktops_run_commands_and_phones_do_not() {
        let policy = Policy::default();
        assert!(policy.allows(kind(Platform::Linux), "system.run"));
        assert!(!policy.allows(kind(Platform::Android), "system.run"));
        assert!(!policy.allows(kind(Platform::Unknown), "system.run"));
    }

    #[test]
    fn rights_grow_with_what_a_node_can_do() {
        let list = |c: &[&str]| c.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(approve_scopes(&[]), [Scope::Pairing]);
        assert_eq!(approve_scopes(&list(&["camera.list"])), [Scope::Pairing, Scope::Write]);
        assert_eq!(approve_scopes(&list(&["system.which"])), [Scope::Pairing, Scope::Admin]);
        assert_eq!(invoke_scope("fs.listDir"), Scope::Admin);
        assert_eq!(invoke_scope("system.run"), Scope::Write);
    }
}
