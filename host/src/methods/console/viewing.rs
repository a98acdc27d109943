//! What a person looks at in a console: which conversations, whether at all, and the branch shown.

use crate::{
    methods::{Access, Caller, Core, Done, MethodError, Shape, Table, chat::canonical, done},
    protocol::scope::Scope,
    store::transcripts,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json as value;
use std::sync::Arc;

/// Conversations one console may show at once.
const SHOWN_MAX: usize = 64;
/// Characters of a branch's headline.
const HEADLINE_MAX: usize = 120;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.now("sessions.viewers.set", Access::Operator(Scope::Read), viewers);
    table.now("sessions.observer.visibility", Access::Operator(Scope::Read), visibility);
    table.later("sessions.branches.list", Access::Operator(Scope::Read), branches);
}

/// Parameters of `sessions.viewers.set`, and what is shown now.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    session_keys: Vec<String>,
}

/// Others see in the presence list who looks at what.
fn viewers(core: &Arc<Core>, caller: &Arc<Caller>, params: Shown) -> Result<Shown, MethodError> {
    if params.session_keys.len() > SHOWN_MAX {
        let text = format!("at /sessionKeys: must not have more than {SHOWN_MAX} items");
        return Err(MethodError::Invalid(format!("invalid sessions.viewers.set params: {text}")));
    }
    let keys = params.session_keys.iter().map(|key| canonical(core, key));
    let session_keys = keys.collect::<Result<Vec<_>, _>>()?;
    if caller.presence_key().is_some_and(|row| core.presence.watch(&row, session_keys.clone())) {
        core.publish_presence();
    }
    Ok(Shown { session_keys })
}

/// Parameters of `sessions.observer.visibility`.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct VisibilityParams {
    #[serde(rename = "visible")]
    _visible: bool,
}

/// A hint that spares an observer work while nobody looks; nothing is observed here.
fn visibility(_: &Arc<Core>, _: &Arc<Caller>, _: VisibilityParams) -> Result<Done, MethodError> {
    Ok(done())
}

/// Names a conversation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BranchParams {
    #[schemars(length(min = 1))]
    session_key: String,
}

/// A conversation has one branch here: what was said last ends it.
async fn branches(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: BranchParams,
) -> Result<Shape, MethodError> {
    let key = canonical(&core, &params.session_key)?;
    let read = core.store.read(move |c| {
        let (newest, total) = transcripts::history(c, &key, 1, None)?;
        Ok((newest.into_iter().next(), total))
    });
    let (Some(leaf), count) = read.await? else { return Ok(value!({"branches": []})) };
    let headline: String =
        transcripts::text_of(&leaf.body).unwrap_or_default().chars().take(HEADLINE_MAX).collect();
    let at = i64::try_from(leaf.ts_ms).unwrap_or_default();
    let updated = jiff::Timestamp::from_millisecond(at).map(|at| at.to_string()).ok();
    Ok(value!({"branches": [{
        "leafEntryId": leaf.id, "headline": headline, "messageCount": count,
        "updatedAt": updated, "active": true,
    }]}))
}
