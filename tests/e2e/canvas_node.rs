//! The example node and a real browser: an agent presents a page and gets a picture of it back, draws
//! A2UI surfaces, changes them, takes them away, and hears what a person does on them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use harness::{Client, Gateway, Options, eventually, gateway::TOKEN, libraries, patiently};
use serde_json::{Value, json};
use std::{fs, process::Stdio};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const ALLOW: &str = "[nodes]\nallow = [\"canvas.present\", \"canvas.hide\", \"canvas.navigate\", \
    \"canvas.eval\", \"canvas.snapshot\", \"canvas.a2ui.push\", \"canvas.a2ui.pushJSONL\", \
    \"canvas.a2ui.reset\"]";

struct Canvas {
    admin: Client,
    node: String,
    count: u32,
    _child: Child,
    _home: TempDir,
}

impl Canvas {
    /// Starts the node beside the gateway and approves what it offers.
    async fn beside(gateway: &Gateway) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder can be made");
        let mut admin = gateway.client().await;
        let child = Command::new(libraries::example("canvas-node"))
            .args(["--token", TOKEN, "--url"])
            .arg(format!("ws://127.0.0.1:{}", gateway.port))
            .env("HOME", home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("the example was built");
        let asked = admin.event(|event| event.name == "node.pair.requested").await.payload;
        let node = asked["nodeId"].as_str().expect("a request names its node").to_owned();
        admin.call("node.pair.approve", json!({ "requestId": asked["requestId"] })).await;
        Self { admin, node, count: 0, _child: child, _home: home }
    }

    fn invocation(&mut self, command: &str, params: &Value) -> Value {
        self.count += 1;
        json!({
            "nodeId": self.node, "command": command, "params": params, "timeoutMs": 30_000,
            "idempotencyKey": format!("canvas-{}", self.count),
        })
    }

    async fn ask(&mut self, command: &str, params: Value) -> Value {
        let invocation = self.invocation(command, &params);
        self.admin.call("node.invoke", invocation).await["payload"].clone()
    }

    async fn refused(&mut self, command: &str, params: Value) -> harness::WireError {
        let invocation = self.invocation(command, &params);
        self.admin.refused("node.invoke", invocation).await
    }

    async fn eval(&mut self, script: &str) -> String {
        let result = self.ask("canvas.eval", json!({ "javaScript": script })).await;
        result["result"].as_str().expect("a text").to_owned()
    }

    /// Asks until the script's JSON is what is expected.
    async fn eval_to(&mut self, script: &str, expected: &Value) {
        let mut seen = String::new();
        let asking = async {
            while serde_json::from_str::<Value>(&seen).ok().as_ref() != Some(expected) {
                seen = self.eval(script).await;
            }
        };
        let became = tokio::time::timeout(harness::PATIENCE, asking).await.is_ok();
        assert!(became, "it should be {expected}, but is {seen}");
    }
}

#[tokio::test]
async fn a_page_is_presented_and_its_picture_comes_back() {
    let gateway = Gateway::start(Options::default().config(ALLOW)).await;
    let page = "<!doctype html><body style='margin:0;background:#c00'><p>drawn</p></body>";
    let folder = gateway.home().join("state/canvas");
    fs::write(folder.join("index.html"), page).expect("the gateway made the folder");
    let mut canvas = Canvas::beside(&gateway).await;
    let placement = json!({ "placement": { "width": 400, "height": 300 } });
    assert_eq!(canvas.ask("canvas.present", placement).await["ok"], true);
    assert_eq!(canvas.eval("document.querySelector('p').textContent").await, "drawn");
    assert_eq!(canvas.eval("self.origin").await, "null", "its origin is its own");
    // A candidate would be a socket on the network.
    let peers = "new Promise((tell) => { const peer = new RTCPeerConnection(); \
        peer.createDataChannel('out'); peer.onicecandidate = (event) => \
            tell(event.candidate?.candidate || 'none'); \
        peer.createOffer().then((offer) => peer.setLocalDescription(offer)) })";
    assert_eq!(canvas.eval(peers).await, "none", "no packets past the browser");

    let picture = canvas.ask("canvas.snapshot", json!({ "format": "png" })).await;
    let png = STANDARD.decode(picture["base64"].as_str().expect("a text")).expect("base64");
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!(png[16..24], [0, 0, 1, 0x90, 0, 0, 1, 0x2c], "400 by 300");
    let small = json!({ "format": "jpeg", "quality": 0.5, "maxWidth": 200 });
    let small = canvas.ask("canvas.snapshot", small).await;
    let jpeg = STANDARD.decode(small["base64"].as_str().expect("a text")).expect("base64");
    assert!(jpeg.starts_with(&[0xff, 0xd8]) && small["format"] == "jpeg");

    let error = canvas.refused("canvas.navigate", json!({ "url": "file:///etc/passwd" })).await;
    assert!(error.message.contains("is not shown here"), "{error:?}");
    let error = canvas.refused("canvas.eval", json!({ "javaScript": "nothing.here" })).await;
    assert!(error.message.contains("nothing is not defined"), "{error:?}");
    canvas.ask("canvas.hide", json!({})).await;
    assert_eq!(canvas.eval("location.href").await, "about:blank");
}

fn text(id: &str, value: &Value) -> Value {
    json!({ "id": id, "component": { "Text": { "text": value } } })
}

#[tokio::test]
async fn surfaces_are_drawn_changed_answered_and_taken_away() {
    let gateway = Gateway::start(Options::default().config(ALLOW)).await;
    let mut canvas = Canvas::beside(&gateway).await;
    let button = json!({
        "child": "label", "action": { "name": "greet", "context": [
            { "key": "who", "value": { "path": "/who" } },
            { "key": "loud", "value": { "literalBoolean": true } }] },
    });
    let components = json!([
        { "id": "root", "component": { "Column": { "children": {
            "explicitList": ["title", "name", "press"] } } } },
        { "id": "title", "component": { "Text": {
            "text": { "literalString": "A *form*" }, "usageHint": "h1" } } },
        text("name", &json!({ "path": "/who" })),
        text("label", &json!({ "literalString": "Greet" })),
        { "id": "press", "component": { "Button": button } },
    ]);
    let who = |name: &str| {
        json!({ "dataModelUpdate": { "surfaceId": "form", "contents": [
            { "key": "who", "valueString": name }] } })
    };
    let messages = json!([
        { "surfaceUpdate": { "surfaceId": "form", "components": components } },
        who("Ada"),
        { "beginRendering": { "surfaceId": "form", "root": "root" } },
    ]);
    let shown = canvas.ask("canvas.a2ui.push", json!({ "messages": messages })).await;
    assert_eq!(shown["surfaces"], json!(["form"]), "{shown}");
    // Everything below every shadow root, as a person reads it.
    let words = "(function words(n) { return n.nodeType === 3 ? n.textContent : \
        n.localName === 'style' ? '' : [...(n.shadowRoot ?? n).childNodes, \
        ...(n.shadowRoot ? n.childNodes : [])].map(words).join(' ') })(document.body)";
    eventually("the surface is drawn", async || {
        let seen = canvas.eval(words).await;
        (seen.contains("form") && seen.contains("Ada") && seen.contains("Greet")).then_some(())
    })
    .await;
    let heading = "(function find(n) { return n.localName === 'h1' ? n.innerHTML : \
        [...(n.shadowRoot?.childNodes ?? []), ...n.childNodes].map(find).find(x => x) })(document.body)";
    let heading = canvas.eval(heading).await;
    assert!(heading.starts_with("A <em") && heading.contains(">form</em>"), "{heading}");

    let lines = format!("{}\n", who("Grace"));
    canvas.ask("canvas.a2ui.pushJSONL", json!({ "jsonl": lines })).await;
    eventually("the change is drawn", async || {
        canvas.eval(words).await.contains("Grace").then_some(())
    })
    .await;

    let click = "(function find(n) { if (n.localName === 'button') { n.click(); return true } \
        return [...(n.shadowRoot?.childNodes ?? []), ...n.childNodes].some(find) })(document.body)";
    assert_eq!(canvas.eval(click).await, "true");
    let told =
        canvas.admin.event(|event| event.name == "chat" && event.payload["state"] == "final");
    let told = patiently(told, || "the agent did not hear of it".to_owned()).await.payload;
    let answer = told["message"]["content"][0]["text"].as_str().unwrap_or_default();
    assert!(answer.contains("CANVAS_A2UI action=greet"), "{told}");
    assert!(answer.contains("surface=form component=press"), "{told}");
    let context = answer.split_once("ctx=").and_then(|(_, rest)| rest.rsplit_once(" default="));
    let context: Value = serde_json::from_str(context.expect("it is named").0).expect("JSON");
    assert_eq!(context, json!({ "who": "Grace", "loud": true }));

    let error = canvas.refused("canvas.a2ui.pushJSONL", json!({ "jsonl": "{}\n" })).await;
    assert!(error.message.contains("line 1: exactly one of surfaceUpdate"), "{error:?}");
    let gone = json!({ "messages": [{ "deleteSurface": { "surfaceId": "form" } }] });
    assert_eq!(canvas.ask("canvas.a2ui.push", gone).await["surfaces"], json!([]));
    eventually("nothing is left", async || {
        canvas.eval(words).await.contains("Nothing is shown yet").then_some(())
    })
    .await;
    assert_eq!(canvas.ask("canvas.a2ui.reset", json!({})).await["ok"], true);
}

#[tokio::test]
async fn icons_are_drawings_and_unknown_ones_are_words() {
    let gateway = Gateway::start(Options::default().config(ALLOW)).await;
    let mut canvas = Canvas::beside(&gateway).await;
    let icon =
        |id: &str, name: Value| json!({ "id": id, "component": { "Icon": { "name": name } } });
    let components = json!([
        { "id": "root", "component": { "Row": { "children": {
            "explicitList": ["fixed", "bound", "other"] } } } },
        icon("fixed", json!({ "literalString": "shoppingCart" })),
        icon("bound", json!({ "path": "/state" })),
        icon("other", json!({ "literalString": "flyingPig" })),
    ]);
    let state = |name: &str| {
        json!({ "dataModelUpdate": { "surfaceId": "form", "contents": [
            { "key": "state", "valueString": name }] } })
    };
    let messages = json!([
        { "surfaceUpdate": { "surfaceId": "form", "components": components } },
        state("lock_open"),
        { "beginRendering": { "surfaceId": "form", "root": "root" } },
    ]);
    canvas.ask("canvas.a2ui.push", json!({ "messages": messages })).await;
    // Of each icon: what it is called and how wide its drawing is, or its words.
    let icons = "JSON.stringify((function icons(n) { return n.localName === 'a2ui-icon' ? \
        [[n.shadowRoot?.querySelector('[role=img]')?.ariaLabel ?? n.shadowRoot?.textContent.trim(), \
        n.shadowRoot?.querySelector('svg path')?.getBoundingClientRect().width > 8]] : \
        [...(n.shadowRoot?.childNodes ?? []), ...n.childNodes].flatMap(icons) })(document.body))";
    let expected = json!([["shopping cart", true], ["lock open", true], ["flying pig", false]]);
    canvas.eval_to(icons, &expected).await;
    let lines = format!("{}\n", state("lock"));
    canvas.ask("canvas.a2ui.pushJSONL", json!({ "jsonl": lines })).await;
    let expected = json!([["shopping cart", true], ["lock", true], ["flying pig", false]]);
    canvas.eval_to(icons, &expected).await;
}
