//! How requests ended: kept for thirty days and a thousand requests, so that people can see later
//! what was allowed, by whom.
//!
//! Of a request is kept what a reviewer saw, not what would be run. Must not know: methods.

use super::{Approval, Approvals, Verdict};
use crate::store::{Store, StoreError, records};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio_util::sync::CancellationToken;

const KIND: &str = "approval";
/// Requests that wait, as they will have ended if the gateway does before them.
const OPEN: &str = "approval-open";
/// How long an end is kept, milliseconds.
const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// Ends that are kept.
const KEPT_MAX: usize = 1000;
/// Characters of a command that are kept.
const COMMAND_MAX: usize = 16 * 1024;
/// What an id may hold in a path as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Who ended a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolver {
    /// `device`, `runtime` (a client without a device) or `system`.
    pub kind: String,
    /// Which one, where that says something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
}

impl Resolver {
    /// The gateway itself.
    #[must_use]
    pub fn system() -> Self {
        Self { kind: "system".to_owned(), id: None }
    }
}

/// A request that ended, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// Of the request.
    pub id: String,
    /// What the reviewer saw.
    pub presentation: Value,
    /// Where the request came from: `agentId` and `sessionKey`, if known.
    pub source: Value,
    /// Wall clock, milliseconds.
    pub created_ms: u64,
    /// The deadline it had.
    pub expires_ms: u64,
    /// When it ended.
    pub ended_ms: u64,
    /// Counts the ends of one life of the gateway: tells which of two in one millisecond came later.
    #[serde(default)]
    pub order: u64,
    /// What was decided; nothing when nobody did.
    pub decision: Option<String>,
    /// Why it ended, as in [`Verdict::reason`].
    pub reason: String,
    /// Who ended it.
    pub by: Resolver,
}

impl Ended {
    pub(super) fn of(
        approval: &Approval,
        offered: &[String],
        (ended_ms, order): (u64, u64),
        verdict: &Verdict,
        by: Resolver,
    ) -> Self {
        let mut source = json!({});
        for name in ["agentId", "sessionKey"] {
            if let Some(text) = approval.request[name].as_str().filter(|text| !text.is_empty()) {
                source[name] = json!(text);
            }
        }
        Self {
            id: approval.id.clone(),
            presentation: presentation(approval, offered),
            source,
            created_ms: approval.created_ms,
            expires_ms: approval.expires_ms,
            ended_ms,
            order,
            decision: verdict.decision.clone(),
            reason: verdict.reason.to_owned(),
            by,
        }
    }

    /// In the wire's form. A request for which nobody could be asked counts as denied.
    #[must_use]
    pub fn shown(&self) -> Value {
        let mut shown = common(&self.id, self.created_ms, self.expires_ms, &self.presentation);
        let (status, decision) = match (self.decision.as_deref(), self.reason.as_str()) {
            (Some("deny"), _) | (None, "no-route") => ("denied", Some("deny")),
            (Some(allowed), _) => ("allowed", Some(allowed)),
            (None, "timeout") => ("expired", None),
            (None, _) => ("cancelled", None),
        };
        shown["status"] = json!(status);
        if let Some(decision) = decision {
            shown["decision"] = json!(decision);
        }
        shown["reason"] = json!(self.reason);
        shown["resolvedAtMs"] = json!(self.ended_ms);
        shown["source"] = self.source.clone();
        shown["resolver"] = json!(self.by);
        shown
    }
}

/// A request that waits, in the form its end will have.
#[must_use]
pub fn waiting(approval: &Approval) -> Value {
    let offered: Vec<String> =
        serde_json::from_value(approval.request["allowedDecisions"].clone()).unwrap_or_default();
    let presentation = presentation(approval, &offered);
    let mut shown = common(&approval.id, approval.created_ms, approval.expires_ms, &presentation);
    shown["status"] = json!("pending");
    shown
}

fn common(id: &str, created_ms: u64, expires_ms: u64, presentation: &Value) -> Value {
    let path = format!("/approve/{}", utf8_percent_encode(id, SEGMENT));
    json!({
        "id": id, "urlPath": path, "createdAtMs": created_ms, "expiresAtMs": expires_ms,
        "presentation": presentation,
    })
}

fn presentation(approval: &Approval, offered: &[String]) -> Value {
    let request = &approval.request;
    let command: String =
        request["command"].as_str().unwrap_or_default().chars().take(COMMAND_MAX).collect();
    // Who may not deny may not decide at all, so clients insist on it.
    let mut decisions = offered.to_vec();
    if !decisions.iter().any(|decision| decision == "deny") {
        decisions.push("deny".to_owned());
    }
    json!({
        "kind": "exec", "commandText": command, "commandPreview": null,
        "warningText": request["warningText"], "host": request["host"],
        "nodeId": request["nodeId"], "agentId": request["agentId"],
        "allowedDecisions": decisions,
    })
}

/// Writes down how requests end, until the gateway stops; what waits then has ended, too. First what
/// waited when an earlier gateway ended without a word.
pub async fn keep(approvals: &Approvals, store: &Store, stop: &CancellationToken) {
    if let Err(error) = end_lost(approvals, store).await {
        tracing::warn!(%error, "approvals of the last run could not be ended");
    }
    loop {
        let going = stop.run_until_cancelled(approvals.changed.notified()).await.is_some();
        if !going {
            approvals.close();
        }
        if let Err(error) = write(approvals, store).await {
            tracing::warn!(%error, "how an approval ended could not be kept");
        }
        if !going {
            return;
        }
    }
}

async fn write(approvals: &Approvals, store: &Store) -> Result<(), StoreError> {
    let (begun, ended) = approvals.unkept();
    if begun.is_empty() && ended.is_empty() {
        return Ok(());
    }
    let (waiting, rows, now) = (begun.clone(), ended.clone(), approvals.clock.now_ms());
    store
        .write(move |c| {
            for row in &waiting {
                records::put(c, OPEN, &row.id, row, row.created_ms)?;
            }
            for row in &rows {
                records::delete(c, OPEN, &row.id)?;
                records::put(c, KIND, &row.id, row, row.ended_ms)?;
            }
            records::prune(c, KIND, now.saturating_sub(KEPT_MS))?;
            records::trim(c, KIND, KEPT_MAX)
        })
        .await?;
    approvals.mark_kept(&begun, &ended);
    Ok(())
}

/// Ends the requests that an earlier gateway left waiting.
async fn end_lost(approvals: &Approvals, store: &Store) -> Result<(), StoreError> {
    let now = approvals.clock.now_ms();
    let end = move |c: &rusqlite::Connection| {
        for lost in records::list::<Ended>(c, OPEN)? {
            records::delete(c, OPEN, &lost.id)?;
            records::put(c, KIND, &lost.id, &Ended { ended_ms: now, ..lost.body }, now)?;
        }
        Ok(())
    };
    store.write(end).await
}

/// How one request ended, if that is known.
///
/// # Errors
/// The store's.
pub async fn one(
    approvals: &Approvals,
    store: &Store,
    id: &str,
) -> Result<Option<Ended>, StoreError> {
    // What ended a moment ago may not be written yet.
    if let Some(ended) = approvals.recent().into_iter().find(|ended| ended.id == id) {
        return Ok(Some(ended));
    }
    let id = id.to_owned();
    store.read(move |c| records::get(c, KIND, &id)).await
}

/// Every end that is known, the latest first.
///
/// # Errors
/// The store's.
pub async fn all(approvals: &Approvals, store: &Store) -> Result<Vec<Ended>, StoreError> {
    let kept = store.read(|c| records::list::<Ended>(c, KIND)).await?;
    let mut by_id: HashMap<String, Ended> =
        kept.into_iter().map(|record| (record.id, record.body)).collect();
    // What ended a moment ago may not be written yet.
    by_id.extend(approvals.recent().into_iter().map(|ended| (ended.id.clone(), ended)));
    let mut all: Vec<Ended> = by_id.into_values().collect();
    all.sort_by(|a, b| (b.ended_ms, b.order, &a.id).cmp(&(a.ended_ms, a.order, &b.id)));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[tokio::test]
    async fn of_ends_in_one_millisecond_the_latest_is_first() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let approvals = Approvals::new(Clock::system());
        // The latest has the name that comes last.
        let ids: Vec<String> = (0..9).map(|n| format!("request-{n}")).collect();
        for id in &ids {
            approvals.ask(id.clone(), json!({}), vec!["deny".to_owned()], 1000).unwrap();
        }
        for id in &ids {
            approvals.decide(id, "deny", &Resolver::system()).unwrap();
        }
        write(&approvals, &store).await.unwrap();
        let all = all(&Approvals::new(Clock::system()), &store).await.unwrap();
        assert!(all.iter().map(|ended| &ended.id).eq(ids.iter().rev()), "{all:?}");
    }

    #[tokio::test]
    async fn what_waited_when_the_gateway_was_killed_is_ended_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let approvals = Approvals::new(Clock::system());
        let offered = || vec!["allow-once".to_owned(), "deny".to_owned()];
        for id in ["decided", "waits"] {
            approvals.ask(id.to_owned(), json!({"command": "ls"}), offered(), 1000).unwrap();
        }
        write(&approvals, &store).await.unwrap();
        approvals.decide("decided", "deny", &Resolver::system()).unwrap();
        write(&approvals, &store).await.unwrap();

        let stop = CancellationToken::new();
        stop.cancel();
        for _ in 0..2 {
            let later = Approvals::new(Clock::system());
            keep(&later, &store, &stop).await;
            let all = all(&later, &store).await.unwrap();
            let mut shown: Vec<_> =
                all.iter().map(|e| (e.id.as_str(), e.reason.as_str())).collect();
            shown.sort_unstable();
            assert_eq!(shown, [("decided", "user"), ("waits", "gateway-restart")]);
            assert!(all.iter().all(|ended| ended.ended_ms >= ended.created_ms), "{all:?}");
        }
    }

    #[tokio::test]
    async fn ends_are_kept_in_the_words_of_the_wire_and_outlive_the_gateway() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let approvals = Approvals::new(clock.clone());
        let offered = || vec!["allow-once".to_owned(), "deny".to_owned()];
        let request = json!({"command": "ls", "agentId": "main", "sessionKey": "agent:main:main"});
        let ann = Resolver { kind: "device".to_owned(), id: Some("d1".to_owned()) };
        for id in ["a/b", "b", "c", "d", "e"] {
            approvals.ask(id.to_owned(), request.clone(), offered(), 1000).unwrap();
        }
        approvals.decide("a/b", "allow-once", &ann).unwrap();
        clock.advance(1);
        approvals.lapse("b", "timeout");
        clock.advance(1);
        approvals.lapse("c", "no-route");
        clock.advance(1);
        assert!(approvals.deny_malformed("d", &ann) && !approvals.deny_malformed("d", &ann));
        clock.advance(1);
        stop.cancel();
        keep(&approvals, &store, &stop).await;

        let later = Approvals::new(clock);
        let shown: Vec<Value> =
            all(&later, &store).await.unwrap().iter().map(Ended::shown).collect();
        let states =
            shown.iter().map(|s| (s["status"].as_str().unwrap(), s["reason"].as_str().unwrap()));
        assert_eq!(
            states.collect::<Vec<_>>(),
            [
                ("cancelled", "gateway-restart"),
                ("denied", "malformed-verdict"),
                ("denied", "no-route"),
                ("expired", "timeout"),
                ("allowed", "user"),
            ]
        );
        let first = &shown[4];
        assert_eq!(first["urlPath"], "/approve/a%2Fb");
        assert_eq!(first["resolver"], json!({"kind": "device", "id": "d1"}));
        assert_eq!(first["source"], json!({"agentId": "main", "sessionKey": "agent:main:main"}));
        assert_eq!(first["presentation"]["allowedDecisions"], json!(["allow-once", "deny"]));
        store.close().await;
    }
}
