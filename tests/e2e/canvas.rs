//! The canvas: what an agent saves is shown to who holds a capability, and can hurt nobody.

use harness::{
    Client, Connect, Gateway, Identity, Options, Terminal,
    http::{ask, get},
    node,
};
use serde_json::{Value, json};
use std::{fs, os::unix::fs::symlink, path::PathBuf};

const PAGE: &str = "<!doctype html><link rel=stylesheet href=style.css><p>drawn</p></body>";

/// A gateway with a page and a style in its canvas.
async fn drawn(config: &str) -> (Gateway, PathBuf) {
    let gateway = Gateway::start(Options::default().config(config)).await;
    let root = gateway.home().join("state/canvas");
    fs::write(root.join("index.html"), PAGE).expect("the folder is there");
    fs::write(root.join("style.css"), "p { color: rgb(1, 2, 3) }").expect("it is writable");
    (gateway, root)
}

/// The path of a connection's corner.
fn corner(client: &Client) -> String {
    path_of(&client.hello["pluginSurfaceUrls"]["canvas"])
}

fn path_of(url: &Value) -> String {
    let url = url.as_str().expect("an address");
    let at = url.find("/__openclaw__/cap/").expect("a capability's corner");
    url[at..].to_owned()
}

#[tokio::test]
async fn it_is_shown_to_a_living_connection_and_to_nobody_else() {
    let (gateway, _) = drawn("").await;
    let client = gateway.client().await;
    let corner = corner(&client);
    let page = format!("{corner}/__openclaw__/canvas/");
    let port = gateway.port;

    let shown = get(port, &page, &[]).await;
    assert_eq!(shown.status, 200);
    assert!(
        shown.body.contains("<p>drawn</p>") && shown.body.contains("EventSource"),
        "{}",
        shown.body
    );
    assert_eq!(shown.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(shown.header("x-content-type-options"), "nosniff");
    assert!(shown.header("content-security-policy").starts_with("sandbox allow-scripts;"));
    let style = get(port, &format!("{page}style.css"), &[]).await;
    assert_eq!((style.status, style.header("content-type")), (200, "text/css; charset=utf-8"));
    let slashless = get(port, page.trim_end_matches('/'), &[]).await;
    assert_eq!((slashless.status, slashless.header("location")), (308, page.as_str()));
    let word = corner.rsplit('/').next().unwrap_or_default();
    let asked = get(port, &format!("/__openclaw__/canvas/?oc_cap={word}"), &[]).await;
    assert_eq!((asked.status, asked.header("location")), (307, page.as_str()));
    let posted = ask(hyper::Method::POST, port, &page, &[]).await;
    assert_eq!(posted.status, 405);

    let guessed = "/__openclaw__/cap/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/__openclaw__/canvas/";
    for path in [guessed, "/__openclaw__/canvas/", "/__openclaw__/canvas/?oc_cap=guess"] {
        assert_eq!(get(port, path, &[]).await.status, 401, "{path}");
    }
    client.close().await;
    let ended = async || (get(port, &page, &[]).await.status == 401).then_some(());
    harness::eventually("the capability ends with its connection", ended).await;
    assert!(!gateway.output.lines().iter().any(|line| line.contains(word)), "it was logged");
}

#[tokio::test]
async fn ranges_and_tags_spare_what_is_known() {
    let (gateway, root) = drawn("").await;
    fs::write(root.join("film.mp4"), "0123456789").expect("it is writable");
    let client = gateway.client().await;
    let film = format!("{}/__openclaw__/canvas/film.mp4", corner(&client));
    let port = gateway.port;

    let whole = get(port, &film, &[]).await;
    assert_eq!((whole.status, whole.body.as_str()), (200, "0123456789"));
    assert_eq!(
        (whole.header("content-type"), whole.header("accept-ranges")),
        ("video/mp4", "bytes")
    );
    let tag = whole.header("etag").to_owned();
    let known = get(port, &film, &[("if-none-match", &tag)]).await;
    assert_eq!((known.status, known.body.as_str()), (304, ""));
    for (range, status, body, told) in [
        ("bytes=2-4", 206, "234", "bytes 2-4/10"),
        ("bytes=7-", 206, "789", "bytes 7-9/10"),
        ("bytes=-2", 206, "89", "bytes 8-9/10"),
        ("bytes=20-", 416, "", "bytes */10"),
        ("bytes=0-1,5-6", 200, "0123456789", ""),
    ] {
        let part = get(port, &film, &[("range", range)]).await;
        let seen = (part.status, part.body.as_str(), part.header("content-range"));
        assert_eq!(seen, (status, body, told), "{range}");
    }
    let stale = [("range", "bytes=2-4"), ("if-range", "\"other\"")];
    assert_eq!(get(port, &film, &stale).await.status, 200);
    fs::write(root.join("film.mp4"), "another film").expect("it is writable");
    let changed = get(port, &film, &[("if-none-match", &tag)]).await;
    assert_eq!((changed.status, changed.body.as_str()), (200, "another film"));
}

#[tokio::test]
async fn no_path_leads_out_of_the_folder() {
    let (gateway, root) = drawn("").await;
    fs::write(gateway.home().join("state/secret.txt"), "secret").expect("it is writable");
    symlink("../secret.txt", root.join("link.txt")).expect("it is writable");
    fs::hard_link(gateway.home().join("state/secret.txt"), root.join("hard.txt")).expect("a link");
    let client = gateway.client().await;
    let page = format!("{}/__openclaw__/canvas/", corner(&client));

    for path in [
        "../secret.txt",
        "%2e%2e/secret.txt",
        "%252e%252e/secret.txt",
        "..%5csecret.txt",
        "..%2fsecret.txt",
        "//etc/passwd",
        "%2fproc/self/root/etc/passwd",
        "x%00.html",
        "%c0%ae%c0%ae/secret.txt",
        "%zz",
        "link.txt",
        "hard.txt",
        "missing.html",
    ] {
        let answer = get(gateway.port, &format!("{page}{path}"), &[]).await;
        assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
        assert!(!answer.body.contains("secret") && !answer.body.contains("root:"), "{path}");
    }
}

#[tokio::test]
async fn a_node_with_a_canvas_gets_its_own_address_and_may_renew_it() {
    let (gateway, _) = drawn("").await;
    let node = async |number: u8, caps: &[&str]| {
        let client = json!({
            "id": "node-host", "mode": "node", "version": "1.0.0", "platform": "linux",
            "deviceFamily": "Linux", "displayName": "Box",
        });
        let connect = Connect::device(&Identity::number(number))
            .with("client", client)
            .scopes(&[])
            .with("role", json!("node"))
            .with("caps", json!(caps))
            .with("commands", json!([]));
        connect.open(gateway.port).await.expect("local nodes are let in")
    };
    let blind = node(1, &[]).await;
    let mut seeing = node(2, &["canvas"]).await;
    assert!(blind.hello["pluginSurfaceUrls"].is_null(), "{}", blind.hello);
    let first = corner(&seeing);
    let renewed = seeing.call("node.pluginSurface.refresh", json!({ "surface": "canvas" })).await;
    let second = path_of(&renewed["pluginSurfaceUrls"]["canvas"]);

    assert_ne!(first, second);
    assert_eq!(renewed["surface"], "canvas");
    assert!(renewed["expiresAtMs"].is_u64(), "{renewed}");
    for corner in [first, second] {
        let shown = get(gateway.port, &format!("{corner}/__openclaw__/canvas/"), &[]).await;
        assert_eq!(shown.status, 200);
    }
    let other = seeing.refused("node.pluginSurface.refresh", json!({ "surface": "tv" })).await;
    assert_eq!(other.message, "tv plugin surface unavailable");
}

#[tokio::test]
async fn a_person_opens_it_from_the_terminal() {
    let (gateway, _) = drawn("").await;
    let terminal = Terminal::beside(&gateway);
    let (mut verb, output) = terminal.watch(&["canvas"]);
    let printed = |line: &str| line.find("/__openclaw__/cap/").map(|at| line[at..].to_owned());
    let page = output.awaited("the canvas's address", printed).await;
    assert_eq!(get(gateway.port, &page, &[]).await.status, 200);
    verb.kill().await.expect("it still runs");
    let ended = async || (get(gateway.port, &page, &[]).await.status == 401).then_some(());
    harness::eventually("the page closes with the verb", ended).await;
}

#[tokio::test]
async fn one_that_is_off_is_not_there() {
    let gateway = Gateway::start(Options::default().config("[canvas]\nenabled = false")).await;
    let client = gateway.client().await;
    assert!(client.hello["pluginSurfaceUrls"].is_null(), "{}", client.hello);
    assert_eq!(get(gateway.port, "/__openclaw__/canvas/", &[]).await.status, 404);
    let said = Terminal::beside(&gateway).run(&["canvas"]).await;
    assert!(said.code == 1 && said.err.contains("canvas.enabled"), "{}", said.err);
    assert!(!gateway.home().join("state/canvas").exists(), "nothing is made for nothing");
}

#[tokio::test]
async fn in_a_browser_it_draws_reloads_and_reaches_nothing() {
    let (gateway, root) = drawn("").await;
    let client = gateway.client().await;
    let url = client.hello["pluginSurfaceUrls"]["canvas"].as_str().expect("an address");
    let page = format!("{url}/__openclaw__/canvas/");
    let told = node::run("canvas.mjs", &[&page, &root.display().to_string()]).await;

    assert_eq!(told["color"], "rgb(1, 2, 3)", "the style beside the page applies: {told}");
    assert_eq!(told["afterSave"], "drawn again", "a save reloads the page: {told}");
    assert_eq!(told["origin"], "null", "{told}");
    let blocked = told["attempts"].as_object().expect("a table");
    assert_eq!(blocked.len(), 9, "{told}");
    for (attempt, outcome) in blocked {
        assert_eq!(outcome, "blocked", "{attempt}: {told}");
    }
    let framed = told["framed"].as_str().unwrap_or_default();
    assert!(framed.starts_with("chrome-error:"), "a page of others must not frame it: {told}");
}
