//! A Slack of a few lines: answers what a test prepared, records what it was asked, opens sockets.

use crate::{channel::Slack, receive::Pace};
use futures_util::{SinkExt, StreamExt};
use jackfield_plugin_api::{
    Channel, Host, Outgoing, PluginError, Resume, SendError,
    fetch::{Fetch, Fetched, Reconciled},
    frame::State,
    http::{HttpRequest, HttpResponse},
    id::AccountId,
    outbound::Receipt,
    serde_json::{Value, json},
    tokio::{
        self,
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpStream},
        sync::{mpsc, watch},
        time::timeout,
    },
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio_tungstenite::{accept_async, tungstenite::Message};

pub(super) const BOT_TOKEN: &str = "xoxb-1-very-secret-bot";
/// The same app in another workspace.
pub(super) const OTHER_TOKEN: &str = "xoxb-2-of-the-other-workspace";
pub(super) const APP_TOKEN: &str = "xapp-1-very-secret-app";
pub(super) const SIGNING_SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const PATIENCE: Duration = Duration::from_secs(20);

/// The plugin at a pace that tests can wait for; a ping goes out after so many milliseconds.
pub(super) struct Paced<const PING_MS: u64, const PROOF_MS: u64 = 300_000>(Slack);
pub(super) type Quick = Paced<60_000>;

impl<const PING_MS: u64, const PROOF_MS: u64> Channel for Paced<PING_MS, PROOF_MS> {
    type Config = crate::config::Config;
    const SWAP_SAFE: bool = Slack::SWAP_SAFE;

    async fn start(host: Host, config: Self::Config, resume: Resume) -> Result<Self, PluginError> {
        let pace = Pace {
            ping: Duration::from_millis(PING_MS),
            pong: Duration::from_millis(150),
            pause: Duration::from_millis(5),
            pause_max: Duration::from_millis(40),
            proof: Duration::from_millis(PROOF_MS),
            second_look: Duration::from_millis(5),
        };
        Slack::begin(&host, config, resume, pace).map(Self)
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        self.0.send(out).await
    }

    async fn http(&self, request: HttpRequest) -> HttpResponse {
        self.0.http(request).await
    }

    async fn probe(&self, account: AccountId) -> Result<String, String> {
        self.0.probe(account).await
    }

    async fn fetch(&self, wanted: Fetch) -> Result<Fetched, SendError> {
        self.0.fetch(wanted).await
    }

    async fn reconcile(&self, out: Outgoing) -> Reconciled {
        self.0.reconcile(out).await
    }

    async fn drain(&self) {
        self.0.drain().await;
    }

    async fn resume(&self) {
        self.0.resume().await;
    }

    async fn export(&self) -> Option<State> {
        self.0.export().await
    }

    async fn stop(&self) {
        self.0.stop().await;
    }
}

/// What the server does with one call.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Json(Value),
    /// 429 with this many seconds.
    Limited(u64),
    /// Other bytes, with a type.
    Bytes(&'static str, Vec<u8>),
    /// Takes the request and closes.
    Cut,
}

/// One request: path without `/api/`, form or body, bearer.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) path: String,
    pub(super) form: HashMap<String, String>,
    pub(super) body: Vec<u8>,
    pub(super) bearer: String,
}

type Prepared = Arc<Mutex<HashMap<String, VecDeque<Answer>>>>;

pub(super) struct FakeSlack {
    pub(super) port: u16,
    calls: watch::Receiver<Vec<Call>>,
    prepared: Prepared,
    sockets: mpsc::UnboundedReceiver<Line>,
}

/// The server's end of one Socket Mode connection. Pings are answered until it goes deaf.
pub(super) struct Line {
    out: mpsc::UnboundedSender<Value>,
    heard: mpsc::UnboundedReceiver<Value>,
    deaf: watch::Sender<bool>,
}

impl FakeSlack {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (record, calls) = watch::channel(Vec::new());
        let record = Arc::new(record);
        let (opened, sockets) = mpsc::unbounded_channel();
        let prepared = Prepared::default();
        let answers = Arc::clone(&prepared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (record, answers, opened) =
                    (Arc::clone(&record), Arc::clone(&answers), opened.clone());
                tokio::spawn(serve(stream, port, record, answers, opened));
            }
        });
        Self { port, calls, prepared, sockets }
    }

    /// The table of an account that uses this server.
    pub(super) fn table(&self, more: Value) -> Value {
        let mut table = json!({
            "enabled": true, "dm_policy": "open", "bot_token": BOT_TOKEN,
            "api_base": format!("http://127.0.0.1:{}/api", self.port),
        });
        table.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        table
    }

    pub(super) fn socket_table(&self) -> Value {
        self.table(json!({ "app_token": APP_TOKEN }))
    }

    /// The next calls of a method get these answers; those after them the usual one.
    pub(super) fn prepare(&self, method: &str, answers: impl IntoIterator<Item = Answer>) {
        let mut prepared = self.prepared.lock().unwrap();
        prepared.entry(method.to_owned()).or_default().extend(answers);
    }

    pub(super) fn calls(&self, method: &str) -> Vec<Call> {
        self.calls.borrow().iter().filter(|call| call.path == method).cloned().collect()
    }

    /// Waits for the `n`th call of a method, from 1.
    pub(super) async fn call(&mut self, method: &str, n: usize) -> Call {
        let found = self.calls.wait_for(|all| all.iter().filter(|c| c.path == method).count() >= n);
        timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no call of {method}")).unwrap();
        self.calls(method).remove(n - 1)
    }

    /// The next connection, with hello said.
    pub(super) async fn socket(&mut self) -> Line {
        let line = self.raw_socket().await;
        line.say(json!({ "type": "hello", "num_connections": 1 }));
        line
    }

    pub(super) async fn raw_socket(&mut self) -> Line {
        let line = timeout(PATIENCE, self.sockets.recv()).await;
        line.expect("a connection in time").unwrap()
    }
}

impl Line {
    pub(super) fn say(&self, frame: Value) {
        self.out.send(frame).expect("the connection is open");
    }

    /// An envelope around an event.
    pub(super) fn event(&self, envelope: &str, payload: &Value) {
        self.say(json!({ "envelope_id": envelope, "type": "events_api", "payload": payload }));
    }

    /// The next frame of the plugin, `None` when it closed.
    pub(super) async fn hear(&mut self) -> Option<Value> {
        timeout(PATIENCE, self.heard.recv()).await.expect("a frame in time")
    }

    pub(super) async fn acknowledged(&mut self) -> String {
        self.hear().await.expect("an acknowledgement")["envelope_id"].as_str().unwrap().to_owned()
    }

    /// Nothing has been heard that was not taken.
    pub(super) fn is_silent(&mut self) -> bool {
        self.heard.try_recv().is_err()
    }

    pub(super) fn go_deaf(&self) {
        self.deaf.send_replace(true);
    }
}

async fn serve(
    stream: TcpStream,
    port: u16,
    record: Arc<watch::Sender<Vec<Call>>>,
    prepared: Prepared,
    opened: mpsc::UnboundedSender<Line>,
) {
    let mut start = [0; 9];
    while stream.peek(&mut start).await.is_ok_and(|n| n > 0 && n < start.len()) {}
    if start.starts_with(b"GET /link") {
        return socket(stream, opened).await;
    }
    let mut stream = stream;
    let Some(call) = request(&mut stream).await else { return };
    let prepared = prepared.lock().unwrap().get_mut(&call.path).and_then(VecDeque::pop_front);
    let answer = prepared.unwrap_or_else(|| usual(&call, port, record.borrow().len()));
    record.send_modify(|calls| calls.push(call));
    let (status, mime, extra, body) = match answer {
        Answer::Json(body) => {
            ("200 OK", "application/json", String::new(), body.to_string().into())
        }
        Answer::Limited(s) => {
            ("429 Too Many Requests", "text/plain", format!("retry-after: {s}\r\n"), Vec::new())
        }
        Answer::Bytes(mime, bytes) => ("200 OK", mime, String::new(), bytes),
        Answer::Cut => return,
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {mime}\r\nx-oauth-scopes: chat:write,im:history\r\n\
         {extra}content-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(&[head.into_bytes(), body].concat()).await;
}

async fn request(stream: &mut TcpStream) -> Option<Call> {
    let mut bytes = Vec::new();
    let split = loop {
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..split].to_vec()).ok()?;
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.to_owned())
    };
    let length: usize = header("content-length").and_then(|n| n.parse().ok()).unwrap_or(0);
    while bytes.len() < split + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = bytes.split_off(split);
    let path = head.split(' ').nth(1)?.trim_start_matches("/api/").to_owned();
    let mut url = reqwest::Url::parse("form:").ok()?;
    url.set_query(std::str::from_utf8(&body).ok());
    let form = url.query_pairs().map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
    let bearer = header("authorization").unwrap_or_default();
    Some(Call { path, form, body, bearer })
}

fn usual(call: &Call, port: u16, number: usize) -> Answer {
    let field = |name: &str| call.form.get(name).cloned().unwrap_or_default();
    Answer::Json(match call.path.as_str() {
        "auth.test" if call.bearer.contains(OTHER_TOKEN) => json!({
            "ok": true, "user_id": "U0BOTBOT2", "bot_id": "B0BOTBOT2", "user": "jack", "team": "Other",
            "team_id": "T0OTHER002",
        }),
        "auth.test" => json!({
            "ok": true, "user_id": "U0BOTBOT1", "bot_id": "B0BOTBOT1", "user": "jack", "team": "Example",
            "team_id": "T061EG9RZ",
        }),
        "apps.connections.open" => {
            json!({ "ok": true, "url": format!("ws://127.0.0.1:{port}/link/?ticket={number}") })
        }
        "chat.postMessage" => {
            json!({ "ok": true, "channel": field("channel"), "ts": format!("1700000000.{number:06}") })
        }
        "conversations.open" => json!({ "ok": true, "channel": { "id": "D0OPENED01" } }),
        "users.info" => json!({ "ok": true, "user": { "profile": { "display_name": "Ada" } } }),
        "conversations.info" => json!({ "ok": true, "channel": { "name": "general" } }),
        "conversations.history" | "conversations.replies" => json!({ "ok": true, "messages": [] }),
        _ => json!({ "ok": true }),
    })
}

async fn socket(stream: TcpStream, opened: mpsc::UnboundedSender<Line>) {
    let Ok(mut socket) = accept_async(stream).await else { return };
    let (out, mut said) = mpsc::unbounded_channel::<Value>();
    let (hear, heard) = mpsc::unbounded_channel();
    let (deaf, mut is_deaf) = watch::channel(false);
    if opened.send(Line { out, heard, deaf }).is_err() {
        return;
    }
    loop {
        tokio::select! {
            () = async { drop(is_deaf.wait_for(|deaf| *deaf).await) } => break,
            frame = said.recv() => match frame {
                Some(frame) => socket.send(Message::text(frame.to_string())).await.unwrap(),
                None => return,
            },
            frame = socket.next() => match frame {
                Some(Ok(Message::Text(text))) => {
                    let _ = hear.send(jackfield_plugin_api::serde_json::from_str(&text).unwrap());
                }
                Some(Ok(_)) => {}
                _ => return,
            },
        }
    }
    // Deaf: the socket stays open and nothing is read.
    hear.closed().await;
}
