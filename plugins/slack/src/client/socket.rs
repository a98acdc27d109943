//! Opens a Socket Mode connection: asks Slack for an address, then upgrades a request to it.
//!
//! The upgrade rides on reqwest, so that TLS, root certificates and proxies are those of every call.
//! Must not know: what the frames say.

use super::{Api, failed};
use crate::error::ApiError;
use reqwest::{StatusCode, Upgraded, Url, header};
use std::time::Duration;
use tokio::time::timeout;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        handshake::{client::generate_key, derive_accept_key},
        protocol::{Role, WebSocketConfig},
    },
};

/// Until the connection is upgraded.
const OPEN_PATIENCE: Duration = Duration::from_secs(15);
/// Slack's envelopes stay far below.
const FRAME_BYTES_MAX: usize = 4 << 20;

/// An open connection.
pub(crate) type Socket = WebSocketStream<Upgraded>;

/// Opens one connection with an app-level token.
pub(crate) async fn open(app: &Api) -> Result<Socket, ApiError> {
    let answer = app.call("apps.connections.open", &Vec::new()).await?;
    let address = answer["url"].as_str().unwrap_or_default();
    let Some(url) = upgradable(address, app.base().starts_with("http:")) else {
        return Err(ApiError::Lost("it gave no address for the connection".to_owned()));
    };
    timeout(OPEN_PATIENCE, upgrade(&app.http, url))
        .await
        .unwrap_or_else(|_| Err(ApiError::Lost("the connection was not upgraded in time".into())))
}

/// The address as a request's; plain only where the API itself is.
fn upgradable(address: &str, plain: bool) -> Option<Url> {
    let rest = match address.split_once("://")? {
        ("wss", rest) => format!("https://{rest}"),
        ("ws", rest) if plain => format!("http://{rest}"),
        _ => return None,
    };
    Url::parse(&rest).ok()
}

async fn upgrade(http: &reqwest::Client, url: Url) -> Result<Socket, ApiError> {
    let key = generate_key();
    let request = http
        .get(url)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_VERSION, "13")
        .header(header::SEC_WEBSOCKET_KEY, &key);
    let response = request.send().await.map_err(failed)?;
    let accept = response.headers().get(header::SEC_WEBSOCKET_ACCEPT);
    let proven =
        accept.is_some_and(|a| a.as_bytes() == derive_accept_key(key.as_bytes()).as_bytes());
    if response.status() != StatusCode::SWITCHING_PROTOCOLS || !proven {
        let text = format!("the connection was not upgraded: status {}", response.status());
        return Err(ApiError::Lost(text));
    }
    let upgraded = response.upgrade().await.map_err(failed)?;
    let limits = WebSocketConfig::default()
        .max_message_size(Some(FRAME_BYTES_MAX))
        .max_frame_size(Some(FRAME_BYTES_MAX));
    Ok(WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(limits)).await)
}
