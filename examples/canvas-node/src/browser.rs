//! A headless browser, driven by the `DevTools` protocol over its WebSocket.
//!
//! Written out because a node needs six calls of it; the public crates carry the whole protocol,
//! some hundred thousand lines of types. Must not know the gateway.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{collections::VecDeque, path::Path, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};

/// Longest wait for the browser to start, and for each thing it does.
const PATIENCE: Duration = Duration::from_secs(25);
/// Largest message, bytes: a picture of a large page.
const MESSAGE_MAX: usize = 64 << 20;
/// Actions that may wait; a page that clicks by itself fills no memory.
const ACTIONS_MAX: usize = 64;
/// Where the browser writes its port and the path of its socket, in its profile.
const PORT_FILE: &str = "DevToolsActivePort";
/// How often the file is looked for.
const LOOK: Duration = Duration::from_millis(20);
/// The function in pages that leads here.
const BINDING: &str = "__canvasNodeAction";

/// Why the browser did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BrowserError {
    #[error("it cannot be started: {0}")]
    Start(#[from] std::io::Error),
    #[error("it went away")]
    Gone,
    #[error("it did not do that in time")]
    Late,
    #[error("{0}")]
    Refused(String),
}

/// How a picture shall be.
pub(crate) struct Picture {
    pub(crate) format: &'static str,
    /// Of a JPEG, 0 to 100.
    pub(crate) quality: Option<f64>,
    pub(crate) width_max: Option<f64>,
}

/// The browser with one page.
pub(crate) struct Browser {
    _child: Child,
    _profile: TempDir,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The browser's word for its talk with the page.
    page: Option<String>,
    last: u64,
    actions: VecDeque<Value>,
}

impl Browser {
    /// Starts the program and opens its page.
    pub(crate) async fn start(program: &str) -> Result<Self, BrowserError> {
        let profile = TempDir::with_prefix("canvas-node-")?;
        let child = Command::new(program)
            .args(["--headless", "--remote-debugging-port=0", "--disable-gpu", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update"])
            .args(["--disable-sync", "--disable-quic", "--hide-scrollbars"])
            // Chromium does not know the policy that forbids WebRTC, and its packets reach anybody.
            .arg("--webrtc-ip-handling-policy=disable_non_proxied_udp")
            // As root it has no sandbox of its own.
            .args(is_root().then_some("--no-sandbox"))
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let address = timeout(PATIENCE, address(profile.path())).await;
        let address = address.map_err(|_| BrowserError::Late)?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX))
            .max_frame_size(Some(MESSAGE_MAX));
        let (socket, _) = connect_async_with_config(address, Some(config), true)
            .await
            .map_err(|error| BrowserError::Refused(error.to_string()))?;
        let mut browser = Self {
            _child: child,
            _profile: profile,
            socket,
            page: None,
            last: 0,
            actions: VecDeque::new(),
        };
        browser.open_page().await?;
        Ok(browser)
    }

    /// Shows an address and waits until it is loaded.
    pub(crate) async fn show(&mut self, url: &str) -> Result<(), BrowserError> {
        let shown = self.call("Page.navigate", json!({"url": url})).await?;
        if let Some(why) = shown["errorText"].as_str() {
            return Err(BrowserError::Refused(format!("{url} cannot be shown: {why}")));
        }
        // Scripts at the end of a page run before it counts as loaded.
        let loaded = "new Promise(done => document.readyState === 'complete' ? done(true) \
             : addEventListener('load', () => done(true)))";
        self.evaluate(loaded).await.map(drop)
    }

    /// Runs a script in the page; the value it comes to, when JSON can say it.
    pub(crate) async fn evaluate(&mut self, script: &str) -> Result<Value, BrowserError> {
        let params = json!({"expression": script, "awaitPromise": true, "returnByValue": true});
        let ran = self.call("Runtime.evaluate", params).await?;
        let wrong = &ran["exceptionDetails"];
        if !wrong.is_null() {
            let text = wrong["exception"]["description"].as_str().or(wrong["text"].as_str());
            return Err(BrowserError::Refused(text.unwrap_or("the script failed").to_owned()));
        }
        Ok(ran["result"]["value"].clone())
    }

    /// A picture of what is shown, base64.
    pub(crate) async fn picture(&mut self, wanted: &Picture) -> Result<String, BrowserError> {
        let mut params = json!({"format": wanted.format});
        if let (Some(quality), "jpeg") = (wanted.quality, wanted.format) {
            params["quality"] = json!(quality);
        }
        if let Some(width_max) = wanted.width_max {
            let size = self.evaluate("({w: innerWidth, h: innerHeight})").await?;
            let (width, height) = (size["w"].as_f64(), size["h"].as_f64());
            if let (Some(width), Some(height)) = (width, height)
                && width > width_max
            {
                let scale = width_max / width;
                params["clip"] =
                    json!({"x": 0, "y": 0, "width": width, "height": height, "scale": scale});
            }
        }
        let taken = self.call("Page.captureScreenshot", params).await?;
        Ok(taken["data"].as_str().unwrap_or_default().to_owned())
    }

    /// Gives the page another size, CSS pixels.
    pub(crate) async fn resize(&mut self, width: u64, height: u64) -> Result<(), BrowserError> {
        let params =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", params).await.map(drop)
    }

    /// The next thing a person did on a surface. Safe to drop half-way.
    pub(crate) async fn action(&mut self) -> Result<Value, BrowserError> {
        loop {
            if let Some(action) = self.actions.pop_front() {
                return Ok(action);
            }
            let message = self.receive().await?;
            self.note(&message);
        }
    }

    async fn open_page(&mut self) -> Result<(), BrowserError> {
        let made = self.call("Target.createTarget", json!({"url": "about:blank"})).await?;
        let attach = json!({"targetId": made["targetId"], "flatten": true});
        let attached = self.call("Target.attachToTarget", attach).await?;
        self.page = attached["sessionId"].as_str().map(str::to_owned);
        self.call("Page.enable", json!({})).await?;
        self.call("Runtime.enable", json!({})).await?;
        self.call("Runtime.addBinding", json!({"name": BINDING})).await?;
        let bridge = format!(
            "globalThis.openclawCanvasA2UIAction = {{postMessage: m => globalThis.{BINDING}(m)}}"
        );
        let params = json!({"source": bridge});
        self.call("Page.addScriptToEvaluateOnNewDocument", params).await.map(drop)
    }

    async fn call(&mut self, method: &str, params: Value) -> Result<Value, BrowserError> {
        self.last += 1;
        let id = self.last;
        let mut request = json!({"id": id, "method": method, "params": params});
        if let Some(page) = &self.page {
            request["sessionId"] = json!(page);
        }
        let answered = timeout(PATIENCE, async {
            let sent = self.socket.send(Message::text(request.to_string())).await;
            sent.map_err(|_| BrowserError::Gone)?;
            loop {
                let mut message = self.receive().await?;
                if message["id"] == id {
                    return match message["error"]["message"].as_str() {
                        Some(why) => Err(BrowserError::Refused(why.to_owned())),
                        None => Ok(message["result"].take()),
                    };
                }
                self.note(&message);
            }
        });
        answered.await.map_err(|_| BrowserError::Late)?
    }

    async fn receive(&mut self) -> Result<Value, BrowserError> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    if let Ok(message) = serde_json::from_str(&text) {
                        return Ok(message);
                    }
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(BrowserError::Gone),
            }
        }
    }

    fn note(&mut self, message: &Value) {
        let bound = message["method"] == "Runtime.bindingCalled"
            && message["params"]["name"] == BINDING
            && self.actions.len() < ACTIONS_MAX;
        let text = message["params"]["payload"].as_str().filter(|_| bound);
        self.actions.extend(text.and_then(|text| serde_json::from_str(text).ok()));
    }
}

/// Waits until the browser says where it listens.
async fn address(profile: &Path) -> String {
    let mut look = tokio::time::interval(LOOK);
    loop {
        look.tick().await;
        let text = std::fs::read_to_string(profile.join(PORT_FILE)).unwrap_or_default();
        let mut lines = text.lines();
        if let (Some(port), Some(path)) = (lines.next(), lines.next()) {
            return format!("ws://127.0.0.1:{port}{path}");
        }
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}
