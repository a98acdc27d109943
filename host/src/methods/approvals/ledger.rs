//! `approval.*`: requests of every kind, waiting and past, in one form.
//!
//! Only commands are asked about here, so every request is of the kind `exec`. No grant outlasts the
//! request it was given for, so the list of standing grants is empty.

use super::{DECISIONS, resolver, tell};
use crate::{
    approvals::{ApprovalError, history},
    methods::{Access, Caller, Core, MethodError, Nothing, Shape, Table},
    protocol::scope::Scope,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::sync::Arc;

const PAGE: usize = 50;

/// Adds the family.
pub fn add(table: &mut Table) {
    let approvals = Access::Operator(Scope::Approvals);
    table.later("approval.history", approvals, history);
    table.later("approval.get", approvals, get);
    table.later("approval.resolve", approvals, resolve);
    table.now("exec.approval.grants.list", approvals, grants);
}

/// What kind of thing is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A command.
    Exec,
    /// Something a plugin wants to do.
    Plugin,
    /// A change of the gateway itself.
    SystemAgent,
}

/// Parameters of `approval.history`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct HistoryParams {
    /// Where the page begins, as the page before told.
    #[serde(default)]
    #[schemars(length(min = 1, max = 512))]
    cursor: Option<String>,
    #[serde(default)]
    #[schemars(range(min = 1, max = 100))]
    limit: Option<usize>,
    #[serde(default)]
    kind: Option<Kind>,
}

/// What `approval.history` answers, the latest first.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct History {
    items: Vec<Shape>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

async fn history(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: HistoryParams,
) -> Result<History, MethodError> {
    let from =
        match params.cursor {
            None => None,
            Some(text) => Some(position(&text).ok_or_else(|| {
                MethodError::Invalid("invalid approval.history cursor".to_owned())
            })?),
        };
    if params.kind.is_some_and(|kind| kind != Kind::Exec) {
        return Ok(History { items: Vec::new(), next_cursor: None });
    }
    let ended = history::all(&core.approvals, &core.store).await?;
    let begin = from.map_or(0, |(ms, shown)| ended.partition_point(|e| e.ended_ms > ms) + shown);
    let end = begin.saturating_add(params.limit.unwrap_or(PAGE)).min(ended.len());
    let page = ended.get(begin..end).unwrap_or_default();
    let next_cursor = page.last().filter(|_| end < ended.len()).map(|last| {
        let first_of_its_time = ended.partition_point(|e| e.ended_ms > last.ended_ms);
        format!("{}.{}", last.ended_ms, end - first_of_its_time)
    });
    Ok(History { items: page.iter().map(history::Ended::shown).collect(), next_cursor })
}

/// A time, and how many that ended then were shown already.
fn position(cursor: &str) -> Option<(u64, usize)> {
    let (ms, shown) = cursor.split_once('.')?;
    Some((ms.parse().ok()?, shown.parse().ok()?))
}

/// Names a request.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct IdParams {
    #[schemars(length(min = 1))]
    id: String,
}

/// What `approval.get` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Found {
    approval: Shape,
}

async fn get(core: Arc<Core>, _: Arc<Caller>, params: IdParams) -> Result<Found, MethodError> {
    let waiting = core.approvals.pending().into_iter().find(|waiting| waiting.id == params.id);
    let approval = match waiting {
        Some(waiting) => history::waiting(&waiting),
        None => ended(&core, &params.id).await?,
    };
    Ok(Found { approval })
}

async fn ended(core: &Core, id: &str) -> Result<Value, MethodError> {
    let found = history::one(&core.approvals, &core.store, id).await?;
    Ok(found.ok_or_else(absent)?.shown())
}

fn absent() -> MethodError {
    let reason = value!({"reason": "APPROVAL_NOT_FOUND"});
    MethodError::InvalidWith("approval not found".to_owned(), reason)
}

/// Parameters of `approval.resolve`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct ResolveParams {
    #[schemars(length(min = 1))]
    id: String,
    kind: Kind,
    #[schemars(length(min = 1))]
    decision: String,
    /// Somebody on a channel; nobody there may decide.
    #[serde(default)]
    reviewer: Option<Value>,
}

/// What `approval.resolve` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Resolved {
    /// This call decided.
    applied: bool,
    approval: Shape,
}

/// Decides; an answer that is none for this request denies it. Whoever comes second is told what
/// stands.
async fn resolve(
    core: Arc<Core>,
    caller: Arc<Caller>,
    params: ResolveParams,
) -> Result<Resolved, MethodError> {
    if params.reviewer.is_some() {
        return Err(absent());
    }
    let by = resolver(&caller);
    let sound = params.kind == Kind::Exec && DECISIONS.contains(&params.decision.as_str());
    let decided = if sound {
        core.approvals.decide(&params.id, &params.decision, &by)
    } else {
        Err(ApprovalError::NotOffered)
    };
    let applied = match decided {
        Ok((approval, fresh)) => {
            if fresh {
                tell(&core, &caller, &approval, &params.decision);
            }
            fresh
        }
        Err(ApprovalError::NotOffered) => {
            let waiting = core.approvals.find(&params.id).map(|waiting| waiting.approval);
            let fresh = core.approvals.deny_malformed(&params.id, &by);
            if let Some(approval) = waiting.ok().filter(|_| fresh) {
                tell(&core, &caller, &approval, "deny");
            }
            fresh
        }
        Err(_) => false,
    };
    Ok(Resolved { applied, approval: ended(&core, &params.id).await? })
}

/// What `exec.approval.grants.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Grants {
    grants: Vec<Shape>,
}

fn grants(_: &Arc<Core>, _: &Arc<Caller>, _: Nothing) -> Result<Grants, MethodError> {
    Ok(Grants { grants: Vec::new() })
}
