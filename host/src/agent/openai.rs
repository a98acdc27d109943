//! The backend that asks a model by the chat completions of `OpenAI`, which many servers speak.
//!
//! The answer streams in as server-sent events. Only a request that got no answer yet is sent again;
//! once words came, a failure is the end of the run. The key goes into one header and nowhere else.
//! Must not know: events, storage, who asks.

mod calls;
mod wire;

use super::backend::{Backend, BackendError, Model, Prompt, Step};
use crate::{clock::Clock, config::agent::OpenAiSection};
use backon::{ExponentialBuilder, Retryable};
use eventsource_stream::Eventsource;
use futures_util::{StreamExt, future::BoxFuture};
use reqwest::{
    Client, RequestBuilder, Response,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::sync::{Mutex, mpsc};

/// Who provides the models, on the wire.
const PROVIDER: &str = "openai";
/// Longest wait between two attempts, also when the endpoint asks for more.
const PAUSE_MAX: Duration = Duration::from_mins(1);
/// How long a list of models is good.
const MODELS_FOR: Duration = Duration::from_mins(5);
/// Longest time to wait for a list of models.
const MODELS_WITHIN: Duration = Duration::from_secs(5);
/// Characters of a refusal that are passed on.
const REFUSAL_CHARS: usize = 500;

/// The endpoint. Cheap to clone.
#[derive(Clone)]
pub struct OpenAi {
    shared: Arc<Shared>,
}

struct Shared {
    settings: OpenAiSection,
    clock: Clock,
    client: OnceLock<Result<Client, String>>,
    models: Mutex<Option<(tokio::time::Instant, Vec<Model>)>>,
}

impl OpenAi {
    /// The endpoint that the settings name; nothing is asked yet.
    #[must_use]
    pub fn new(settings: OpenAiSection, clock: Clock) -> Self {
        let (client, models) = (OnceLock::new(), Mutex::default());
        Self { shared: Arc::new(Shared { settings, clock, client, models }) }
    }
}

impl Backend for OpenAi {
    fn run(
        &self,
        prompt: Prompt,
        steps: mpsc::Sender<Step>,
    ) -> BoxFuture<'static, Result<(), BackendError>> {
        let shared = Arc::clone(&self.shared);
        Box::pin(async move { shared.answer(&prompt, &steps).await })
    }

    fn model(&self) -> Model {
        self.shared.model(&self.shared.settings.model, true)
    }

    fn models(&self) -> BoxFuture<'_, Vec<Model>> {
        Box::pin(self.shared.models())
    }

    fn history(&self) -> u32 {
        self.shared.settings.history
    }

    fn thinking(&self) -> &'static [&'static str] {
        &["off", "minimal", "low", "medium", "high"]
    }
}

impl Shared {
    async fn answer(
        &self,
        prompt: &Prompt,
        steps: &mpsc::Sender<Step>,
    ) -> Result<(), BackendError> {
        let model = self.chosen(prompt).await;
        let body = wire::request(&self.settings, &model, prompt);
        let attempts = ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(PAUSE_MAX)
            .with_max_times(self.settings.retries as usize);
        let response = (|| async { self.ask(&body).await })
            .retry(attempts)
            .when(may_pass)
            .adjust(|error, pause| pause.map(|pause| asked_pause(error).unwrap_or(pause)))
            .notify(|error, pause| tracing::info!(%error, ?pause, "the model is asked again"))
            .await?;
        self.read(response, steps).await
    }

    /// The model for a prompt. Clients name one together with its provider, unless it is listed so.
    async fn chosen(&self, prompt: &Prompt) -> String {
        let Some(wish) = &prompt.wishes.model else { return self.settings.model.clone() };
        let short = wish.strip_prefix(PROVIDER).and_then(|rest| rest.strip_prefix('/'));
        let listed = self.models().await.iter().any(|model| model.id == *wish);
        short.filter(|_| !listed).unwrap_or(wish).to_owned()
    }

    /// Sends the request and waits until the endpoint begins to answer.
    async fn ask(&self, body: &wire::Request<'_>) -> Result<Response, BackendError> {
        let request = self.request(|client| client.post(self.url("chat/completions")))?.json(body);
        let answer = tokio::time::timeout(self.idle(), request.send()).await;
        let response = answer.map_err(|_| self.silent())?.map_err(|e| unreachable(&e))?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        match kind {
            Some(kind) if kind.starts_with("text/event-stream") => Ok(response),
            other => Err(BackendError::Broken(format!(
                "the endpoint sends {} where a stream of events was asked for; check `base_url`",
                other.unwrap_or("something unnamed")
            ))),
        }
    }

    async fn read(&self, from: Response, steps: &mpsc::Sender<Step>) -> Result<(), BackendError> {
        let mut events = from.bytes_stream().eventsource();
        let (mut calls, mut finished) = (calls::Calls::default(), false);
        loop {
            let next = tokio::time::timeout(self.idle(), events.next()).await;
            let event = match next.map_err(|_| self.silent())? {
                Some(Ok(event)) => event,
                Some(Err(error)) => return Err(BackendError::Broken(error.to_string())),
                None if finished => return Ok(()),
                None => {
                    let text = "the connection closed before the end of the answer";
                    return Err(BackendError::Broken(text.to_owned()));
                }
            };
            if event.data == wire::DONE {
                return Ok(());
            }
            let read = wire::read(&mut calls, &event.data)
                .map_err(|text| BackendError::Broken(self.plain(text)))?;
            finished |= read.finished;
            for step in read.steps {
                steps.send(step).await.map_err(|_| BackendError::Unheard)?;
            }
        }
    }

    async fn models(&self) -> Vec<Model> {
        let mut kept = self.models.lock().await;
        let now = self.clock.monotonic();
        if let Some((until, models)) = kept.as_ref()
            && now < *until
        {
            return models.clone();
        }
        match tokio::time::timeout(MODELS_WITHIN, self.list()).await {
            Ok(Ok(names)) => {
                let own = &self.settings.model;
                let others = names.iter().filter(|name| *name != own);
                let models: Vec<Model> = std::iter::once((own, names.contains(own)))
                    .chain(others.map(|name| (name, true)))
                    .map(|(name, available)| self.model(name, available))
                    .collect();
                *kept = Some((now + MODELS_FOR, models.clone()));
                models
            }
            failed => {
                let error = failed
                    .map_or_else(|_| self.silent(), |e| e.err().unwrap_or_else(|| self.silent()));
                tracing::warn!(%error, "the endpoint does not list its models");
                vec![self.model(&self.settings.model, false)]
            }
        }
    }

    async fn list(&self) -> Result<Vec<String>, BackendError> {
        let request = self.request(|client| client.get(self.url("models")))?;
        let response = request.send().await.map_err(|e| unreachable(&e))?;
        if !response.status().is_success() {
            return Err(self.refusal(response).await);
        }
        let list: wire::Models = response.json().await.map_err(|e| unreachable(&e))?;
        Ok(list.names())
    }

    fn model(&self, id: &str, available: bool) -> Model {
        Model {
            id: id.to_owned(),
            name: id.to_owned(),
            provider: PROVIDER.to_owned(),
            context_window: Some(self.settings.context_window),
            reasoning: false,
            available,
        }
    }

    /// A request with its credentials, by the one client of this backend.
    fn request(
        &self,
        to: impl FnOnce(&Client) -> RequestBuilder,
    ) -> Result<RequestBuilder, BackendError> {
        let client = self.client.get_or_init(|| client(&self.settings)).as_ref();
        let request = to(client.map_err(|text| BackendError::Unreachable(text.clone()))?);
        Ok(match &self.settings.api_key {
            Some(key) => request.bearer_auth(key.expose()),
            None => request,
        })
    }

    async fn refusal(&self, response: Response) -> BackendError {
        let status = response.status().as_u16();
        let header = response.headers().get(RETRY_AFTER);
        let seconds = header.and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse().ok());
        let body = tokio::time::timeout(self.idle(), response.text()).await;
        let text = wire::refusal(&body.ok().and_then(Result::ok).unwrap_or_default());
        let text = self.plain(text).chars().take(REFUSAL_CHARS).collect();
        BackendError::Refused { status, text, retry_after: seconds.map(Duration::from_secs) }
    }

    /// A text of the endpoint without the key, should it repeat it.
    fn plain(&self, text: String) -> String {
        match &self.settings.api_key {
            Some(key) if !key.expose().is_empty() => text.replace(key.expose(), "***"),
            _ => text,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.base_url.trim_end_matches('/'))
    }

    fn idle(&self) -> Duration {
        Duration::from_secs(self.settings.idle_timeout_s)
    }

    fn silent(&self) -> BackendError {
        BackendError::Broken(format!("silence for {} s", self.settings.idle_timeout_s))
    }
}

fn client(settings: &OpenAiSection) -> Result<Client, String> {
    // Whoever installs one first wins, and all of this program install the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .connect_timeout(Duration::from_secs(settings.connect_timeout_s))
        .user_agent(concat!("jackfield/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|e| chain(&e))
}

/// Whether the same request may succeed later.
fn may_pass(error: &BackendError) -> bool {
    match error {
        BackendError::Unreachable(_) => true,
        BackendError::Refused { status, retry_after, .. } => {
            matches!(status, 408 | 429 | 500..=599) && retry_after.is_none_or(|p| p <= PAUSE_MAX)
        }
        BackendError::Unheard
        | BackendError::Broken(_)
        | BackendError::Program(_)
        | BackendError::Died(_)
        | BackendError::Unwished(_) => false,
    }
}

fn asked_pause(error: &BackendError) -> Option<Duration> {
    match error {
        BackendError::Refused { retry_after, .. } => *retry_after,
        _ => None,
    }
}

fn unreachable(error: &reqwest::Error) -> BackendError {
    BackendError::Unreachable(chain(error))
}

/// An error with its causes; the first of them seldom says what went wrong.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
