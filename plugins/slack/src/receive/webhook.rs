//! The Events API: signed requests of Slack's, answered once the gateway keeps what they say.
//!
//! The signature is checked before anything is read. Whatever is not stored in time is answered with
//! a 503, and Slack comes again.

use super::{prepare, settle};
use crate::{
    account::{Requests, Workspace},
    inbound::{Delivery, is_of_another_app},
};
use hmac::{Hmac, KeyInit, Mac};
use jackfield_plugin_api::{
    http::{HttpRequest, HttpResponse},
    link::LinkState,
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
    let addressed = addressed(workspaces, &request.path);
    if addressed.is_empty() {
        return HttpResponse::text(404, "Not found\n");
    }
    if request.method != "POST" {
        return HttpResponse::text(405, "Only POST\n").with_header("allow", "POST");
    }
    let Ok(body) = request.body() else { return HttpResponse::text(400, "Bad body\n") };
    let signed = addressed.iter().find(|workspace| is_signed(workspace, &request, &body));
    let Some(workspace) = signed else {
        for workspace in addressed {
            refuse(workspace, &request).await;
        }
        return HttpResponse::text(401, "Not signed by Slack, or too old\n");
    };
    match unpack(request.header("content-type").unwrap_or_default(), &body) {
        Some(Unpacked::Challenge(challenge)) => {
            prove(workspace, Requests::Proved).await;
            HttpResponse::text(200, &challenge)
        }
        Some(Unpacked::Delivery(delivery)) => keep(workspace, &delivery).await,
        Some(Unpacked::Limited) => {
            let account = workspace.account.id().as_str();
            tracing::warn!(account, "Slack leaves events out: there are more than 30000 an hour");
            HttpResponse::new(200)
        }
        Some(Unpacked::Nothing) => HttpResponse::new(200),
        None => HttpResponse::text(400, "Not a delivery of Slack\n"),
    }
}

async fn keep(workspace: &Arc<Workspace>, delivery: &Delivery) -> HttpResponse {
    let later = || HttpResponse::text(503, "Not stored; come again\n");
    let (true, Some(me)) = (workspace.is_listening(), workspace.me()) else { return later() };
    if is_of_another_app(delivery, &me) {
        prove(workspace, Requests::Mixed).await;
        return later();
    }
    prove(workspace, Requests::Proved).await;
    let storing = async { settle(prepare(workspace, delivery).await).await };
    match timeout(STORE_PATIENCE, storing).await {
        Ok(true) => HttpResponse::new(200),
        _ => later(),
    }
}

/// What a person should know of the way in by requests.
pub(crate) fn detail(workspace: &Workspace) -> (LinkState, String) {
    let (state, text) = match workspace.signs(|signs| signs.requests) {
        Requests::None => (
            LinkState::Connected,
            "Slack calls by request, and none came yet: see the request URL of the app's Event \
             Subscriptions",
        ),
        // Anybody can send such a request, so it is no reason to hold anything back.
        Requests::Refused => (
            LinkState::Connected,
            "requests came that signing_secret does not sign: compare it with Basic Information → \
             Signing Secret",
        ),
        Requests::Proved => (LinkState::Connected, "Slack calls by request"),
        Requests::Mixed => (
            LinkState::NeedsLogin,
            "signing_secret and bot_token belong to different apps: both must come from the settings \
             of one app",
        ),
    };
    (state, format!("{text}{}", workspace.remarks()))
}

async fn prove(workspace: &Workspace, requests: Requests) {
    if workspace.signs(|signs| std::mem::replace(&mut signs.requests, requests)) == requests {
        return;
    }
    let is_the_way = workspace.app.is_none();
    if is_the_way && workspace.is_listening() && workspace.me().is_some() {
        let (state, text) = detail(workspace);
        workspace.report(state, text).await;
    }
}

/// Once a secret has proved right, forgeries say nothing about it.
async fn refuse(workspace: &Workspace, request: &HttpRequest) {
    let account = workspace.account.id().as_str();
    tracing::warn!(account, "a request that signing_secret does not sign, or an old one");
    let like_slacks = request.header("x-slack-signature").is_some()
        && request.header("x-slack-request-timestamp").is_some_and(is_fresh);
    if like_slacks && workspace.signs(|signs| signs.requests) == Requests::None {
        prove(workspace, Requests::Refused).await;
    }
}

/// The accounts that `/slack/<account>` may be for: that one, or for any other path of one part, such
/// as `/slack/events`, all that take requests. Whose secret signs it decides.
fn addressed<'a>(workspaces: &'a [Arc<Workspace>], path: &str) -> Vec<&'a Arc<Workspace>> {
    let Some(rest) = path.strip_prefix(PREFIX) else { return Vec::new() };
    let mut takes: Vec<_> =
        workspaces.iter().filter(|w| w.settings.signing_secret.is_some()).collect();
    let first = rest.split('/').next().unwrap_or_default();
    if takes.iter().any(|w| w.account.id().as_str() == first) {
        takes.retain(|w| w.account.id().as_str() == first);
    }
    takes
}

fn is_fresh(time: &str) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    time.parse::<u64>().is_ok_and(|time| time.abs_diff(now) <= AGE_MAX_S)
}

fn is_signed(workspace: &Workspace, request: &HttpRequest, body: &[u8]) -> bool {
    let Some(secret) = &workspace.settings.signing_secret else { return false };
    let (Some(time), Some(signature)) =
        (request.header("x-slack-request-timestamp"), request.header("x-slack-signature"))
    else {
        return false;
    };
    if !is_fresh(time) {
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
    /// Slack left events out.
    Limited,
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
            "app_rate_limited" => Some(Unpacked::Limited),
            _ => Some(Unpacked::Nothing), // what may come
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
