//! The Events API: signed requests of Slack's, answered once the gateway keeps what they say.
//!
//! The signature is checked before anything is read. Whatever is not stored in time is answered with
//! a 503, and Slack comes again.

use super::{hand_over, prepare};
use crate::{account::Workspace, inbound::Delivery};
use hmac::{Hmac, KeyInit, Mac};
use jackfield_plugin_api::{
    http::{HttpRequest, HttpResponse},
    serde_json::{self, Value},
    tokio::time::timeout,
    tracing,
};
use sha2::Sha256;
use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

pub(crate) const PREFIX: &str = "/slack/";
/// Seconds by which a request may be old or early.
const AGE_MAX_S: u64 = 300;
/// Slack waits three seconds.
const STORE_PATIENCE: Duration = Duration::from_millis(2600);

/// Answers a request below [`PREFIX`].
pub(crate) async fn answer(workspaces: &[Arc<Workspace>], request: HttpRequest) -> HttpResponse {
    let Some(workspace) = addressed(workspaces, &request.path) else {
        return HttpResponse::text(404, "Not found\n");
    };
    if request.method != "POST" {
        return HttpResponse::text(405, "Only POST\n").with_header("allow", "POST");
    }
    let Ok(body) = request.body() else { return HttpResponse::text(400, "Bad body\n") };
    if !is_signed(workspace, &request, &body) {
        tracing::warn!(
            account = workspace.account.id().as_str(),
            "a request with a wrong signature"
        );
        return HttpResponse::text(401, "Not signed by Slack, or too old\n");
    }
    match unpack(request.header("content-type").unwrap_or_default(), &body) {
        Some(Unpacked::Challenge(challenge)) => HttpResponse::text(200, &challenge),
        Some(Unpacked::Delivery(delivery)) => keep(workspace, &delivery).await,
        Some(Unpacked::Nothing) => HttpResponse::new(200),
        None => HttpResponse::text(400, "Not a delivery of Slack\n"),
    }
}

async fn keep(workspace: &Arc<Workspace>, delivery: &Delivery) -> HttpResponse {
    let later = || HttpResponse::text(503, "Not stored; come again\n");
    if !workspace.is_listening() || workspace.me().is_none() {
        return later();
    }
    let storing = async {
        let events = prepare(workspace, delivery).await;
        hand_over(workspace, events).await
    };
    match timeout(STORE_PATIENCE, storing).await {
        Ok(true) => HttpResponse::new(200),
        _ => later(),
    }
}

/// `/slack/<account>` or, where one account alone takes requests (or is called `default`), any path
/// of one part, such as `/slack/events`.
fn addressed<'a>(workspaces: &'a [Arc<Workspace>], path: &str) -> Option<&'a Arc<Workspace>> {
    let rest = path.strip_prefix(PREFIX)?.trim_end_matches('/');
    let takes: Vec<_> = workspaces.iter().filter(|w| w.settings.signing_secret.is_some()).collect();
    let first = rest.split('/').next().unwrap_or_default();
    let named = takes.iter().find(|w| w.account.id().as_str() == first);
    match (named, takes.as_slice()) {
        (Some(named), _) => Some(named),
        (None, [only]) => Some(only),
        (None, several) => several.iter().find(|w| w.account.id().as_str() == "default").copied(),
    }
}

fn is_signed(workspace: &Workspace, request: &HttpRequest, body: &[u8]) -> bool {
    let Some(secret) = &workspace.settings.signing_secret else { return false };
    let (Some(time), Some(signature)) =
        (request.header("x-slack-request-timestamp"), request.header("x-slack-signature"))
    else {
        return false;
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if time.parse::<u64>().map_or(true, |time| time.abs_diff(now) > AGE_MAX_S) {
        return false;
    }
    let Some(proof) = signature.strip_prefix("v0=").and_then(from_hex) else { return false };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes())
        .expect("a key of any length will do");
    mac.update(b"v0:");
    mac.update(time.as_bytes());
    mac.update(b":");
    mac.update(body);
    mac.verify_slice(&proof).is_ok()
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

enum Unpacked {
    /// Slack makes sure that the address is ours.
    Challenge(String),
    Delivery(Delivery),
    /// Slack looks whether we are there.
    Nothing,
}

fn unpack(content_type: &str, body: &[u8]) -> Option<Unpacked> {
    if !content_type.starts_with("application/x-www-form-urlencoded") {
        let outer: Value = serde_json::from_slice(body).ok()?;
        return match outer["type"].as_str()? {
            "url_verification" => {
                Some(Unpacked::Challenge(outer["challenge"].as_str()?.to_owned()))
            }
            "event_callback" => Some(Unpacked::Delivery(Delivery::Event(outer))),
            _ => Some(Unpacked::Nothing), // app_rate_limited and what may come
        };
    }
    let mut form = reqwest::Url::parse("form:").ok()?;
    form.set_query(Some(std::str::from_utf8(body).ok()?));
    let fields: serde_json::Map<String, Value> =
        form.query_pairs().map(|(k, v)| (k.into_owned(), Value::String(v.into_owned()))).collect();
    if let Some(payload) = fields.get("payload").and_then(Value::as_str) {
        return Some(Unpacked::Delivery(Delivery::Interactive(
            serde_json::from_str(payload).ok()?,
        )));
    }
    if fields.contains_key("command") {
        return Some(Unpacked::Delivery(Delivery::Command(Value::Object(fields))));
    }
    fields.contains_key("ssl_check").then_some(Unpacked::Nothing)
}
