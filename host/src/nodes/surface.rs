//! What a node may do: what a person approved of what it declares. Pure.

use super::Declared;
use crate::clock;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What a person approved; part of the device's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct Surface {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub version: String,
    pub caps: Vec<String>,
    pub commands: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<BTreeMap<String, bool>>,
    pub created_at_ms: u64,
    pub approved_at_ms: u64,
    #[serde(default, rename = "sessionHost")]
    pub runs_turns: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_host_stats: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_connected_at_ms: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_disconnected_at_ms: Option<u64>,
}

/// What waits for a person; part of the device's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the wire's own names")]
pub struct PendingSurface {
    pub request_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    pub platform: String,
    pub version: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_family: Option<String>,
    pub caps: Vec<String>,
    pub commands: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<BTreeMap<String, bool>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_ip: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub silent: bool,
    pub ts: u64,
}

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// All it declares is approved.
    Approved,
    /// Nothing is approved yet.
    PendingApproval,
    /// It declares more than is approved.
    PendingReapproval,
    /// A person said no.
    Unapproved,
}

impl Standing {
    /// The standing of a record.
    #[must_use]
    pub fn of(approved: Option<&Surface>, pending: Option<&PendingSurface>) -> Self {
        match (approved, pending) {
            (Some(_), None) => Self::Approved,
            (Some(_), Some(_)) => Self::PendingReapproval,
            (None, Some(_)) => Self::PendingApproval,
            (None, None) => Self::Unapproved,
        }
    }
}

/// What waits after a node declared itself: nothing when all of it is approved, the same request
/// when it asked for just this before, else a new request.
#[must_use]
pub fn reconcile(
    approved: Option<&Surface>,
    waiting: Option<PendingSurface>,
    declared: &Declared,
    now_ms: u64,
) -> Option<PendingSurface> {
    let within = |mine: &[String], theirs: &[String]| mine.iter().all(|c| theirs.contains(c));
    if let Some(surface) = approved
        && within(&declared.commands, &surface.commands)
        && within(&declared.caps, &surface.caps)
    {
        return None;
    }
    let same = |w: &PendingSurface| w.commands == declared.commands && w.caps == declared.caps;
    Some(waiting.filter(same).unwrap_or_else(|| PendingSurface {
        request_id: clock::uuid(),
        display_name: declared.display_name.clone(),
        platform: declared.platform.clone(),
        version: declared.version.clone(),
        device_family: declared.device_family.clone(),
        caps: declared.caps.clone(),
        commands: declared.commands.clone(),
        permissions: declared.permissions.clone(),
        remote_ip: declared.remote_ip.clone(),
        silent: declared.silent,
        ts: now_ms,
    }))
}

/// The approved form of a request; a node keeps the time of its first approval.
#[must_use]
pub fn approve(waiting: PendingSurface, before: Option<&Surface>, now_ms: u64) -> Surface {
    Surface {
        display_name: waiting.display_name,
        version: waiting.version,
        caps: waiting.caps,
        commands: waiting.commands,
        permissions: waiting.permissions,
        created_at_ms: before.map_or(now_ms, |b| b.created_at_ms),
        approved_at_ms: now_ms,
        runs_turns: false,
        last_host_stats: before.and_then(|b| b.last_host_stats.clone()),
        last_connected_at_ms: before.and_then(|b| b.last_connected_at_ms),
        last_disconnected_at_ms: before.and_then(|b| b.last_disconnected_at_ms),
    }
}

/// What is both approved and declared, in the order of the declaration.
#[must_use]
pub fn effective(approved: &[String], declared: &[String]) -> Vec<String> {
    declared.iter().filter(|c| approved.contains(c)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn declared(commands: &[&str]) -> Declared {
        Declared {
            commands: commands.iter().map(ToString::to_string).collect(),
            ..Declared::default()
        }
    }

    #[test]
    fn a_first_surface_waits_even_when_it_is_empty() {
        let waiting = reconcile(None, None, &declared(&[]), 1).unwrap();
        assert_eq!(Standing::of(None, Some(&waiting)), Standing::PendingApproval);
        let surface = approve(waiting, None, 2);
        assert_eq!(reconcile(Some(&surface), None, &declared(&[]), 3), None);
    }

    #[test]
    fn only_growth_waits_and_the_same_ask_keeps_its_request() {
        let both = reconcile(None, None, &declared(&["a", "b"]), 1).unwrap();
        let surface = approve(both, None, 2);
        assert_eq!(reconcile(Some(&surface), None, &declared(&["a"]), 3), None);
        let more = reconcile(Some(&surface), None, &declared(&["a", "c"]), 4).unwrap();
        let again =
            reconcile(Some(&surface), Some(more.clone()), &declared(&["a", "c"]), 5).unwrap();
        assert_eq!(more.request_id, again.request_id);
        let other = reconcile(Some(&surface), Some(again), &declared(&["d"]), 6).unwrap();
        assert_ne!(more.request_id, other.request_id);
        assert_eq!(effective(&surface.commands, &["c".into(), "a".into()]), ["a"]);
    }
}
