//! The handshake: the challenge, `connect` with every credential at hand, the verdict.

use super::{Client, ClientError, Incoming, Offer, Part, Target, WireError};
use crate::protocol::{
    VERSION,
    connect::{ClientId, ClientInfo, ClientMode, ConnectParams, Credentials},
    scope::{Role, Scopes},
};
use serde_json::Value;
use std::time::Duration;

/// Pause before another attempt at a gateway that is still starting.
const STARTING: Duration = Duration::from_millis(500);

/// Comes in on a fresh connection, and keeps the device token that the gateway gives.
///
/// # Errors
/// When the gateway says something else, or refuses.
pub(super) async fn come_in(
    mut client: Client,
    target: &Target,
    part: &Part,
) -> Result<Client, ClientError> {
    loop {
        match attempt(&mut client, target, part).await {
            Ok(hello) => {
                client.hello = hello;
                return Ok(client);
            }
            Err(ClientError::Refused { error, .. })
                if error.details["reason"] == "startup-sidecars" =>
            {
                // The caller's timeout ends this.
                let wait = error.retry_after_ms.map_or(STARTING, Duration::from_millis);
                tokio::time::sleep(wait).await;
                client.socket = super::dial(&client.url, target.pin).await?;
            }
            Err(error) => return Err(error),
        }
    }
}

async fn attempt(client: &mut Client, target: &Target, part: &Part) -> Result<Value, ClientError> {
    let (nonce, ts) = challenge(client).await?;
    let identity = target.identity.as_ref().filter(|_| target.may_use_kept);
    let kept = identity.and_then(|identity| identity.token(&client.url));
    let mut params = params(target, part, kept);
    params.device = target.identity.as_ref().map(|id| id.prove(&params, &nonce, ts));
    let params = without_nulls(serde_json::to_value(&params).expect("parameters are plain data"));
    let id = client.send("connect", &params).await?;
    match client.answer(&id, "connect", &mut |_, _| ()).await {
        Ok(hello) => {
            if let (Some(identity), Some(token)) =
                (&target.identity, hello["auth"]["deviceToken"].as_str())
            {
                identity.keep_token(&client.url, Some(token));
            }
            Ok(hello)
        }
        Err(ClientError::Failed { error, .. }) => Err(refused(client, target, error)),
        Err(error) => Err(error),
    }
}

fn refused(client: &Client, target: &Target, error: WireError) -> ClientError {
    if let (Some(identity), "AUTH_DEVICE_TOKEN_MISMATCH") = (&target.identity, error.detail()) {
        identity.keep_token(&client.url, None);
    }
    ClientError::Refused { url: client.url.clone(), error }
}

async fn challenge(client: &mut Client) -> Result<(String, u64), ClientError> {
    loop {
        if let Incoming::Event { event, payload } = client.next().await?
            && event == "connect.challenge"
        {
            let nonce = payload["nonce"].as_str().unwrap_or_default().to_owned();
            return Ok((nonce, payload["ts"].as_u64().unwrap_or_default()));
        }
    }
}

fn params(target: &Target, part: &Part, device_token: Option<String>) -> ConnectParams {
    let host = hostname::get().map(|h| h.to_string_lossy().into_owned()).unwrap_or_default();
    let (id, mode, role, scopes, offer) = match part {
        Part::Operator(scopes) => {
            let offer = Offer { name: format!("jackfield on {host}"), ..Offer::default() };
            (ClientId::Cli, ClientMode::Cli, Role::Operator, *scopes, offer)
        }
        Part::Node(offer) => {
            (ClientId::NodeHost, ClientMode::Node, Role::Node, Scopes::NONE, offer.clone())
        }
    };
    ConnectParams {
        min_protocol: VERSION,
        max_protocol: VERSION,
        client: ClientInfo {
            id,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            platform: std::env::consts::OS.to_owned(),
            mode,
            display_name: Some(offer.name),
            build_id: None,
            device_family: None,
            model_identifier: None,
            time_zone: None,
            instance_id: None,
        },
        role: Some(role.as_str().to_owned()),
        scopes: scopes.words().into_iter().map(str::to_owned).collect(),
        caps: offer.caps,
        commands: offer.commands,
        permissions: None,
        path_env: None,
        auth: Some(Credentials {
            token: target.token.as_ref().map(|token| token.expose().to_owned()),
            password: target.password.as_ref().map(|secret| secret.expose().to_owned()),
            device_token,
            bootstrap_token: None,
        }),
        device: None,
        locale: None,
        user_agent: None,
    }
}

/// Some gateways take an absent field but not one that is null.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name, without_nulls(value)))
            .collect(),
        other => other,
    }
}
