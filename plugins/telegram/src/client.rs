//! The Bot API over HTTP: one call, one answer. Retries nothing.
//!
//! The token is part of every address, so no address ever leaves this room: errors are stripped of
//! it, and an answer that is not the Bot API's is not quoted. Must not know: the gateway.

mod download;
mod upload;

use crate::{config::Login, error::ApiError};
use jackfield_plugin_api::{
    PluginError,
    serde_json::{self, Value, value::RawValue},
};
use reqwest::{Proxy, RequestBuilder, Response, redirect};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{error::Error, path::PathBuf, time::Duration};
pub(crate) use upload::Upload;

const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// Connections that were idle for longer may be dead without our knowing.
const IDLE_MAX: Duration = Duration::from_secs(45);
/// Largest answer that is read; a hundred updates stay well below.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// One bot's door to its server.
pub(crate) struct Client {
    http: reqwest::Client,
    methods: String,
    files: String,
    local_files: Option<PathBuf>,
}

/// The bot as the server knows it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Me {
    pub(crate) id: i64,
    #[serde(default)]
    pub(crate) username: String,
    /// Privacy mode is off; servers that are not Telegram's may not say.
    pub(crate) can_read_all_group_messages: Option<bool>,
}

impl Me {
    /// Whether this is the bot's name, as people write it behind an @.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        !self.username.is_empty() && name.eq_ignore_ascii_case(&self.username)
    }
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope<'a> {
    ok: bool,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    error_code: Option<u16>,
    description: Option<String>,
    parameters: Option<Parameters>,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

impl Client {
    pub(crate) fn new(login: &Login) -> Result<Self, PluginError> {
        // Each library has its own choice of a provider; a second one is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder();
        if let Some(proxy) = &login.proxy {
            let proxy = Proxy::all(proxy.reveal()).map_err(|error| {
                let text =
                    format!("`{}` cannot be used: {}", login.setting("proxy"), reason(error));
                PluginError::new(text)
            })?;
            http = http.proxy(proxy);
        }
        let http = http
            .connect_timeout(CONNECT_PATIENCE)
            .pool_idle_timeout(IDLE_MAX)
            .redirect(redirect::Policy::none())
            .user_agent(concat!("jackfield-telegram/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| PluginError::new(format!("cannot set up HTTP: {}", reason(error))))?;
        let (base, token) = (&login.api_base, login.token.reveal());
        Ok(Self {
            http,
            methods: format!("{base}/bot{token}"),
            files: format!("{base}/file/bot{token}"),
            local_files: login.local_files.clone(),
        })
    }

    /// Who this is.
    pub(crate) async fn me(&self, patience: Duration) -> Result<Me, ApiError> {
        self.call("getMe", &serde_json::json!({}), patience).await
    }

    /// Calls a method with JSON parameters.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: &impl Serialize,
        patience: Duration,
    ) -> Result<T, ApiError> {
        let request = self.http.post(format!("{}/{method}", self.methods)).json(params);
        ask(request, patience).await
    }

    /// Calls a method, with files if there are any.
    pub(crate) async fn call_with(
        &self,
        method: &str,
        params: &serde_json::Map<String, Value>,
        uploads: &[Upload],
        patience: Duration,
    ) -> Result<Value, ApiError> {
        if uploads.is_empty() {
            return self.call(method, params, patience).await;
        }
        let form = upload::form(params, uploads).await?;
        let request = self.http.post(format!("{}/{method}", self.methods)).multipart(form);
        ask(request, patience).await
    }
}

async fn ask<T: DeserializeOwned>(
    request: RequestBuilder,
    patience: Duration,
) -> Result<T, ApiError> {
    let response = request.timeout(patience).send().await.map_err(failed)?;
    let status = response.status().as_u16();
    let body = read(response).await?;
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(&body) else {
        // Some proxy's page, which may well quote the address with the token.
        return Err(match status {
            200..300 => ApiError::Unanswered("the answer is not the Bot API's".to_owned()),
            code => ApiError::Foreign { code },
        });
    };
    if let (true, Some(result)) = (envelope.ok, envelope.result) {
        return serde_json::from_str(result.get())
            .map_err(|error| ApiError::Unanswered(format!("an unexpected result: {error}")));
    }
    let more = envelope.parameters.unwrap_or_default();
    Err(ApiError::Refused {
        code: envelope.error_code.unwrap_or(status),
        description: envelope.description.unwrap_or_else(|| "refused".to_owned()),
        retry_after: more.retry_after.map(Duration::from_secs),
        migrated_to: more.migrate_to_chat_id,
    })
}

async fn read(mut response: Response) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ApiError::Unanswered("the answer is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Whether anything left is the question that decides about a second attempt.
fn failed(error: reqwest::Error) -> ApiError {
    if error.is_connect() || error.is_builder() {
        ApiError::Unreachable(reason(error))
    } else if error.is_timeout() {
        ApiError::Unanswered("the server did not answer in time".to_owned())
    } else {
        ApiError::Unanswered(reason(error))
    }
}

/// The innermost cause, which says most and repeats nothing; never with an address.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost: &dyn Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
