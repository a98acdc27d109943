//! The ways in: each mode of authentication, what a reverse proxy may say, and lock-outs that last.

use harness::{
    Client, Connect, Gateway, Identity, Options, Socket, connect::Refusal, gateway::TOKEN,
};
use serde_json::{Value, json};

/// Where requests come from that a proxy on this machine passes on.
const AWAY: &str = "203.0.113.9";

async fn through_proxy(
    gateway: &Gateway,
    headers: &[(&str, &str)],
    connect: Connect,
) -> Result<Client, Refusal> {
    let socket = Socket::try_open(gateway.port, headers).await;
    connect.open_on(socket.unwrap_or_else(|status| panic!("HTTP {status}"))).await
}

fn code(refused: Result<Client, Refusal>) -> Value {
    let refusal = refused.err().expect("this is no way in");
    refusal.error.expect("it is told why").details["code"].clone()
}

#[tokio::test]
async fn a_password_opens_in_either_field_and_is_not_part_of_the_proof() {
    let settings =
        "[gateway]\nauth = { mode = \"password\", password = \"correct horse battery\" }\n";
    let gateway = Gateway::start(Options::default().only_config(settings)).await;
    let with = async |auth: Value| Connect::cli().auth(auth).open(gateway.port).await;
    for field in ["password", "token"] {
        let client = with(json!({ field: "correct horse battery" })).await;
        assert_eq!(client.expect("it is right").hello["auth"]["method"], "password", "{field}");
    }
    assert_eq!(code(with(json!({"password": "wrong"})).await), "AUTH_PASSWORD_MISMATCH");
    let device = Connect::device(&Identity::number(1));
    let none = device.clone().auth(json!({})).open(gateway.port).await;
    assert_eq!(code(none), "AUTH_PASSWORD_MISSING");
    let right = device.auth(json!({"password": "correct horse battery"}));
    let client = right.open(gateway.port).await.expect("signed over an empty token");
    assert!(client.hello["auth"]["deviceToken"].is_string(), "{}", client.hello);
}

#[tokio::test]
async fn without_authentication_it_serves_its_own_machine_only() {
    let gateway =
        Gateway::start(Options::default().only_config("[gateway]\nauth = { mode = \"none\" }\n"))
            .await;
    let client = Connect::cli().auth(json!({})).open(gateway.port).await.expect("nothing is asked");
    assert_eq!(client.hello["auth"]["method"], "none");
    assert_eq!(client.hello["auth"]["scopes"].as_array().map(Vec::is_empty), Some(false));
    let page = Socket::try_open(gateway.port, &[("Origin", "https://evil.example")]).await;
    let page = Connect::cli().auth(json!({})).open_on(page.expect("a program")).await;
    assert_eq!(code(page), "CONTROL_UI_ORIGIN_NOT_ALLOWED");
}

#[tokio::test]
async fn a_trusted_proxy_names_the_user_and_nobody_else_may() {
    let settings = "[gateway]\ntrusted_proxies = [\"127.0.0.1\"]\n\
         auth = { mode = \"trusted-proxy\", user_header = \"x-user\" }\n";
    let gateway = Gateway::start(Options::default().only_config(settings)).await;
    let (from, user) = (("X-Forwarded-For", AWAY), ("X-User", "ann"));
    let nobody = Connect::device(&Identity::number(1)).auth(json!({}));
    let refused = through_proxy(&gateway, &[from], nobody.clone()).await;
    assert_eq!(code(refused), "AUTH_IDENTITY_HEADER_REQUIRED");
    let direct = nobody.clone().open(gateway.port).await;
    assert_eq!(code(direct), "AUTH_IDENTITY_HEADER_REQUIRED", "not without the proxy's word");
    let client = through_proxy(&gateway, &[from, user], nobody).await.expect("the proxy knows her");
    assert_eq!(client.hello["auth"]["method"], "trusted-proxy");
    let page = [from, user, ("Origin", "https://evil.example")];
    let refused = through_proxy(&gateway, &page, Connect::cli().auth(json!({}))).await;
    assert_eq!(code(refused), "CONTROL_UI_ORIGIN_NOT_ALLOWED");
}

#[tokio::test]
async fn behind_a_proxy_nothing_is_local() {
    let options = Options::default().only_config(&proxied());
    let gateway = Gateway::start(options).await;
    let from = [("X-Forwarded-For", AWAY)];
    let tool = through_proxy(&gateway, &from, Connect::cli()).await.expect("the secret is right");
    assert_eq!(
        tool.hello["auth"]["scopes"],
        json!([]),
        "only a local command line keeps its scopes"
    );
    let device = Connect::device(&Identity::number(1));
    assert_eq!(code(through_proxy(&gateway, &from, device).await), "PAIRING_REQUIRED");
    let spoofed = [("X-Forwarded-For", "198.51.100.7, 127.0.0.1")];
    let device = Connect::device(&Identity::number(2));
    assert_eq!(code(through_proxy(&gateway, &spoofed, device).await), "PAIRING_REQUIRED");
}

fn proxied() -> String {
    format!(
        "[gateway]\ntrusted_proxies = [\"127.0.0.1\"]\nauth = {{ mode = \"token\", token = \"{TOKEN}\" }}\n"
    )
}

#[tokio::test]
async fn a_lock_out_outlives_a_restart_and_hits_nobody_else() {
    let mut gateway = Gateway::start(Options::default().only_config(&proxied())).await;
    let wrong = || Connect::cli().auth(json!({"token": "a guess"}));
    let from = [("X-Forwarded-For", AWAY)];
    for _ in 0..10 {
        assert_eq!(code(through_proxy(&gateway, &from, wrong()).await), "AUTH_TOKEN_MISMATCH");
    }
    for _ in 0..2 {
        let right = through_proxy(&gateway, &from, Connect::cli()).await;
        let error = right.err().expect("even the right secret").error.expect("it is told why");
        assert_eq!(error.details["code"], "AUTH_RATE_LIMITED");
        assert_eq!(error.details["recommendedNextStep"], "wait_then_retry");
        let neighbour = [("X-Forwarded-For", "203.0.113.10")];
        through_proxy(&gateway, &neighbour, Connect::cli()).await.expect("another address");
        gateway.restart().await;
    }
}

/// S09: nobody burns another's tries with requests that carry no secret.
#[tokio::test]
async fn s09_requests_without_a_secret_are_not_counted_as_guesses() {
    let gateway = Gateway::start(Options::default().only_config(&proxied())).await;
    let from = ("X-Forwarded-For", AWAY);
    let right = format!("Bearer {TOKEN}");
    for path in ["/metrics", "/control-ui-config.json"] {
        for _ in 0..10 {
            for headers in [&[from][..], &[from, ("Authorization", "Basic YTpi")][..]] {
                let answer = harness::http::get(gateway.port, path, headers).await;
                assert_eq!(answer.status, 401, "{path}: {}", answer.body);
            }
            let put = harness::http::ask(hyper::Method::PUT, gateway.port, path, &[from]).await;
            assert!((400..500).contains(&put.status), "{path}: {}", put.status);
        }
        let with = [from, ("Authorization", right.as_str())];
        assert_eq!(harness::http::get(gateway.port, path, &with).await.status, 200, "{path}");
    }
    through_proxy(&gateway, &[from], Connect::cli()).await.expect("nothing was counted");
}
