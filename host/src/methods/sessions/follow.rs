//! Following conversations: who gets which events.

use super::ListParams;
use crate::{
    methods::{Access, Caller, Core, MethodError, Shape, Table, chat::canonical},
    protocol::scope::Scope,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("sessions.subscribe", Access::Operator(Scope::Read), list);
    table.now("sessions.messages.subscribe", Access::Operator(Scope::Read), follow);
    table.now("sessions.messages.unsubscribe", Access::Operator(Scope::Read), unfollow);
}

/// What `sessions.subscribe` answers.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Subscribed {
    subscribed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    list: Option<Shape>,
}

/// Parameters of `sessions.subscribe`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubscribeParams {
    /// Answer the list too, this many rows.
    #[serde(default)]
    limit: Option<u64>,
}

async fn list(
    core: Arc<Core>,
    caller: Arc<Caller>,
    params: SubscribeParams,
) -> Result<Subscribed, MethodError> {
    caller.subscriber.follow_list();
    let list = match params.limit {
        Some(limit) => {
            let page =
                super::page(&core, ListParams { limit: Some(limit), ..ListParams::default() })
                    .await?;
            Some(serde_json::json!(page))
        }
        None => None,
    };
    Ok(Subscribed { subscribed: true, list })
}

/// Parameters of `sessions.messages.subscribe` and its undoing.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct FollowParams {
    #[schemars(length(min = 1))]
    key: String,
}

/// What is followed now.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Followed {
    subscribed: bool,
    key: String,
}

fn follow(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: FollowParams,
) -> Result<Followed, MethodError> {
    let key = canonical(core, &params.key)?;
    if !caller.subscriber.follow(&key) {
        return Err(MethodError::Invalid(
            "this connection follows too many conversations".to_owned(),
        ));
    }
    Ok(Followed { subscribed: true, key })
}

fn unfollow(
    core: &Arc<Core>,
    caller: &Arc<Caller>,
    params: FollowParams,
) -> Result<Followed, MethodError> {
    let key = canonical(core, &params.key)?;
    caller.subscriber.unfollow(&key);
    Ok(Followed { subscribed: false, key })
}
