//! What hostile pages, proxies and programs try at the port: each is turned away before anything
//! else is looked at, and the gateway goes on.

use harness::{
    Client, Connect, Gateway, Incoming, Options, Socket, gateway::TOKEN, http, patiently,
};
use hyper::Method;
use serde_json::{Value, json};
use std::{fmt::Write as _, fs, os::unix::fs::MetadataExt as _, path::Path};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// The status of a request written as it is; nothing when the connection was closed without one.
pub(crate) async fn raw(port: u16, text: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    // It may hang up before it has read everything.
    stream.write_all(text.as_bytes()).await.ok();
    let mut said = Vec::new();
    let mut part = [0; 1024];
    let read = async {
        while said.len() < 12 {
            match stream.read(&mut part).await {
                Ok(0) | Err(_) => break,
                Ok(n) => said.extend_from_slice(&part[..n]),
            }
        }
    };
    patiently(read, || format!("no answer to {:?}", &text[..text.len().min(80)])).await;
    String::from_utf8_lossy(&said).split(' ').nth(1)?.parse().ok()
}

fn upgrade(path: &str, host: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// Headers that pages of a browser cannot leave out.
const BROWSER: &str = "User-Agent: Mozilla/5.0\r\nSec-Fetch-Mode: websocket\r\n";

#[tokio::test]
async fn pages_of_other_sites_are_turned_away_before_the_upgrade() {
    let gateway = Gateway::start(Options::default()).await;
    let port = gateway.port;
    let own = format!("127.0.0.1:{port}");
    for (what, status, more) in [
        ("our own page", 101, format!("{BROWSER}Origin: http://{own}\r\n")),
        ("a foreign page", 403, format!("{BROWSER}Origin: https://evil.test\r\n")),
        ("a sandboxed page", 403, format!("{BROWSER}Origin: null\r\n")),
        (
            "a name that begins like ours",
            403,
            format!("{BROWSER}Origin: http://127.0.0.1.evil.test\r\n"),
        ),
        ("an origin with a path", 403, format!("{BROWSER}Origin: http://{own}/x\r\n")),
        (
            "two origins",
            400,
            format!("{BROWSER}Origin: http://{own}\r\nOrigin: https://evil.test\r\n"),
        ),
        (
            "a foreign page's fetch",
            403,
            "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n".into(),
        ),
        ("a forged hop", 403, "X-Forwarded-For: 127.0.0.1\r\n".into()),
        (
            "a foreign page with a hop",
            403,
            format!("{BROWSER}Origin: https://evil.test\r\nForwarded: for=127.0.0.1\r\n"),
        ),
    ] {
        assert_eq!(raw(port, &upgrade("/", &own, &more)).await, Some(status), "{what}");
    }
    for path in ["/", "/health", "/__openclaw__/canvas/", "/webchat/", "/control-ui-config.json"] {
        let rebound = upgrade(path, &format!("attacker.test:{port}"), "");
        assert_eq!(raw(port, &rebound).await, Some(421), "a rebound name at {path}");
    }
    let stranger = http::get(port, "/health", &[("X-Real-IP", "10.0.0.1")]).await;
    assert_eq!(stranger.status, 403, "{}", stranger.body);
    assert!(stranger.body.contains("proxy_attribution_required"), "{}", stranger.body);
}

#[tokio::test]
async fn a_foreign_page_can_neither_post_nor_read_nor_carry_secrets_in_links() {
    let gateway = Gateway::start(Options::default()).await;
    let foreign = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")];
    for (method, path) in [
        (Method::GET, "/health"),
        (Method::POST, "/tools/invoke"),
        (Method::OPTIONS, "/control-ui-config.json"),
        (Method::GET, "/__openclaw__/canvas/"),
    ] {
        let answer = http::ask(method.clone(), gateway.port, path, &foreign).await;
        assert_eq!(answer.status, 403, "{method} {path}: {}", answer.body);
        assert_eq!(answer.header("access-control-allow-origin"), "", "{method} {path}");
    }
    let link = http::get(gateway.port, &format!("/?token={TOKEN}"), &[]).await;
    assert_eq!(link.status, 400, "{}", link.body);
    assert_eq!(link.header("referrer-policy"), "no-referrer");
    assert!(!gateway.output.lines().join("\n").contains(TOKEN), "a secret was logged");
}

#[tokio::test]
async fn odd_requests_are_refused_and_it_goes_on() {
    let gateway = Gateway::start(Options::default()).await;
    let port = gateway.port;
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    let long = "a".repeat(64 << 10);
    for (what, text) in [
        ("absolute form", format!("GET http://127.0.0.1:{port}/health HTTP/1.1\r\n{host}\r\n")),
        ("asterisk form", format!("OPTIONS * HTTP/1.1\r\n{host}\r\n")),
        ("authority form", format!("CONNECT 127.0.0.1:{port} HTTP/1.1\r\n{host}\r\n")),
        ("an invalid target", format!("GET /\u{1} HTTP/1.1\r\n{host}\r\n")),
        ("a path of 64 KiB", format!("GET /{long} HTTP/1.1\r\n{host}\r\n")),
        ("no host", "GET /health HTTP/1.1\r\n\r\n".to_owned()),
        ("two hosts", format!("GET /health HTTP/1.1\r\n{host}{host}\r\n")),
        ("a bad host", "GET /health HTTP/1.1\r\nHost: a b\r\n\r\n".to_owned()),
        (
            "two lengths",
            format!("POST / HTTP/1.1\r\n{host}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        ),
        (
            "a length and chunks",
            format!(
                "POST / HTTP/1.1\r\n{host}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            ),
        ),
        (
            "a header of 1 MiB",
            format!("GET / HTTP/1.1\r\n{host}X: {}\r\n\r\n", "x".repeat(1 << 20)),
        ),
        ("5000 headers", format!("GET / HTTP/1.1\r\n{host}{}\r\n", "X: y\r\n".repeat(5000))),
        ("another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("no protocol", "hello there\r\n\r\n".to_owned()),
    ] {
        let status = raw(port, &text).await;
        assert!(status.is_none_or(|s| (400..600).contains(&s)), "{what}: {status:?}");
        assert_eq!(http::get(port, "/health", &[]).await.status, 200, "after {what}");
    }
}

#[tokio::test]
async fn strangers_that_only_wait_are_counted_and_leave_room() {
    let gateway = Gateway::start(Options::default()).await;
    let mut waiting = Vec::new();
    for _ in 0..32 {
        waiting.push(Socket::open(gateway.port).await);
    }
    let more = Socket::try_open(gateway.port, &[]).await.err();
    assert_eq!(more.map(|status| status.as_u16()), Some(503), "the 33rd from one address");
    waiting.pop().expect("there are some").close().await;
    harness::eventually("a place is free again", async || {
        Socket::try_open(gateway.port, &[]).await.ok().map(drop)
    })
    .await;
}

fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// S28: who comes and goes without a word leaves nothing behind.
#[tokio::test]
async fn s28_thousands_that_come_and_go_leave_nothing_behind() {
    let gateway = Gateway::start(Options::default()).await;
    let round = async || {
        for _ in 0..1500 {
            let mut stream = bare(gateway.port).await;
            stream.shutdown().await.ok();
        }
        resident(gateway.pid())
    };
    let before = round().await;
    let after = round().await;
    assert!(after < before + 8 * 1024, "{before} kB, then {after} kB");
    gateway.client().await.call("health", json!({})).await;
}

#[tokio::test]
async fn odd_frames_are_answered_or_ignored_and_the_connection_goes_on() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client: Client = gateway.client().await;
    let keys = (0..100_000).fold(String::new(), |mut all, n| {
        write!(all, "\"k{n}\":1,").expect("a string takes everything");
        all
    });
    let wrapped = |params: &str| {
        format!("{{\"type\":\"req\",\"id\":\"odd\",\"method\":\"health\",\"params\":{params}}}")
    };
    for text in [
        format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000)),
        wrapped(&format!("{{{keys}\"end\":1}}")),
        wrapped("{\"probe\":false,\"probe\":true}"),
        wrapped("{\"__proto__\":{\"probe\":true}}"),
        wrapped("{\"a\":1e308,\"b\":-1e999}"),
        wrapped("{\"a\":NaN}"),
        wrapped("{\"a\":\"\\ud800\"}"),
        wrapped("[1,2,3]"),
        wrapped("\"text\""),
        "\u{0}".to_owned(),
    ] {
        client.send_text(&text).await;
        let alive = client.call("system.info", json!({})).await;
        assert!(alive["pid"].is_u64(), "after {:?}", &text[..text.len().min(60)]);
    }
    let unknown = client.refused("no.such.method", json!({})).await;
    assert_eq!(unknown.message, "unknown method: no.such.method");
    let mut stranger = Connect::cli().scopes(&["operator.read"]).open(gateway.port).await.unwrap();
    let missing = stranger.refused("no.such.method", json!({})).await;
    assert_eq!(
        (missing.code.as_str(), missing.message.as_str()),
        ("FORBIDDEN", "missing scope: operator.admin")
    );
    assert_eq!(missing.details["requiredScopes"], json!(["operator.admin"]));

    client.send_text(&"x".repeat((25 << 20) + 1)).await;
    let end = client.end().await;
    assert!(matches!(end, Incoming::Closed { code: 1009, .. } | Incoming::Gone), "{end:?}");
}

fn modes(folder: &Path, found: &mut Vec<(String, u32)>) {
    for entry in fs::read_dir(folder).expect("it is ours").map_while(Result::ok) {
        let meta = entry.metadata().expect("it is there");
        found.push((entry.path().display().to_string(), meta.mode() & 0o777));
        if meta.is_dir() {
            modes(&entry.path(), found);
        }
    }
}

#[tokio::test]
async fn what_it_keeps_is_its_owners_alone() {
    let settings: Value = json!({"lines": 1});
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    client.call("logs.tail", settings).await;
    let state = gateway.home().join("state");
    let mut found = vec![("state".to_owned(), fs::metadata(&state).unwrap().mode() & 0o777)];
    modes(&state, &mut found);
    assert!(found.len() > 3, "there is something to look at: {found:?}");
    let open: Vec<_> = found.iter().filter(|(_, mode)| mode & 0o077 != 0).collect();
    assert!(open.is_empty(), "others may read: {open:?}");
}

/// A frame as a client writes it: masked, with a mask of zeros.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("a short one");
    let mut frame = vec![first];
    if length < 126 {
        frame.push(0x80 | length);
    } else {
        frame.extend([0xfe, 0, length]);
    }
    frame.extend([0; 4]);
    frame.extend(payload);
    frame
}

/// A WebSocket of which every byte is ours, past its upgrade and its challenge.
async fn bare(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    let request = upgrade("/", &format!("127.0.0.1:{port}"), "");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("the upgrade is answered"));
    }
    let (opcode, challenge) = frame(&mut stream).await.expect("a challenge");
    assert_eq!((opcode, challenge.first()), (1, Some(&b'{')));
    stream
}

/// The next frame: its opcode and payload; nothing when the connection is gone.
async fn frame(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let length = match stream.read_u8().await.ok()? {
        126 => usize::from(stream.read_u16().await.ok()?),
        127 => usize::try_from(stream.read_u64().await.ok()?).ok()?,
        length => usize::from(length),
    };
    let mut payload = vec![0; length];
    stream.read_exact(&mut payload).await.ok()?;
    Some((first & 0x0f, payload))
}

#[tokio::test]
async fn frames_against_the_rules_end_the_connection_and_odd_ones_within_them_do_not() {
    let gateway = Gateway::start(Options::default()).await;
    for (what, bytes) in [
        ("not masked", vec![0x81, 2, b'h', b'i']),
        ("a reserved bit", masked(0xc1, b"hi")),
        ("a reserved opcode", masked(0x83, b"hi")),
        ("a ping in pieces", masked(0x09, b"hi")),
        ("a ping that is too long", masked(0x89, &[0; 126])),
        ("a continuation of nothing", masked(0x80, b"hi")),
        ("text within text", [masked(0x01, b"a"), masked(0x81, b"b")].concat()),
        ("text that is no UTF-8", masked(0x81, &[0xff, 0xfe])),
        ("a close with half a code", masked(0x88, &[3])),
        ("a close with a code nobody may send", masked(0x88, &999_u16.to_be_bytes())),
    ] {
        let mut stream = bare(gateway.port).await;
        stream.write_all(&bytes).await.expect("it reads");
        let ended = patiently(frame(&mut stream), || format!("it takes {what}")).await;
        if let Some((opcode, payload)) = ended {
            assert_eq!(opcode, 8, "{what} is answered with a close or the end: {payload:?}");
        }
    }
    let mut stream = bare(gateway.port).await;
    let (half, rest) = (b"{\"type\":\"req\",\"id\":\"1\",", b"\"method\":\"health\"}");
    for piece in [masked(0x01, half), masked(0x89, b"are you there"), masked(0x80, rest)] {
        stream.write_all(&piece).await.expect("it reads");
    }
    let (opcode, echo) = frame(&mut stream).await.expect("a pong");
    assert_eq!((opcode, echo.as_slice()), (10, b"are you there".as_slice()));
    let (_, answer) = frame(&mut stream).await.expect("the pieces are one request");
    let answer: Value = serde_json::from_slice(&answer).expect("it speaks JSON");
    let text = "invalid handshake: first request must be connect";
    assert_eq!((&answer["id"], &answer["error"]["message"]), (&json!("1"), &json!(text)));
}
