//! `channels.pairing.*`: strangers on channels, and the operator's word about them.

use super::{Access, Caller, Core, MethodError, Shape, Table};
use crate::{
    cron::schedule::iso,
    messages::{CODE_MS, PENDING_MAX, PairingError, PairingRequest, SendRequest},
    plugins::PluginStatus,
    protocol::scope::Scope,
};
use jackfield_plugin_api::id::DEFAULT_ACCOUNT;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json as value};
use std::sync::Arc;

/// What a stranger who was let in is told, when the operator wishes so.
const WELCOME: &str = "You have been approved. Write again, and you will be answered.";

/// Adds the family.
pub fn add(table: &mut Table) {
    table.later("channels.pairing.list", Access::Operator(Scope::Pairing), list);
    table.later("channels.pairing.approve", Access::Decided(approve_scope), approve);
    table.later("channels.pairing.dismiss", Access::Operator(Scope::Pairing), dismiss);
}

/// Making a stranger the owner of the gateway's commands is more than letting them write.
fn approve_scope(params: &Value) -> Scope {
    if params["bootstrapCommandOwner"] == true { Scope::Admin } else { Scope::Pairing }
}

/// Parameters of `channels.pairing.list`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListParams {
    #[serde(default)]
    #[schemars(length(min = 1))]
    channel: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    account_id: Option<String>,
}

/// What `channels.pairing.list` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PairingList {
    accounts: Vec<Shape>,
    requests: Vec<Shape>,
    command_owner_configured: bool,
    limits: Limits,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Limits {
    pending_per_account: usize,
    ttl_ms: u64,
}

async fn list(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ListParams,
) -> Result<PairingList, MethodError> {
    let meant = |channel: &str, account: &str| {
        params.channel.as_deref().is_none_or(|c| c == channel)
            && params.account_id.as_deref().is_none_or(|a| a == account)
    };
    let plugins: Vec<PluginStatus> =
        core.plugins.list().into_iter().filter(|p| p.enabled).collect();
    let mut accounts = Vec::new();
    for plugin in &plugins {
        let mut names: Vec<String> =
            plugin.links.iter().map(|link| link.account.as_str().to_owned()).collect();
        if names.is_empty() {
            names.push(DEFAULT_ACCOUNT.to_owned());
        }
        accounts.extend(names.into_iter().filter(|name| meant(&plugin.channel, name)).map(
            |name| {
                value!({"channel": plugin.channel, "channelLabel": plugin.label, "accountId": name,
                    "notifySupported": true})
            },
        ));
    }
    let label = |channel: &str| {
        let known = plugins.iter().find(|plugin| plugin.channel == channel);
        known.map_or(channel, |plugin| plugin.label.as_str()).to_owned()
    };
    let waiting = core.messages.pairing_list().await?;
    let requests = waiting
        .iter()
        .filter(|request| meant(&request.channel, &request.account))
        .map(|request| shown(request, &label(&request.channel)))
        .collect();
    Ok(PairingList {
        accounts,
        requests,
        command_owner_configured: false,
        limits: Limits { pending_per_account: PENDING_MAX, ttl_ms: CODE_MS },
    })
}

fn shown(request: &PairingRequest, label: &str) -> Value {
    value!({
        "requestId": request.request_id, "channel": request.channel, "channelLabel": label,
        "accountId": request.account, "senderId": request.sender_id,
        "senderLabel": request.sender_name.as_ref().unwrap_or(&request.sender_id),
        "createdAt": iso(request.created_ms), "lastSeenAt": iso(request.last_seen_ms),
        "expiresAt": iso(request.expires_ms), "notifySupported": true,
    })
}

/// Parameters of `channels.pairing.approve`. The request is named by its id or by its code.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApproveParams {
    #[schemars(length(min = 1))]
    channel: String,
    #[serde(default)]
    #[schemars(length(min = 1))]
    account_id: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    request_id: Option<String>,
    /// What the stranger was told, in the place of the id.
    #[serde(default)]
    #[schemars(length(min = 1))]
    code: Option<String>,
    #[serde(default)]
    notify: bool,
    #[serde(default)]
    bootstrap_command_owner: bool,
}

/// What `channels.pairing.approve` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    request_id: String,
    sender_id: String,
    notification: &'static str,
    command_owner_bootstrap: &'static str,
}

async fn approve(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: ApproveParams,
) -> Result<Approved, MethodError> {
    let named = named(params.request_id, params.code, "channels.pairing.approve")?;
    let account = params.account_id.as_deref();
    let request = core.messages.pairing_approve(&params.channel, account, &named).await;
    let request = request.map_err(failed)?;
    tracing::info!(
        channel = request.channel,
        account = request.account,
        sender = request.sender_id,
        "a stranger was let in"
    );
    let notification = if params.notify { welcome(&core, &request).await } else { "not-requested" };
    Ok(Approved {
        notification,
        request_id: request.request_id,
        sender_id: request.sender_id,
        // There are no commands here that only an owner may give.
        command_owner_bootstrap: if params.bootstrap_command_owner {
            "unavailable"
        } else {
            "not-requested"
        },
    })
}

fn named(id: Option<String>, code: Option<String>, method: &str) -> Result<String, MethodError> {
    id.or(code).ok_or_else(|| {
        let text = format!("invalid {method} params: must have required property 'requestId'");
        MethodError::Invalid(text)
    })
}

async fn welcome(core: &Core, request: &PairingRequest) -> &'static str {
    let note = SendRequest {
        channel: request.channel.clone(),
        account: Some(request.account.clone()),
        to: request.sender_id.clone(),
        thread: None,
        text: WELCOME.to_owned(),
        attachments: Vec::new(),
        reply_to: None,
        silent: false,
        idem: Some(("pairing".to_owned(), request.request_id.clone())),
    };
    match core.messages.send(note).await {
        Ok(_) => "sent",
        Err(error) => {
            tracing::warn!(channel = request.channel, %error, "a stranger could not be told");
            "failed"
        }
    }
}

/// Parameters of `channels.pairing.dismiss`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DismissParams {
    #[schemars(length(min = 1))]
    channel: String,
    #[serde(default)]
    #[schemars(length(min = 1))]
    account_id: Option<String>,
    #[serde(default)]
    #[schemars(length(min = 1))]
    request_id: Option<String>,
    /// What the stranger was told, in the place of the id.
    #[serde(default)]
    #[schemars(length(min = 1))]
    code: Option<String>,
}

/// What `channels.pairing.dismiss` answers.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Dismissed {
    request_id: String,
    sender_id: String,
}

async fn dismiss(
    core: Arc<Core>,
    _: Arc<Caller>,
    params: DismissParams,
) -> Result<Dismissed, MethodError> {
    let named = named(params.request_id, params.code, "channels.pairing.dismiss")?;
    let account = params.account_id.as_deref();
    let request = core.messages.pairing_dismiss(&params.channel, account, &named).await;
    let request = request.map_err(failed)?;
    Ok(Dismissed { request_id: request.request_id, sender_id: request.sender_id })
}

fn failed(error: PairingError) -> MethodError {
    match error {
        PairingError::NotFound | PairingError::TooManyGuesses => {
            MethodError::Invalid(error.to_string())
        }
        PairingError::Store(error) => error.into(),
    }
}
