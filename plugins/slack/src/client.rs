//! Slack's Web API: one call, one answer. It knows Slack's envelope and its limits, and nothing of us.
//!
//! Every call is a POST with a form: all methods take one, while only those that write take JSON.

pub(crate) mod files;
pub(crate) mod socket;

use crate::{
    config::Secret,
    error::{ApiError, Refusal},
};
use jackfield_plugin_api::serde_json::{self, Value};
use reqwest::{Response, StatusCode, header};
use std::{sync::Arc, time::Duration};

/// One call, from the first byte to the last.
const CALL_PATIENCE: Duration = Duration::from_secs(20);
const CONNECT_PATIENCE: Duration = Duration::from_secs(8);
const IDLE_MAX: Duration = Duration::from_secs(15);
/// Longest answer that is read; a full page of history is far below.
const ANSWER_BYTES_MAX: usize = 8 << 20;
/// For a 429 that names no time, and the longest one that is believed.
const WAIT_DEFAULT: Duration = Duration::from_secs(30);
const WAIT_MAX: Duration = Duration::from_hours(1);

/// The fields of a call.
pub(crate) type Form = Vec<(&'static str, String)>;

/// One token's way to Slack. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Api {
    pub(crate) http: reqwest::Client,
    base: Arc<str>,
    token: Arc<Secret>,
}

/// The connections that all tokens share. No redirects: a token goes nowhere but where it is meant.
///
/// # Errors
/// When the machine's root certificates cannot be used.
pub(crate) fn http() -> Result<reqwest::Client, String> {
    // Fails when it is installed already, by an earlier life in this process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(concat!("jackfield-slack/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_PATIENCE)
        // A connection that Slack closed meanwhile would make an attempt uncertain for nothing.
        .pool_idle_timeout(IDLE_MAX)
        .build()
        .map_err(|error| error.without_url().to_string())
}

impl Api {
    pub(crate) fn new(http: reqwest::Client, base: &str, token: &Secret) -> Self {
        Self { http, base: base.into(), token: Arc::new(token.clone()) }
    }

    /// Where the API is, as configured.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// Calls a method; the answer is Slack's object with `ok: true`.
    pub(crate) async fn call(&self, method: &'static str, form: &Form) -> Result<Value, ApiError> {
        self.call_with_scopes(method, form).await.map(|(answer, _)| answer)
    }

    /// As [`Api::call`], with the scopes the token has, where Slack says so.
    pub(crate) async fn call_with_scopes(
        &self,
        method: &'static str,
        form: &Form,
    ) -> Result<(Value, Option<String>), ApiError> {
        let sent = self
            .http
            .post(format!("{}/{method}", self.base))
            .bearer_auth(self.token.reveal())
            .timeout(CALL_PATIENCE)
            .form(form)
            .send()
            .await
            .map_err(failed)?;
        let scopes = text_header(&sent, "x-oauth-scopes").map(str::to_owned);
        Ok((answer(method, sent).await?, scopes))
    }

    /// The token, for the requests that are no calls.
    pub(crate) fn bearer(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        request.bearer_auth(self.token.reveal())
    }
}

async fn answer(method: &'static str, response: Response) -> Result<Value, ApiError> {
    if response.status() == StatusCode::TOO_MANY_REQUESTS {
        return Err(ApiError::Limited(retry_after(&response)));
    }
    let (status, wait) = (response.status(), retry_after(&response));
    let body = read(response).await?;
    let Ok(answer) = serde_json::from_slice::<Value>(&body) else {
        // A proxy's page, or half an answer: Slack may have acted before.
        return Err(ApiError::Lost(format!("status {status} without JSON")));
    };
    if answer["ok"] == true {
        return Ok(answer);
    }
    let Some(code) = answer["error"].as_str() else {
        return Err(ApiError::Lost(format!("status {status} without a reason")));
    };
    if matches!(code, "ratelimited" | "rate_limited") {
        return Err(ApiError::Limited(wait));
    }
    let needed = answer["needed"].as_str().map(str::to_owned);
    Err(ApiError::Refused(Refusal { method, code: code.to_owned(), needed }))
}

async fn read(mut response: Response) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(ApiError::Lost("its answer is too large".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Whether bytes left decides everything: what failed while connecting did not send any. The address
/// is left out, since those of files are secrets.
pub(crate) fn failed(error: reqwest::Error) -> ApiError {
    let before = error.is_connect() || error.is_builder();
    let error = error.without_url();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    if before { ApiError::Unreached(text) } else { ApiError::Lost(text) }
}

fn retry_after(response: &Response) -> Duration {
    let seconds = text_header(response, header::RETRY_AFTER.as_str())
        .and_then(|text| text.trim().parse().ok())
        .map(Duration::from_secs);
    seconds.unwrap_or(WAIT_DEFAULT).min(WAIT_MAX)
}

fn text_header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}
