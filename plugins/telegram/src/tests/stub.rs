//! A Bot API server of our own, for what others' servers lack: refusals, cut connections, files,
//! albums. Its words are those of the public documentation.

use jackfield_plugin_api::{
    serde_json::{self, Value, json},
    tokio::{
        self,
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        sync::watch,
        time::timeout,
    },
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

pub(super) const TOKEN: &str = "77:the-secret-part";

/// One call as it came.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) method: String,
    /// Its JSON; null for a form.
    pub(super) params: Value,
    /// Its body as text.
    pub(super) body: String,
}

/// What to do with a call instead of the usual.
#[derive(Clone, Debug)]
pub(super) enum Reply {
    /// This status and body.
    Json(u16, Value),
    /// These bytes, as a file or a proxy's page.
    Raw(u16, Vec<u8>),
    /// The connection ends after the call was read.
    Cut,
}

pub(super) struct Stub {
    state: Arc<State>,
    pub(super) port: u16,
}

struct State {
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct Inner {
    seen: Vec<Seen>,
    replies: HashMap<String, VecDeque<Reply>>,
    updates: Vec<Value>,
    next_message: i64,
}

impl Stub {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State { inner: Mutex::default(), changed: watch::Sender::new(0) });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(serve(socket, Arc::clone(&shared)));
            }
        });
        Self { state, port }
    }

    /// The channel's table that leads here, with more keys.
    pub(super) fn table(&self, more: Value) -> Value {
        let base = format!("http://127.0.0.1:{}", self.port);
        let mut table = json!({"enabled": true, "bot_token": TOKEN, "api_base": base});
        table.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        table
    }

    /// The next call of this method gets this.
    pub(super) fn reply(&self, method: &str, reply: Reply) {
        self.inner().replies.entry(method.to_owned()).or_default().push_back(reply);
    }

    pub(super) fn refuse(&self, method: &str, code: u16, description: &str, parameters: Value) {
        let body = json!({
            "ok": false, "error_code": code, "description": description, "parameters": parameters,
        });
        self.reply(method, Reply::Json(code, body));
    }

    /// Something happened on the platform.
    pub(super) fn update(&self, update: Value) {
        self.inner().updates.push(update);
        self.state.changed.send_modify(|n| *n += 1);
    }

    /// Every update is forgotten, as after a restart of the server.
    pub(super) fn forget(&self) {
        self.inner().updates.clear();
    }

    pub(super) fn seen(&self, method: &str) -> Vec<Seen> {
        self.inner().seen.iter().filter(|seen| seen.method == method).cloned().collect()
    }

    /// Waits until this many calls of a method came; returns them.
    pub(super) async fn called(&self, method: &str, times: usize) -> Vec<Seen> {
        let mut changed = self.state.changed.subscribe();
        loop {
            let seen = self.seen(method);
            if seen.len() >= times {
                return seen;
            }
            let wait = timeout(Duration::from_secs(10), changed.changed()).await;
            wait.unwrap_or_else(|_| panic!("{method} came {} times", seen.len())).unwrap();
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.state.inner.lock().unwrap()
    }
}

async fn serve(mut socket: TcpStream, state: Arc<State>) {
    let mut buffer = Vec::new();
    while let Some((path, body)) = request(&mut socket, &mut buffer).await {
        let method = path.strip_prefix(&format!("/bot{TOKEN}/")).map(str::to_owned);
        let method =
            method.unwrap_or_else(|| path.rsplit('/').next().unwrap_or_default().to_owned());
        let known = path.contains(TOKEN);
        let params: Value = serde_json::from_slice(&body).unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        let seen = Seen { method: method.clone(), params: params.clone(), body };
        let planned = {
            let mut inner = state.inner.lock().unwrap();
            inner.seen.push(seen);
            inner.replies.get_mut(&method).and_then(VecDeque::pop_front)
        };
        state.changed.send_modify(|n| *n += 1);
        let (status, answer) = match planned {
            Some(Reply::Cut) => return,
            Some(Reply::Raw(status, bytes)) => (status, bytes),
            Some(Reply::Json(status, value)) => (status, value.to_string().into_bytes()),
            None if !known => (401, refusal(401, "Unauthorized")),
            None if method == "getUpdates" => (200, updates(&state, &params).await),
            None => (200, usual(&state, &method, &params)),
        };
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n", answer.len());
        if socket.write_all(&[head.as_bytes(), &answer].concat()).await.is_err() {
            return;
        }
    }
}

fn refusal(code: u16, description: &str) -> Vec<u8> {
    json!({"ok": false, "error_code": code, "description": description}).to_string().into_bytes()
}

fn usual(state: &State, method: &str, params: &Value) -> Vec<u8> {
    let message = |inner: &mut Inner| {
        inner.next_message += 1;
        json!({"message_id": inner.next_message, "date": 1, "chat": {"id": params["chat_id"]}})
    };
    let mut inner = state.inner.lock().unwrap();
    let result = match method {
        "getMe" => json!({"id": 77, "is_bot": true, "first_name": "Jack", "username": "jack_bot"}),
        "getWebhookInfo" => json!({"url": "", "pending_update_count": 0}),
        "sendMediaGroup" => json!([message(&mut inner), message(&mut inner)]),
        "sendPoll" => {
            let mut sent = message(&mut inner);
            sent["poll"] = json!({"id": "poll-1"});
            sent
        }
        _ if method.starts_with("send") && method != "sendChatAction" => message(&mut inner),
        _ => json!(true),
    };
    json!({"ok": true, "result": result}).to_string().into_bytes()
}

/// Updates from the offset on; those before it are confirmed and gone. Holds the poll while there
/// are none.
async fn updates(state: &State, params: &Value) -> Vec<u8> {
    let offset = params["offset"].as_i64().unwrap_or(0);
    let hold = Duration::from_secs(params["timeout"].as_u64().unwrap_or(0));
    let mut changed = state.changed.subscribe();
    let found = async {
        loop {
            let found: Vec<Value> = {
                let mut inner = state.inner.lock().unwrap();
                inner.updates.retain(|update| update["update_id"].as_i64().unwrap() >= offset);
                inner.updates.iter().take(100).cloned().collect()
            };
            if !found.is_empty() || hold.is_zero() {
                return found;
            }
            changed.changed().await.unwrap();
        }
    };
    let found = timeout(hold.max(Duration::from_secs(1)), found).await.unwrap_or_default();
    json!({"ok": true, "result": found}).to_string().into_bytes()
}

async fn request(socket: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(String, Vec<u8>)> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
            });
            let whole = end + 4 + length.unwrap_or(0);
            if buffer.len() >= whole {
                let body = buffer[end + 4..whole].to_vec();
                buffer.drain(..whole);
                return Some((head.split(' ').nth(1)?.to_owned(), body));
            }
        }
        let mut chunk = vec![0; 16 << 10];
        match socket.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(n) => buffer.extend_from_slice(&chunk[..n]),
        }
    }
}
