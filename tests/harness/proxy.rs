//! A proxy between a channel and its platform that does to a request what a bad line, a limit or a
//! sudden death does; a [`Judge`] says what happens to which.
//!
//! Each request is looked at before a byte of it is taken, so that it can be left unread. A connection
//! that is cut is reset, as by a machine that is gone. Must not know any platform, nor the gateway.

use http_body_util::{BodyExt, Full};
use hyper::{Request, body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Largest request: more would not lie in a socket unread.
const REQUEST_BYTES_MAX: usize = 96 << 10;
/// Pause before a request that is not whole yet is looked at again.
const LOOK: Duration = Duration::from_millis(1);
/// Headers that belong to one connection, or that the proxy writes itself.
const OWN_HEADERS: [&str; 5] =
    ["connection", "content-length", "host", "keep-alive", "transfer-encoding"];

/// A request, whole.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its method.
    pub method: String,
    /// Its path, with the query.
    pub path: String,
    /// Its headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// Its body; nothing but text is expected.
    pub body: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: Bytes,
}

/// What happens to a request.
#[derive(Clone, Debug)]
pub enum Fate {
    /// The platform answers it; given up when the asker goes.
    Through,
    /// The platform gets it whatever becomes of the asker.
    Forward,
    /// The connection is cut before it is read.
    Unread,
    /// The connection is cut when half of it is read.
    Half,
    /// It is read, and the connection is cut.
    Swallow,
    /// The platform gets it, and its answer is lost.
    Lose,
    /// The proxy answers it.
    Say(Reply),
    /// It is held without an answer until the asker goes; the platform has it if `forward`.
    Hold {
        /// Whether the platform gets it.
        forward: bool,
    },
}

/// Who decides.
pub trait Judge: Send + Sync + 'static {
    /// What happens to this request.
    fn judge(&self, asked: &Asked) -> Fate;
    /// The platform has answered it. What goes on to the asker may be changed.
    fn answered(&self, asked: &Asked, reply: &mut Reply);
    /// It is being held.
    fn held(&self, asked: &Asked);
}

/// The proxy; it ends with its runtime.
pub struct Proxy {
    /// Where it listens, as long as it does.
    pub port: u16,
    far: u16,
    judge: Arc<dyn Judge>,
    life: Mutex<Option<(watch::Sender<bool>, JoinHandle<()>)>>,
}

impl Proxy {
    /// Puts a proxy before the server on the port `far`.
    pub async fn before(far: u16, judge: Arc<dyn Judge>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let port = listener.local_addr().expect("it is bound").port();
        let proxy = Self { port, far, judge, life: Mutex::default() };
        proxy.listen(listener);
        proxy
    }

    fn listen(&self, listener: TcpListener) {
        let (cut, over) = watch::channel(false);
        let (judge, ports) = (Arc::clone(&self.judge), (self.port, self.far));
        let accepting = tokio::spawn(async move {
            let mut ends = over.clone();
            let accepting = async {
                while let Ok((near, _)) = listener.accept().await {
                    let (judge, mut over) = (Arc::clone(&judge), over.clone());
                    tokio::spawn(async move {
                        near.set_zero_linger().ok();
                        tokio::select! {
                            _ = over.changed() => {}
                            () = serve(near, ports, judge) => {}
                        }
                    });
                }
            };
            tokio::select! {
                _ = ends.changed() => {}
                () = accepting => {}
            }
        });
        *self.life.lock().expect("nobody panicked with it") = Some((cut, accepting));
    }

    /// Is away for so long, and there again; how long is the fault itself, nothing waits for it.
    pub async fn is_away_for(&self, time: Duration) {
        self.goes_away().await;
        tokio::time::sleep(time).await;
        self.comes_back().await;
    }

    /// Cuts every connection; new ones are refused from now on.
    pub async fn goes_away(&self) {
        let life = self.life.lock().expect("nobody panicked with it").take();
        if let Some((cut, accepting)) = life {
            cut.send_replace(true);
            accepting.await.expect("it does not panic");
        }
    }

    /// Listens again on the same port.
    pub async fn comes_back(&self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.expect("it was ours");
        self.listen(listener);
    }
}

/// One connection of the asker.
async fn serve(mut near: TcpStream, (port, far): (u16, u16), judge: Arc<dyn Judge>) {
    while let Some((asked, head, whole)) = look(&near).await {
        if asked.headers.iter().any(|(name, _)| name == "upgrade") {
            // Nothing is taken yet: the other side reads it from the start.
            if let Ok(mut server) = TcpStream::connect(("127.0.0.1", far)).await {
                copy_bidirectional(&mut near, &mut server).await.ok();
            }
            return;
        }
        let fate = judge.judge(&asked);
        let taken = match fate {
            Fate::Unread => return,
            Fate::Half => usize::midpoint(head, whole),
            _ => whole,
        };
        if near.read_exact(&mut vec![0; taken]).await.is_err() {
            return;
        }
        let reply = match fate {
            Fate::Unread | Fate::Half | Fate::Swallow => return,
            Fate::Through => tokio::select! {
                reply = forward(&asked, port, far) => reply,
                () = gone(&near) => return,
            },
            Fate::Forward | Fate::Lose | Fate::Hold { forward: true } => {
                passed_on(&asked, port, far, Arc::clone(&judge)).await
            }
            Fate::Hold { forward: false } => None,
            Fate::Say(ref reply) => Some(reply.clone()),
        };
        match (fate, reply) {
            (Fate::Hold { .. }, _) => {
                judge.held(&asked);
                return gone(&near).await;
            }
            (Fate::Lose, _) | (_, None) => return,
            (_, Some(reply)) if near.write_all(&written(&reply)).await.is_err() => return,
            _ => {}
        }
    }
}

/// The next request, with the lengths of its head and of all of it; it is left where it is.
async fn look(near: &TcpStream) -> Option<(Asked, usize, usize)> {
    let mut bytes = vec![0; REQUEST_BYTES_MAX];
    let mut before = 0;
    loop {
        let seen = near.peek(&mut bytes).await.ok().filter(|seen| *seen > 0)?;
        if let Some(found) = parse(&bytes[..seen]) {
            return Some(found);
        }
        assert!(seen < REQUEST_BYTES_MAX, "a request of more than {REQUEST_BYTES_MAX} bytes");
        if seen == before {
            tokio::time::sleep(LOOK).await;
        }
        before = seen;
    }
}

fn parse(bytes: &[u8]) -> Option<(Asked, usize, usize)> {
    let head = bytes.windows(4).position(|at| at == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).expect("a head is text");
    let mut lines = text.split("\r\n");
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (words.next()?, words.next()?);
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let header = |wanted: &str| headers.iter().find(|(name, _)| name == wanted);
    assert!(header("transfer-encoding").is_none(), "{path}: what streams cannot be looked at");
    let length = header("content-length").and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let whole = head + length;
    let body = String::from_utf8_lossy(bytes.get(head..whole)?).into_owned();
    Some((Asked { method, path, headers, body }, head, whole))
}

/// Resolves when the other side has closed; what it says meanwhile is left unread.
async fn gone(near: &TcpStream) {
    let mut byte = [0];
    while near.peek(&mut byte).await.is_ok_and(|seen| seen > 0) {
        tokio::time::sleep(LOOK).await;
    }
}

/// Forwards in a task of its own, which nothing ends.
async fn passed_on(asked: &Asked, port: u16, far: u16, judge: Arc<dyn Judge>) -> Option<Reply> {
    let asked = asked.clone();
    let passing = tokio::spawn(async move {
        let mut reply = forward(&asked, port, far).await?;
        judge.answered(&asked, &mut reply);
        Some(reply)
    });
    passing.await.expect("a judge does not panic")
}

async fn forward(asked: &Asked, port: u16, far: u16) -> Option<Reply> {
    let stream = TcpStream::connect(("127.0.0.1", far)).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let mut request = Request::builder()
        .method(asked.method.as_str())
        .uri(&asked.path)
        .header("host", format!("127.0.0.1:{far}"));
    for (name, value) in asked.headers.iter().filter(|(name, _)| !own(name)) {
        request = request.header(name, value);
    }
    let body = Full::new(Bytes::from(asked.body.clone()));
    let request = request.body(body).expect("what was read is well formed");
    let asking = async {
        let (head, body) = sender.send_request(request).await.ok()?.into_parts();
        Some((head, body.collect().await.ok()?.to_bytes()))
    };
    // Ends with this function.
    let mut connections = JoinSet::new();
    connections.spawn(connection);
    let (head, body) = asking.await?;
    let pairs = head.headers.iter().filter(|(name, _)| !own(name.as_str()));
    let headers = pairs
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    // Addresses that the server names are reached through here as well.
    let body = match std::str::from_utf8(&body) {
        Ok(text) => text.replace(&format!("127.0.0.1:{far}"), &format!("127.0.0.1:{port}")).into(),
        Err(_) => body,
    };
    Some(Reply { status: head.status.as_u16(), headers, body })
}

fn own(name: &str) -> bool {
    OWN_HEADERS.contains(&name)
}

fn written(reply: &Reply) -> Vec<u8> {
    let length = ("content-length".to_owned(), reply.body.len().to_string());
    let headers = reply.headers.iter().chain([&length]);
    let headers: Vec<_> = headers.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {} told\r\n{}\r\n", reply.status, headers.concat());
    [head.as_bytes(), &reply.body].concat()
}
