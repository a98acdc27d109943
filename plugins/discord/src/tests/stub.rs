//! A small Discord for tests, ours, written from its public documentation: the calls this adapter
//! makes, nonces that are kept, answers on demand that are wrong, late or limited, and a gateway that
//! a test plays itself, frame by frame.

mod socket;
mod state;

use jackfield_plugin_api::{
    serde_json::{self, Value, json},
    tokio::{self, net::TcpListener, sync::mpsc, time::timeout},
};
pub(super) use socket::Socket;
use state::State;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::Duration,
};
use tokio_tungstenite::accept_async;
use warp::{
    Filter,
    http::{Method, Response, StatusCode},
    hyper::body::Bytes,
};

pub(super) const TOKEN: &str = "s3cret.t0ken.for-tests";
pub(super) const OWN: &str = "100000000000000001";
pub(super) const GUILD: &str = "100000000000000002";
pub(super) const CHANNEL: &str = "100000000000000003";
pub(super) const ADA: &str = "100000000000000004";
const PATIENCE: Duration = Duration::from_secs(10);

/// What a call is answered instead of what it should be.
#[derive(Clone)]
pub(super) enum Reply {
    /// This, and nothing is done.
    Status(u16, Vec<(&'static str, &'static str)>, Value),
    /// It is done, and no answer comes.
    Silence,
}

/// A call that came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Value,
}

pub(super) struct Stub {
    rest: u16,
    gateway: u16,
    state: Arc<Mutex<State>>,
    connections: mpsc::Receiver<Socket>,
    /// Connections to the gateway that will be dropped before a word.
    closed: Arc<AtomicU32>,
}

impl Stub {
    pub(super) async fn start() -> Self {
        let state = Arc::new(Mutex::new(State {
            remaining: 1000,
            channels: HashMap::from([(
                CHANNEL.to_owned(),
                json!({"id": CHANNEL, "guild_id": GUILD}),
            )]),
            ..State::default()
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let rest = listener.local_addr().unwrap().port();
        let shared = Arc::clone(&state);
        let answer = warp::method()
            .and(warp::path::full())
            .and(warp::query::raw().or(warp::any().map(String::new)).unify())
            .and(warp::header::optional::<String>("authorization"))
            .and(warp::header::optional::<String>("content-type"))
            .and(warp::body::bytes())
            .then(move |method: Method, path: warp::path::FullPath, query, auth, kind, body| {
                let state = Arc::clone(&shared);
                let path = path.as_str().to_owned();
                async move { answer(&state, &method, &path, query, (auth, kind), &body).await }
            });
        tokio::spawn(warp::serve(answer).incoming(listener).run());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let gateway = listener.local_addr().unwrap().port();
        state.lock().unwrap().gateway = format!("ws://127.0.0.1:{gateway}");
        let (sender, connections) = mpsc::channel(8);
        let closed = Arc::new(AtomicU32::new(0));
        let turned_away = Arc::clone(&closed);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let less = |n: u32| n.checked_sub(1);
                if turned_away.fetch_update(Relaxed, Relaxed, less).is_ok() {
                    continue;
                }
                if let Ok(socket) = accept_async(stream).await {
                    sender.send(Socket::over(socket)).await.ok();
                }
            }
        });
        Self { rest, gateway, state, connections, closed }
    }

    /// The channel's table for this Discord.
    pub(super) fn table(&self) -> Value {
        json!({
            "bot_token": TOKEN,
            "api_base": format!("http://127.0.0.1:{}", self.rest),
            "gateway_url": format!("ws://127.0.0.1:{}", self.gateway),
        })
    }

    /// Answers the next `times` calls that begin so, such as `POST channels/1`, in another way.
    pub(super) fn rule(&self, call: &str, times: usize, reply: Reply) {
        self.state.lock().unwrap().rules.push((call.to_owned(), times, reply));
    }

    pub(super) fn remaining_logins(&self, remaining: u32) {
        self.state.lock().unwrap().remaining = remaining;
    }

    /// Switches intents on or off in the Developer Portal.
    pub(super) fn application_flags(&self, flags: u64) {
        self.state.lock().unwrap().flags = flags;
    }

    /// The posts of all forums.
    pub(super) fn posts(&self) -> Vec<Value> {
        self.state.lock().unwrap().posts.clone()
    }

    pub(super) fn forget_nonces(&self) {
        self.state.lock().unwrap().forgetful = true;
    }

    pub(super) fn note_channel(&self, channel: Value) {
        let id = channel["id"].as_str().unwrap().to_owned();
        self.state.lock().unwrap().channels.insert(id, channel);
    }

    pub(super) fn note_file(&self, name: &str, bytes: &[u8]) -> String {
        self.state.lock().unwrap().files.insert(name.to_owned(), bytes.to_vec());
        format!("http://127.0.0.1:{}/files/{name}", self.rest)
    }

    /// Somebody says something; the gateway is not told of it here.
    pub(super) fn say(&self, channel: &str, mut message: Value) -> Value {
        let mut state = self.state.lock().unwrap();
        let id = state.next_id();
        message["id"] = id.into();
        message["channel_id"] = channel.into();
        if message["author"].is_null() {
            message["author"] = json!({"id": ADA, "username": "ada"});
        }
        state.messages.entry(channel.to_owned()).or_default().push(message.clone());
        message
    }

    /// The bot said something that this plugin's life knows nothing of; tells the message.
    pub(super) fn say_ours(&self, channel: &str, text: &str) -> String {
        let ours = json!({"content": text, "author": {"id": OWN, "bot": true}});
        self.say(channel, ours)["id"].as_str().unwrap().to_owned()
    }

    /// Changes a text of a message that was said.
    pub(super) fn amend(&self, channel: &str, id: &str, key: &str, value: &str) {
        let mut state = self.state.lock().unwrap();
        let messages = state.messages.get_mut(channel).unwrap();
        messages.iter_mut().find(|m| m["id"] == id).unwrap()[key] = value.into();
    }

    /// The messages of a channel, oldest first.
    pub(super) fn messages(&self, channel: &str) -> Vec<Value> {
        self.state.lock().unwrap().messages.get(channel).cloned().unwrap_or_default()
    }

    /// The calls that came and begin so.
    pub(super) fn calls(&self, call: &str) -> Vec<Seen> {
        let calls = self.state.lock().unwrap().calls.clone();
        calls.into_iter().filter(|c| format!("{} {}", c.method, c.path).starts_with(call)).collect()
    }

    /// Waits for a call that begins so.
    pub(super) async fn called(&self, call: &str) -> Seen {
        self.called_times(call, 1).await.pop().expect("it was called")
    }

    /// Waits until so many calls that begin so came.
    pub(super) async fn called_times(&self, call: &str, times: usize) -> Vec<Seen> {
        for _ in 0..1000 {
            let calls = self.calls(call);
            if calls.len() >= times {
                return calls;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no call {call}");
    }

    /// Drops the next connections to the gateway before a word.
    pub(super) fn turn_away(&self, times: u32) {
        self.closed.store(times, Relaxed);
    }

    /// The next connection to the gateway, after its hello.
    pub(super) async fn connection(&mut self) -> Socket {
        self.connection_beating(60_000).await
    }

    pub(super) async fn connection_beating(&mut self, heartbeat_ms: u64) -> Socket {
        let socket = timeout(PATIENCE, self.connections.recv()).await;
        let mut socket = socket.expect("nobody connected").expect("the stub runs");
        socket.send(json!({"op": 10, "d": {"heartbeat_interval": heartbeat_ms}})).await;
        socket
    }

    /// A connection that logs in, told of a server with one channel.
    pub(super) async fn login(&mut self) -> Socket {
        let mut socket = self.connection().await;
        socket.expect(2).await;
        socket.ready().await;
        socket.guild(None).await;
        socket
    }
}

async fn answer(
    state: &Mutex<State>,
    method: &Method,
    path: &str,
    query: String,
    (auth, kind): (Option<String>, Option<String>),
    body: &Bytes,
) -> Response<Vec<u8>> {
    if let Some(file) = path.strip_prefix("/files/") {
        assert_eq!(auth, None, "the token stays with Discord's API");
        let bytes = state.lock().unwrap().files.get(file).cloned();
        return reply(if bytes.is_some() { 200 } else { 404 }, &[], bytes.unwrap_or_default());
    }
    let path = path.strip_prefix("/api/v10/").unwrap_or_else(|| panic!("the path {path}"));
    if auth != Some(format!("Bot {TOKEN}")) {
        return json_reply(401, &[], &json!({"message": "401: Unauthorized", "code": 0}));
    }
    let form = kind.is_some_and(|kind| kind.starts_with("multipart/form-data"));
    let body = if form {
        payload(&String::from_utf8_lossy(body))
    } else {
        serde_json::from_slice(body).unwrap_or_default()
    };
    let (rule, done) = {
        let mut state = state.lock().unwrap();
        let method = method.as_str();
        let rule = state.rule(&format!("{method} {path}"));
        let refused = matches!(rule, Some(Reply::Status(..)));
        let done = (!refused).then(|| state.done(method, path, &query, &body));
        state.calls.push(Seen { method: method.to_owned(), path: path.to_owned(), body });
        (rule, done)
    };
    match (rule, done) {
        (Some(Reply::Status(status, headers, body)), _) => json_reply(status, &headers, &body),
        (Some(Reply::Silence), _) => std::future::pending().await,
        (None, done) => {
            let (status, body) = done.expect("nothing hindered it");
            json_reply(status, &[], &body)
        }
    }
}

/// The JSON of a form, with its files' text put in.
fn payload(form: &str) -> Value {
    let json = form.lines().find(|line| line.starts_with('{')).expect("a payload");
    let mut json: Value = serde_json::from_str(json).unwrap();
    json["form"] = form.into();
    json
}

fn json_reply(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: &Value,
) -> Response<Vec<u8>> {
    let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    reply(status, headers, body)
}

fn reply(
    status: u16,
    headers: &[(&'static str, &'static str)],
    body: Vec<u8>,
) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    for (name, value) in headers {
        response.headers_mut().insert(*name, value.parse().unwrap());
    }
    response
}
