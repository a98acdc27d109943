//! Discord's REST API: one call at a time, its limits kept, its answers and failures told apart.
//!
//! A call waits a little for its rate limit and then says how long the wait would be; it never asks a
//! second time by itself, except through [`Rest::patiently`], which is for questions only. (The
//! library's own HTTP client repeats a 429 at once, by itself, so only its count of limits is used.)
//!
//! Must not know: what the calls are for.

mod download;
mod limits;

use crate::{
    config::Settings,
    error::{Failure, code},
};
use jackfield_plugin_api::{
    PluginError,
    serde_json::{self, Value},
    tokio::{
        self,
        time::{Instant, sleep},
    },
};
use limits::Limits;
use reqwest::{
    Client, Method, Response, StatusCode,
    header::{AUTHORIZATION, HeaderValue},
    multipart::{Form, Part},
    redirect::Policy,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// How long a call may take when nobody says otherwise.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const CONNECT_PATIENCE: Duration = Duration::from_secs(8);
/// Questions are asked this often before their failure is reported.
const QUESTIONS_MAX: u32 = 4;
const QUESTION_PAUSE: Duration = Duration::from_millis(500);
const QUESTION_PAUSE_MAX: Duration = Duration::from_secs(10);
/// A token that was rejected is not tried for this long.
const REJECTED_PAUSE: Duration = Duration::from_mins(1);
/// Longest piece of Discord's own words in an error.
const WORDS_CHARS_MAX: usize = 300;

/// In the form that Discord wants; its wall blocks others. The address must be one.
const USER_AGENT: &str = concat!(
    "DiscordBot (https://crates.io/crates/jackfield-discord, ",
    env!("CARGO_PKG_VERSION"),
    ")"
);

/// One call, ready to be made any number of times.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// Below `/api/v10/`, with its query.
    pub(crate) path: String,
    pub(crate) body: Body,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    Empty,
    Json(Value),
    /// JSON and files, as a form.
    Files(Value, Vec<Upload>),
}

/// A file to send.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Upload {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) mime: Option<String>,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), body: Body::Empty }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.body = Body::Json(body);
        self
    }
}

/// The API as one account sees it.
pub(crate) struct Rest {
    http: Client,
    base: String,
    authorization: HeaderValue,
    limits: Limits,
    /// When Discord last rejected the token, and how.
    rejected: Mutex<Option<(Instant, Failure)>>,
}

impl Rest {
    /// Must be called on the plugin's runtime: the count of limits is a task.
    pub(crate) fn new(settings: &Settings) -> Result<Self, PluginError> {
        let http = Client::builder()
            .tls_backend_preconfigured(tls())
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_PATIENCE)
            .redirect(Policy::none())
            .build()
            .map_err(|error| PluginError::new(format!("no HTTP client: {error}")))?;
        let mut authorization = HeaderValue::from_str(&format!("Bot {}", settings.token.secret()))
            .map_err(|_| PluginError::config("/bot_token", "cannot stand in an HTTP header"))?;
        authorization.set_sensitive(true);
        let base = format!("{}/api/v10", settings.api_base);
        Ok(Self { http, base, authorization, limits: Limits::new(), rejected: Mutex::default() })
    }

    /// Makes a call and reads its answer.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        call: &Call,
        patience: Duration,
    ) -> Result<T, Failure> {
        let response = self.call(call, patience).await?;
        let body = response.bytes().await.map_err(|_| Failure::Garbled)?;
        serde_json::from_slice(&body).map_err(|_| Failure::Garbled)
    }

    /// Makes a call whose answer says nothing.
    pub(crate) async fn tell(&self, call: &Call, patience: Duration) -> Result<(), Failure> {
        self.call(call, patience).await.map(drop)
    }

    /// Asks a question that changes nothing, again where that may help.
    pub(crate) async fn patiently<T: DeserializeOwned>(&self, call: &Call) -> Result<T, Failure> {
        let mut pause = QUESTION_PAUSE;
        for _ in 1..QUESTIONS_MAX {
            let failure = match self.ask(call, PATIENCE).await {
                Err(failure) if failure.is_passing() => failure,
                answer => return answer,
            };
            let wait = if let Failure::Limited(after) = failure { after } else { pause };
            sleep(wait.min(QUESTION_PAUSE_MAX)).await;
            pause *= 2;
        }
        self.ask(call, PATIENCE).await
    }

    async fn call(&self, call: &Call, patience: Duration) -> Result<Response, Failure> {
        let form = match &call.body {
            Body::Files(json, files) => Some(form(json, files).await?),
            _ => None,
        };
        if let Some(rejected) = self.rejected() {
            return Err(rejected);
        }
        let permit = self.limits.permit(call, patience).await?;
        let url = format!("{}/{}", self.base, call.path);
        let mut request = self
            .http
            .request(call.method.clone(), url)
            .header(AUTHORIZATION, self.authorization.clone())
            .timeout(patience);
        if let Body::Json(json) = &call.body {
            request = request.json(json);
        }
        if let Some(form) = form {
            request = request.multipart(form);
        }
        let response = request.send().await.map_err(|error| failure(&error))?;
        let status = response.status();
        let waiting = self.limits.learn(permit, status, response.headers());
        if status.is_success() {
            return Ok(response);
        }
        if let Some(after) = waiting {
            return Err(Failure::Limited(after));
        }
        if status.is_server_error() {
            return Err(Failure::Broken(status.as_u16()));
        }
        let mut refusal = refusal(status, &response.bytes().await.unwrap_or_default());
        if let Failure::Refused { code: code::MISSING_PERMISSIONS, text, .. } = &mut refusal {
            text.push_str(&needs(call));
        }
        if refusal.is_unauthorized() {
            let rejected = (Instant::now(), refusal.clone());
            *self.rejected.lock().unwrap_or_else(PoisonError::into_inner) = Some(rejected);
        }
        Err(refusal)
    }

    /// A token that was rejected a moment ago is not tried again: an address that asks with a bad one
    /// too often is locked out by Discord.
    fn rejected(&self) -> Option<Failure> {
        let rejected = self.rejected.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (_, failure) = rejected.filter(|(at, _)| at.elapsed() < REJECTED_PAUSE)?;
        Some(failure)
    }
}

fn tls() -> ClientConfig {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring offers TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// Never prints the error itself: its text holds addresses, and of downloads signed ones.
fn failure(error: &reqwest::Error) -> Failure {
    match error {
        error if error.is_connect() => Failure::Offline("no connection could be made"),
        error if error.is_timeout() => Failure::Lost("no answer in time"),
        error if error.is_builder() => Failure::Offline("the request could not be built"),
        _ => Failure::Lost("the connection broke"),
    }
}

#[derive(Deserialize)]
struct Words {
    #[serde(default)]
    code: u64,
    #[serde(default)]
    message: String,
    #[serde(default)]
    errors: Value,
}

fn refusal(status: StatusCode, body: &[u8]) -> Failure {
    let words = match serde_json::from_slice::<Words>(body) {
        Ok(words) => words,
        Err(_) if status == StatusCode::PAYLOAD_TOO_LARGE => {
            let message = "the request is too large".to_owned();
            Words { code: code::TOO_LARGE, message, errors: Value::Null }
        }
        Err(_) => return Failure::Walled(status.as_u16()),
    };
    let (code, mut text) = (words.code, words.message);
    if let Some((field, reason)) = first_reason(&words.errors) {
        text = format!("{text}: {field}: {reason}");
    }
    let text = text.chars().filter(|c| !c.is_control()).take(WORDS_CHARS_MAX).collect();
    Failure::Refused { status: status.as_u16(), code, text }
}

/// What the bot's role must be allowed for a call to be done.
fn needs(call: &Call) -> String {
    let parts: Vec<&str> = call.path.split('/').collect();
    let needed = match (&call.method, &parts[..]) {
        (&Method::POST, ["channels", _, "messages"]) => match &call.body {
            Body::Json(body) if body.get("poll").is_some() => "Send Polls",
            Body::Files(..) => {
                "Attach Files and Send Messages, in a thread Send Messages in Threads"
            }
            _ => "Send Messages, in a thread Send Messages in Threads",
        },
        (_, ["channels", _, "messages", "pins", _]) => "Pin Messages",
        (_, [.., "reactions", _, "@me"]) => "Add Reactions and Read Message History",
        (&Method::POST, ["channels", .., "threads"]) => {
            "Create Public Threads, in a forum Send Messages"
        }
        (&Method::PATCH, ["channels", _]) => "Manage Threads",
        (&Method::DELETE, _) => "Manage Messages, to delete what others wrote",
        (&Method::GET, _) => "View Channel and Read Message History",
        _ => return String::new(),
    };
    format!("; the bot needs {needed}")
}

/// Discord says what is wrong with a body as a tree of its fields, with `_errors` at the leaves.
fn first_reason(errors: &Value) -> Option<(String, String)> {
    errors.as_object()?.iter().find_map(|(key, below)| {
        if key == "_errors" {
            let reason = below.get(0)?.get("message")?.as_str()?;
            return Some((String::new(), reason.to_owned()));
        }
        let (path, reason) = first_reason(below)?;
        let path = if path.is_empty() { key.clone() } else { format!("{key}.{path}") };
        Some((path, reason))
    })
}

async fn form(json: &Value, files: &[Upload]) -> Result<Form, Failure> {
    let refused = |name: &str, what: &str| Failure::Refused {
        status: 0,
        code: 0,
        text: format!("the file `{name}` {what}"),
    };
    let json = Part::text(json.to_string()).mime_str("application/json");
    let mut form = Form::new().part("payload_json", json.map_err(|_| Failure::Garbled)?);
    for (at, upload) in files.iter().enumerate() {
        let file = tokio::fs::File::open(&upload.path).await;
        let file = file.map_err(|_| refused(&upload.name, "cannot be read"))?;
        let meta = file.metadata().await.map_err(|_| refused(&upload.name, "cannot be read"))?;
        let mut part = Part::stream_with_length(file, meta.len()).file_name(upload.name.clone());
        if let Some(mime) = &upload.mime {
            part = part.mime_str(mime).map_err(|_| refused(&upload.name, "has no valid type"))?;
        }
        form = form.part(format!("files[{at}]"), part);
    }
    Ok(form)
}

#[cfg(test)]
mod tests {
    use super::{Call, Failure, code, needs, refusal};
    use reqwest::{Method, StatusCode};

    #[test]
    fn a_missing_permission_is_called_by_its_name() {
        for (method, path, name) in [
            (Method::POST, "channels/1/messages", "Send Messages"),
            (Method::PUT, "channels/1/messages/2/reactions/x/@me", "Add Reactions"),
            (Method::PUT, "channels/1/messages/pins/2", "Pin Messages"),
            (Method::POST, "channels/1/messages/2/threads", "Create Public Threads"),
        ] {
            assert!(needs(&Call::new(method, path)).contains(name), "{path}");
        }
        assert_eq!(needs(&Call::new(Method::POST, "users/@me/channels")), "");
    }

    #[test]
    fn a_refusal_says_which_field_and_why() {
        let body = br#"{"code": 50035, "message": "Invalid Form Body", "errors": {"content":
            {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer."}]}}}"#;
        let Failure::Refused { status, code, text } = refusal(StatusCode::BAD_REQUEST, body) else {
            panic!("refused")
        };
        assert_eq!((status, code), (400, 50_035));
        assert_eq!(text, "Invalid Form Body: content: Must be 2000 or fewer.");
        let wall = refusal(StatusCode::FORBIDDEN, b"<html>\n");
        assert_eq!(wall, Failure::Walled(403), "Discord's own refusals are JSON");
        let large = refusal(StatusCode::PAYLOAD_TOO_LARGE, b"<html>\n");
        assert!(large.has_code(code::TOO_LARGE), "{large}");
    }
}
