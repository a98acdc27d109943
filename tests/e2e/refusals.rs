//! Every way in which `connect` is refused, one row each: what is answered, with which facts for
//! programs, and how the connection is closed. Refusals that need no keys and no second connection
//! are transcripts, too.

mod rows;

use harness::{
    Connect, Gateway, Identity, Incoming, Options, Socket, client::WireError, connect::Refusal,
    gateway::TOKEN,
};
use rows::{credentials, device, page, proofs, shapes, without_device};
use serde_json::{Value, json};

/// The close that follows an answer.
enum End {
    /// 1008 with the text of the answer.
    Same,
    /// Another code or reason.
    Close(u16, &'static str),
}

/// What an answer says.
struct Said {
    code: &'static str,
    message: &'static str,
    /// Members that `details` has; an empty list for no details at all.
    details: Value,
    end: End,
}

fn invalid(message: &'static str, details: Value) -> Said {
    Said { code: "INVALID_REQUEST", message, details, end: End::Same }
}

/// A credential that was refused: text, code, reason, whether to try a device token, and what next.
fn unauthorized(
    message: &'static str,
    [code, reason, next]: [&'static str; 3],
    retry: bool,
) -> Said {
    let details = json!({
        "code": code, "authReason": reason, "canRetryWithDeviceToken": retry,
        "recommendedNextStep": next,
    });
    invalid(message, details)
}

fn check(what: &str, refused: &Refusal, said: &Said) {
    let Some(error) = &refused.error else { panic!("{what}: closed unanswered: {refused:?}") };
    assert_eq!((error.code.as_str(), error.message.as_str()), (said.code, said.message), "{what}");
    let members = said.details.as_object().expect("details are an object");
    assert_eq!(error.details.is_null(), members.is_empty(), "{what}: {}", error.details);
    for (name, wanted) in members {
        assert_eq!(&error.details[name], wanted, "{what}: {name} of {}", error.details);
    }
    let (code, reason) = match said.end {
        End::Same => (1008, said.message.to_owned()),
        End::Close(code, reason) => (code, reason.to_owned()),
    };
    let reason: String = reason.chars().take(120).collect();
    assert_eq!(refused.end, Incoming::Closed { code, reason }, "{what}");
}

/// Sends what `connect` asks for after `spoil` changed it.
async fn spoilt(socket: Socket, connect: &Connect, spoil: fn(&mut Value)) -> Refusal {
    let mut socket = socket;
    let challenge = socket.frame().await["payload"].clone();
    let (nonce, ts) = (challenge["nonce"].as_str(), challenge["ts"].as_u64());
    let mut params = connect.params(nonce.expect("a nonce"), ts.expect("a time"));
    spoil(&mut params);
    let request = json!({"type": "req", "id": "c", "method": "connect", "params": params});
    socket.send(&request).await;
    match socket.next().await {
        Incoming::Frame(frame) => {
            assert_eq!((&frame["id"], &frame["ok"]), (&json!("c"), &json!(false)), "{frame}");
            Refusal { error: Some(WireError::read(&frame)), end: socket.next().await }
        }
        end => Refusal { error: None, end },
    }
}

#[tokio::test]
async fn each_refusal_says_why_and_closes_as_recorded() {
    let gateway = Gateway::start(Options::default()).await;
    for (what, connect, spoil, said) in
        [shapes(), proofs(), without_device(), credentials()].into_iter().flatten()
    {
        let refused = spoilt(Socket::open(gateway.port).await, &connect, spoil).await;
        check(what, &refused, &said);
    }
    let worker = Connect::cli().client("openclaw-worker", "worker");
    let refused = spoilt(Socket::open(gateway.port).await, &worker, |_| {}).await;
    let end = Incoming::Closed { code: 1008, reason: "invalid-handshake".to_owned() };
    assert_eq!(refused, Refusal { error: None, end }, "a worker is not answered");
    // Our builds are not the page's: a page that names its build is judged like any other.
    let newer = Connect::device(&Identity::number(3)).client("openclaw-control-ui", "webchat");
    let own = format!("http://127.0.0.1:{}", gateway.port);
    let socket = Socket::try_open(gateway.port, &[("Origin", &own)]).await.expect("it is ours");
    let mut client = newer.open_on(socket).await.expect("it proves a device").hello;
    assert_eq!(client["server"]["buildId"].take(), Value::Null);
}

#[tokio::test]
async fn pages_need_an_origin_that_is_allowed() {
    let gateway = Gateway::start(Options::default()).await;
    let text = "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)";
    let said = |reason: &str| {
        invalid(text, json!({"code": "CONTROL_UI_ORIGIN_NOT_ALLOWED", "reason": reason}))
    };
    let refused = spoilt(Socket::open(gateway.port).await, &page("webchat"), |_| {}).await;
    check("a page without an origin", &refused, &said("origin missing or invalid"));
    for connect in [page("webchat"), Connect::cli()] {
        let socket = Socket::try_open(gateway.port, &[("Origin", "https://evil.example")]).await;
        let refused = spoilt(socket.expect("a program may try"), &connect, |_| {}).await;
        check("a foreign origin", &refused, &said("origin not allowed"));
    }
}

#[tokio::test]
async fn passwords_and_callers_elsewhere_are_advised_in_their_own_words() {
    let settings = "[gateway]\ntrusted_proxies = [\"127.0.0.1\"]\n\
                    auth = { mode = \"password\", password = \"correct horse battery\" }\n";
    let gateway = Gateway::start(Options::default().only_config(settings)).await;
    let away = [("X-Forwarded-For", "203.0.113.9")];
    let wrong = Connect::cli().auth(json!({"password": "wrong"}));
    let own = device().client("cli", "cli");
    let mismatch = ["AUTH_PASSWORD_MISMATCH", "password_mismatch", "update_auth_credentials"];
    let missing = ["AUTH_PASSWORD_MISSING", "password_missing", "update_auth_configuration"];
    for (what, headers, connect, text, words) in [
        (
            "here",
            &[][..],
            wrong.clone(),
            "unauthorized: gateway password mismatch (use this gateway's gateway.auth.password)",
            mismatch,
        ),
        (
            "elsewhere",
            &away[..],
            wrong.clone(),
            "unauthorized: gateway password mismatch (set gateway.remote.password to match gateway.auth.password)",
            mismatch,
        ),
        (
            "another program",
            &[][..],
            wrong.client("gateway-client", "backend"),
            "unauthorized: gateway password mismatch (provide gateway auth password)",
            mismatch,
        ),
        (
            "nothing given",
            &[][..],
            own.auth(json!({})),
            "unauthorized: gateway password missing (use this gateway's gateway.auth.password)",
            missing,
        ),
    ] {
        let socket = Socket::try_open(gateway.port, headers).await.expect("a proxy may");
        let refused = spoilt(socket, &connect, |_| {}).await;
        check(what, &refused, &unauthorized(text, words, false));
    }
}

#[tokio::test]
async fn a_lock_out_tells_when_to_come_back() {
    let settings = format!(
        "[gateway]\ntrusted_proxies = [\"127.0.0.1\"]\nauth = {{ mode = \"token\", token = \"{TOKEN}\" }}\n"
    );
    let gateway = Gateway::start(Options::default().only_config(&settings)).await;
    let mut last = None;
    for _ in 0..11 {
        let away = [("X-Forwarded-For", "203.0.113.9")];
        let socket = Socket::try_open(gateway.port, &away).await.expect("a proxy may");
        let wrong = Connect::cli().auth(json!({"token": "guess"}));
        last = Some(spoilt(socket, &wrong, |_| {}).await);
    }
    let refused = last.expect("there were eleven");
    let words = ["AUTH_RATE_LIMITED", "rate_limited", "wait_then_retry"];
    let text = "unauthorized: too many failed authentication attempts (retry later)";
    check("the eleventh guess", &refused, &unauthorized(text, words, false));
    let error = refused.error.expect("it is answered").frame["error"].clone();
    assert_eq!(error["retryable"], true, "{error}");
    assert!(error["retryAfterMs"].as_u64().is_some_and(|ms| ms > 0 && ms <= 300_000), "{error}");
}

/// A refusal that waits for a person: the reason for programs and for people.
fn pairing(reason: &str, message: &'static str) -> Said {
    Said {
        code: "NOT_PAIRED",
        ..invalid(message, json!({"code": "PAIRING_REQUIRED", "reason": reason}))
    }
}

#[tokio::test]
async fn what_a_person_must_approve_names_its_request() {
    let settings = format!(
        "[gateway]\ntrusted_proxies = [\"127.0.0.1\"]\nauth = {{ mode = \"token\", token = \"{TOKEN}\" }}\n"
    );
    let gateway = Gateway::start(Options::default().only_config(&settings)).await;
    let read = device().scopes(&["operator.read"]);
    let hello = read.open(gateway.port).await.expect("it is local").hello;
    let token = json!({"deviceToken": hello["auth"]["deviceToken"]});
    let more = device().scopes(&["operator.admin"]);
    let elsewhere = Connect::device(&Identity::number(2));
    let away = [("X-Forwarded-For", "203.0.113.9")];
    for (what, headers, connect, said) in [
        (
            "an unknown device",
            &away[..],
            elsewhere,
            pairing("not-paired", "pairing required: device is not approved yet"),
        ),
        (
            "a further role",
            &[][..],
            device().client("node-host", "node").with("role", json!("node")),
            pairing(
                "role-upgrade",
                "pairing required: device is asking for a higher role than currently approved",
            ),
        ),
        (
            "more scopes",
            &away[..],
            more.clone(),
            pairing(
                "scope-upgrade",
                "pairing required: device is asking for more scopes than currently approved",
            ),
        ),
        (
            "another platform",
            &away[..],
            read.with(
                "client",
                json!({"id": "openclaw-tui", "mode": "ui", "version": "1", "platform": "darwin"}),
            ),
            pairing(
                "metadata-upgrade",
                "pairing required: device identity changed and must be re-approved",
            ),
        ),
    ] {
        let socket = Socket::try_open(gateway.port, headers).await.expect("a proxy may");
        let mut refused = spoilt(socket, &connect, |_| {}).await;
        let details = refused.error.as_ref().map(|e| e.details.clone()).unwrap_or_default();
        let id = details["requestId"].as_str().unwrap_or_else(|| panic!("{what}: {refused:?}"));
        assert!(
            details["deviceId"].is_string() && details["remediationHint"].is_string(),
            "{what}"
        );
        let whole: String =
            format!("{} (requestId: {id})", said.message).chars().take(120).collect();
        assert_eq!(refused.end, Incoming::Closed { code: 1008, reason: whole }, "{what}");
        refused.end = Incoming::Closed { code: 1008, reason: said.message.to_owned() };
        check(what, &refused, &said);
    }
    let socket = Socket::open(gateway.port).await;
    let refused = spoilt(socket, &more.auth(token), |_| {}).await;
    let words = ["AUTH_SCOPE_MISMATCH", "scope_mismatch", "review_auth_configuration"];
    let text = "unauthorized: device token scope mismatch (re-pair or approve scope upgrade)";
    check("a token for less", &refused, &unauthorized(text, words, false));
}
