//! A model's endpoint on this machine, in the format of `OpenAI`'s chat completions: it answers request
//! after request as the play told it to, and keeps what it was asked.
//!
//! Format as the public reference of chat completions describes it. It must not know the gateway.

use crate::patiently;
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{Arc, Mutex},
    task::Poll,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use warp::{Filter, Reply as _, http::StatusCode, reply::Response, sse};

/// How an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Done,
    /// The connection closes in the middle.
    Cut,
    /// Not at all, until the client leaves.
    Never,
}

/// What the endpoint does with one request.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Streams these deltas.
    Deltas(Vec<Value>, End),
    /// Refuses with a status, a `Retry-After` in seconds, and a reason.
    Refusal(u16, Option<u64>, String),
}

impl Answer {
    /// Streams words.
    #[must_use]
    pub fn words(words: &[&str], end: End) -> Self {
        Self::Deltas(words.iter().map(|word| json!({ "content": word })).collect(), end)
    }
}

/// One request for an answer.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its `Authorization`.
    pub authorization: Option<String>,
    /// Its body.
    pub body: Value,
}

/// The endpoint.
pub struct Model {
    port: u16,
    state: Arc<State>,
    server: JoinHandle<()>,
}

struct State {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
    left: watch::Sender<usize>,
}

/// Counts its own end: that of an answer which nobody reads any more.
struct Reader(Arc<State>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.left.send_modify(|n| *n += 1);
    }
}

impl Model {
    /// Starts an endpoint that gives these answers, one a request.
    pub async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let state = Arc::new(State {
            answers: Mutex::new(answers.into_iter().collect()),
            asked: Mutex::default(),
            left: watch::Sender::new(0),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        // Connections inherit it; without it a word waits until the one before is acknowledged.
        rustix::net::sockopt::set_tcp_nodelay(&listener, true).expect("a socket of TCP");
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let kept = Arc::clone(&state);
        let completions = warp::path!("v1" / "chat" / "completions")
            .and(warp::post())
            .and(warp::header::optional::<String>("authorization"))
            .and(warp::body::json())
            .map(move |authorization, body| answer(&kept, Asked { authorization, body }));
        let models = warp::path!("v1" / "models").and(warp::get()).map(|| {
            let names = [json!({ "id": "small" }), json!({ "id": "large" })];
            warp::reply::json(&json!({ "object": "list", "data": names }))
        });
        let server = tokio::spawn(warp::serve(completions.or(models)).incoming(listener).run());
        Self { port, state, server }
    }

    /// The table of a gateway's configuration that uses this endpoint.
    #[must_use]
    pub fn config(&self, more: &str) -> String {
        format!(
            "[agent]\nbackend = \"openai\"\n[agent.openai]\nbase_url = \"http://127.0.0.1:{}/v1\"\n\
             model = \"small\"\n{more}",
            self.port
        )
    }

    /// Its address, up to and with its version.
    #[must_use]
    pub fn base(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Everything it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().expect("no play panics inside").clone()
    }

    /// Waits until this many answers are read to their end or left.
    pub async fn left(&self, answers: usize) {
        let mut left = self.state.left.subscribe();
        let wait = left.wait_for(|n| *n >= answers);
        patiently(wait, || format!("{answers} answers are not over")).await.expect("it still runs");
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn answer(state: &Arc<State>, asked: Asked) -> Response {
    state.asked.lock().expect("no play panics inside").push(asked);
    let next = state.answers.lock().expect("no play panics inside").pop_front();
    match next.expect("the play says what to answer") {
        Answer::Deltas(deltas, end) => {
            let reader = Reader(Arc::clone(state));
            let events = events(deltas, end).map(move |data| {
                let _lives_as_long = &reader;
                Ok::<_, Infallible>(sse::Event::default().data(data))
            });
            sse::reply(events).into_response()
        }
        Answer::Refusal(status, retry_after, reason) => {
            let status = StatusCode::from_u16(status).expect("a status of HTTP");
            let body = warp::reply::json(&json!({ "error": { "message": reason } }));
            let mut response = warp::reply::with_status(body, status).into_response();
            if let Some(seconds) = retry_after {
                response.headers_mut().insert("retry-after", seconds.into());
            }
            response
        }
    }
}

fn events(deltas: Vec<Value>, end: End) -> impl Stream<Item = String> + Send + Sync + 'static {
    let choice = |delta: Value, reason: Value| {
        json!({ "choices": [{ "index": 0, "delta": delta, "finish_reason": reason }] }).to_string()
    };
    let tools = deltas.iter().any(|delta| delta.get("tool_calls").is_some());
    let reason = if tools { "tool_calls" } else { "stop" };
    let mut all: Vec<String> = deltas.into_iter().map(|d| choice(d, Value::Null)).collect();
    if end == End::Done {
        all.push(choice(json!({}), json!(reason)));
        let usage = json!({ "prompt_tokens": 11, "completion_tokens": 7 });
        all.push(json!({ "choices": [], "usage": usage }).to_string());
        all.push("[DONE]".to_owned());
    }
    // Polled once past the last event: it is over, or it hangs.
    let rest = stream::poll_fn(move |_| match end {
        End::Never => Poll::Pending,
        End::Done | End::Cut => Poll::Ready(None),
    });
    stream::iter(all).chain(rest)
}
