//! Decisions that wait for a person: asked by one connection, made by another, in time or not at all.
//!
//! No request outlives the gateway: whoever asked is gone then, and a decision made for nobody must
//! not be carried out later. How requests ended is kept, by [`history`], also when the gateway did.
//! Must not know: methods, what is decided about.

pub mod history;

use crate::clock::Clock;
use history::{Ended, Resolver};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::{Notify, watch};

/// Decisions that may wait at once.
pub const PENDING_MAX: usize = 256;
/// How long a decision is remembered, milliseconds.
const MADE_MS: u64 = 5 * 60 * 1000;

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What was decided; nothing when nobody did.
    pub decision: Option<String>,
    /// Why it ended: `user`, `malformed-verdict`, `timeout`, `no-route`, `run-aborted`,
    /// `gateway-restart`.
    pub reason: &'static str,
}

/// One request as others see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// Unique.
    pub id: String,
    /// What is asked.
    pub request: Value,
    /// Wall clock, milliseconds.
    pub created_ms: u64,
    /// From then on nobody can decide.
    pub expires_ms: u64,
}

impl Approval {
    /// In the wire's form.
    #[must_use]
    pub fn shown(&self) -> Value {
        json!({
            "approvalKind": "exec", "id": self.id, "request": self.request,
            "createdAtMs": self.created_ms, "expiresAtMs": self.expires_ms,
        })
    }
}

/// Why a request or a decision was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApprovalError {
    /// The id is in use.
    #[error("approval id already pending")]
    Known,
    /// Nothing is known under this id.
    #[error("unknown or expired approval id")]
    Unknown,
    /// Somebody decided already.
    #[error("approval already resolved")]
    Made,
    /// The request does not offer this decision.
    #[error("invalid decision")]
    NotOffered,
    /// Too many wait.
    #[error("too many approvals wait for a decision")]
    Full,
}

struct Entry {
    approval: Approval,
    offered: Vec<String>,
    verdict: watch::Sender<Option<Verdict>>,
    /// How it ended.
    ended: Option<Ended>,
    /// The history knows that it waits.
    listed: bool,
    /// Its end is in the history.
    kept: bool,
}

/// All of them.
pub struct Approvals {
    clock: Clock,
    entries: Mutex<BTreeMap<String, Entry>>,
    /// Something began or ended.
    changed: Notify,
    /// Requests that ended.
    ends: AtomicU64,
}

/// A request that somebody waits for.
pub struct Waiting {
    /// The request.
    pub approval: Approval,
    verdict: watch::Receiver<Option<Verdict>>,
}

impl Approvals {
    /// None yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, entries: Mutex::default(), changed: Notify::new(), ends: AtomicU64::new(0) }
    }

    /// Takes a request in. `offered` are the decisions it can be answered with.
    ///
    /// # Errors
    /// `Known` or `Full`.
    pub fn ask(
        &self,
        id: String,
        request: Value,
        offered: Vec<String>,
        timeout_ms: u64,
    ) -> Result<Waiting, ApprovalError> {
        let now = self.clock.now_ms();
        let mut entries = self.entries();
        let fresh = |ended: &Ended| now.saturating_sub(ended.ended_ms) < MADE_MS;
        entries.retain(|_, entry| entry.ended.as_ref().is_none_or(fresh));
        if entries.get(&id).is_some_and(|entry| entry.ended.is_none()) {
            return Err(ApprovalError::Known);
        }
        if entries.len() >= PENDING_MAX {
            return Err(ApprovalError::Full);
        }
        let expires_ms = now.saturating_add(timeout_ms);
        let approval = Approval { id: id.clone(), request, created_ms: now, expires_ms };
        let (verdict, seen) = watch::channel(None);
        let entry = Entry {
            approval: approval.clone(),
            offered,
            verdict,
            ended: None,
            listed: false,
            kept: false,
        };
        entries.insert(id, entry);
        self.changed.notify_one();
        Ok(Waiting { approval, verdict: seen })
    }

    /// The requests nobody decided yet, the oldest first.
    #[must_use]
    pub fn pending(&self) -> Vec<Approval> {
        let entries = self.entries();
        let open = entries.values().filter(|entry| entry.ended.is_none());
        let mut list: Vec<Approval> = open.map(|entry| entry.approval.clone()).collect();
        list.sort_by_key(|approval| approval.created_ms);
        list
    }

    /// A request to wait for, decided or not.
    ///
    /// # Errors
    /// `Unknown`.
    pub fn find(&self, id: &str) -> Result<Waiting, ApprovalError> {
        let entries = self.entries();
        let entry = entries.get(id).ok_or(ApprovalError::Unknown)?;
        Ok(Waiting { approval: entry.approval.clone(), verdict: entry.verdict.subscribe() })
    }

    /// Decides. The same decision twice is the same decision; `false` tells that it was made before.
    ///
    /// # Errors
    /// `Unknown`, `NotOffered`, or `Made` when another decision stands.
    pub fn decide(
        &self,
        id: &str,
        decision: &str,
        by: &Resolver,
    ) -> Result<(Approval, bool), ApprovalError> {
        let mut entries = self.entries();
        let entry = entries.get_mut(id).ok_or(ApprovalError::Unknown)?;
        let made = entry.verdict.borrow().clone();
        match made {
            Some(verdict) if verdict.decision.as_deref() == Some(decision) => {
                return Ok((entry.approval.clone(), false));
            }
            Some(verdict) if verdict.decision.is_some() => return Err(ApprovalError::Made),
            Some(_) => return Err(ApprovalError::Unknown),
            None => {}
        }
        if !entry.offered.iter().any(|offer| offer == decision) {
            return Err(ApprovalError::NotOffered);
        }
        self.end(entry, Some(decision), "user", by.clone());
        Ok((entry.approval.clone(), true))
    }

    /// Denies what was answered with something that is no answer to it. False when it had ended.
    pub fn deny_malformed(&self, id: &str, by: &Resolver) -> bool {
        let mut entries = self.entries();
        let Some(entry) = entries.get_mut(id).filter(|entry| entry.ended.is_none()) else {
            return false;
        };
        self.end(entry, Some("deny"), "malformed-verdict", by.clone());
        true
    }

    /// Ends a request without a decision, unless one was made.
    pub fn lapse(&self, id: &str, reason: &'static str) {
        if let Some(entry) = self.entries().get_mut(id)
            && entry.ended.is_none()
        {
            self.end(entry, None, reason, Resolver::system());
        }
    }

    /// Ends every request, since nobody waits for it any more.
    pub fn close(&self) {
        for entry in self.entries().values_mut().filter(|entry| entry.ended.is_none()) {
            self.end(entry, None, "gateway-restart", Resolver::system());
        }
    }

    /// Requests that ended lately, whether they are in the history yet or not.
    #[must_use]
    pub fn recent(&self) -> Vec<Ended> {
        self.entries().values().filter_map(|entry| entry.ended.clone()).collect()
    }

    /// What the history does not know yet: requests that wait, as they would have ended if the gateway
    /// did before them, and ends.
    fn unkept(&self) -> (Vec<Ended>, Vec<Ended>) {
        let entries = self.entries();
        let lost = Verdict { decision: None, reason: "gateway-restart" };
        let begun = entries.values().filter(|entry| entry.ended.is_none() && !entry.listed);
        let begun = begun.map(|entry| {
            Ended::of(&entry.approval, &entry.offered, (0, 0), &lost, Resolver::system())
        });
        let ended = entries.values().filter(|entry| !entry.kept).filter_map(|e| e.ended.clone());
        (begun.collect(), ended.collect())
    }

    /// Notes that the history knows these.
    fn mark_kept(&self, begun: &[Ended], ended: &[Ended]) {
        let mut entries = self.entries();
        for request in begun {
            if let Some(entry) = entries.get_mut(&request.id) {
                entry.listed |= entry.approval.created_ms == request.created_ms;
            }
        }
        for ended in ended {
            if let Some(entry) = entries.get_mut(&ended.id) {
                entry.kept |= entry.ended.as_ref() == Some(ended);
            }
        }
    }

    fn end(&self, entry: &mut Entry, decision: Option<&str>, reason: &'static str, by: Resolver) {
        let verdict = Verdict { decision: decision.map(str::to_owned), reason };
        let at = (self.clock.now_ms(), self.ends.fetch_add(1, Ordering::Relaxed));
        entry.ended = Some(Ended::of(&entry.approval, &entry.offered, at, &verdict, by));
        entry.verdict.send_replace(Some(verdict));
        self.changed.notify_one();
    }

    fn entries(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    /// Waits for the end of the request.
    ///
    /// # Panics
    /// Never: a request ends before it is forgotten.
    pub async fn verdict(mut self) -> Verdict {
        match self.verdict.wait_for(Option::is_some).await {
            Ok(verdict) => verdict.clone().expect("waited for a verdict"),
            Err(_) => Verdict { decision: None, reason: "timeout" },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(approvals: &Approvals, id: &str) -> Result<Waiting, ApprovalError> {
        let offered = vec!["allow-once".to_owned(), "deny".to_owned()];
        approvals.ask(id.to_owned(), json!({"command": "ls"}), offered, 1000)
    }

    #[tokio::test]
    async fn one_decision_stands() {
        let approvals = Approvals::new(Clock::system());
        let waiting = ask(&approvals, "a").unwrap();
        assert_eq!(ask(&approvals, "a").err(), Some(ApprovalError::Known));
        assert_eq!(approvals.pending().len(), 1);
        assert_eq!(
            approvals.decide("a", "allow-always", &Resolver::system()).err(),
            Some(ApprovalError::NotOffered)
        );
        assert!(approvals.decide("a", "deny", &Resolver::system()).unwrap().1);
        assert!(
            !approvals.decide("a", "deny", &Resolver::system()).unwrap().1,
            "said twice, decided once"
        );
        assert_eq!(
            approvals.decide("a", "allow-once", &Resolver::system()).err(),
            Some(ApprovalError::Made)
        );
        let verdict = waiting.verdict().await;
        assert_eq!((verdict.decision.as_deref(), verdict.reason), (Some("deny"), "user"));
        assert!(approvals.pending().is_empty());
        assert_eq!(
            approvals.decide("b", "deny", &Resolver::system()).err(),
            Some(ApprovalError::Unknown)
        );
    }

    #[tokio::test]
    async fn what_lapsed_cannot_be_decided() {
        let approvals = Approvals::new(Clock::system());
        let waiting = ask(&approvals, "a").unwrap();
        approvals.lapse("a", "timeout");
        assert_eq!(
            approvals.decide("a", "allow-once", &Resolver::system()).err(),
            Some(ApprovalError::Unknown)
        );
        assert_eq!(waiting.verdict().await.decision, None);
    }

    #[test]
    fn they_are_bounded_and_forgotten() {
        let clock = Clock::system();
        let approvals = Approvals::new(clock.clone());
        for n in 0..PENDING_MAX {
            assert!(ask(&approvals, &n.to_string()).is_ok());
        }
        assert_eq!(ask(&approvals, "more").err(), Some(ApprovalError::Full));
        approvals.lapse("0", "timeout");
        clock.advance(MADE_MS);
        assert!(ask(&approvals, "more").is_ok());
        assert_eq!(
            approvals.find("0").err().map(|e| e.to_string()).as_deref(),
            Some("unknown or expired approval id")
        );
    }
}
