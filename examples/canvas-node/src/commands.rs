//! What the gateway may ask of the canvas, and how the browser does it.

use crate::browser::{Browser, BrowserError, Picture};
use jackfield::cli::client::{Client, ClientError};
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// The commands that are offered.
pub(crate) const ALL: [&str; 8] = [
    "canvas.present",
    "canvas.hide",
    "canvas.navigate",
    "canvas.eval",
    "canvas.snapshot",
    "canvas.a2ui.push",
    "canvas.a2ui.pushJSONL",
    "canvas.a2ui.reset",
];
/// Longest wait for a new address of the canvas.
const ADDRESS: Duration = Duration::from_secs(10);
/// Below the canvas's address: the folder that an agent edits.
const FOLDER: &str = "/__openclaw__/canvas/";
/// Below the canvas's address: the page that draws A2UI surfaces.
const A2UI: &str = "/__openclaw__/a2ui/";
/// Is the page of A2UI surfaces there?
const A2UI_READY: &str = "typeof globalThis.openclawA2UI === 'object'";

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CommandError {
    #[error("{0}")]
    Invalid(String),
    #[error("the gateway gave no address of its canvas: {0}")]
    NoCanvas(#[from] ClientError),
    #[error(transparent)]
    Browser(#[from] BrowserError),
}

impl CommandError {
    /// The wire's word.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "INVALID_REQUEST",
            Self::NoCanvas(_) => "A2UI_HOST_NOT_CONFIGURED",
            Self::Browser(_) => "UNAVAILABLE",
        }
    }
}

/// Does one command.
pub(crate) async fn run(
    gateway: &mut Client,
    browser: &mut Browser,
    command: &str,
    params: &Value,
) -> Result<Value, CommandError> {
    match command {
        "canvas.present" | "canvas.navigate" => {
            let placement = &params["placement"];
            if let (Some(width), Some(height)) =
                (placement["width"].as_u64(), placement["height"].as_u64())
            {
                browser.resize(width, height).await?;
            }
            let url = address(gateway, params["url"].as_str().unwrap_or_default()).await?;
            browser.show(&url).await?;
            Ok(json!({"ok": true}))
        }
        "canvas.hide" => {
            browser.show("about:blank").await?;
            Ok(json!({"ok": true}))
        }
        "canvas.eval" => {
            let script = params["javaScript"].as_str();
            let script = script.ok_or_else(|| invalid("javaScript, a text, is needed"))?;
            let result = browser.evaluate(script).await?;
            let text = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
            Ok(json!({"result": text}))
        }
        "canvas.snapshot" => snapshot(browser, params).await,
        "canvas.a2ui.push" | "canvas.a2ui.pushJSONL" => push(gateway, browser, params).await,
        "canvas.a2ui.reset" => match browser.evaluate(A2UI_READY).await? {
            Value::Bool(true) => Ok(browser.evaluate("openclawA2UI.reset()").await?),
            _ => Ok(json!({"ok": true})),
        },
        other => Err(invalid(&format!("`{other}` is no command of this node"))),
    }
}

async fn snapshot(browser: &mut Browser, params: &Value) -> Result<Value, CommandError> {
    let format = match params["format"].as_str().unwrap_or("png") {
        "png" => "png",
        "jpeg" | "jpg" => "jpeg",
        other => return Err(invalid(&format!("`{other}` is no format; png and jpeg are"))),
    };
    let picture = Picture {
        format,
        quality: params["quality"].as_f64().map(|q| (q.clamp(0.0, 1.0) * 100.0).round()),
        width_max: params["maxWidth"].as_f64().filter(|width| *width >= 1.0),
    };
    let base64 = browser.picture(&picture).await?;
    Ok(json!({"format": format, "base64": base64}))
}

async fn push(
    gateway: &mut Client,
    browser: &mut Browser,
    params: &Value,
) -> Result<Value, CommandError> {
    let messages = match params["jsonl"].as_str() {
        Some(lines) => lines
            .lines()
            .filter(|line| !line.trim().is_empty())
            .map(serde_json::from_str)
            .collect::<Result<Vec<Value>, _>>()
            .map_err(|error| invalid(&format!("jsonl: {error}")))?,
        None => params["messages"].as_array().cloned().unwrap_or_default(),
    };
    if browser.evaluate(A2UI_READY).await? != json!(true) {
        let page = format!("{}{A2UI}?platform=linux", canvas(gateway).await?);
        browser.show(&page).await?;
    }
    let script = format!("openclawA2UI.applyMessages({})", Value::Array(messages));
    Ok(browser.evaluate(&script).await?)
}

/// The page that is meant: an address, or with none the gateway's canvas.
async fn address(gateway: &mut Client, given: &str) -> Result<String, CommandError> {
    if given.is_empty() || given == "/" {
        return Ok(format!("{}{FOLDER}", canvas(gateway).await?));
    }
    match Url::parse(given) {
        Ok(url) if matches!(url.scheme(), "http" | "https" | "about" | "data") => Ok(url.into()),
        // A path is one of the gateway's canvas.
        Err(url::ParseError::RelativeUrlWithoutBase) => {
            let base = format!("{}{FOLDER}", canvas(gateway).await?);
            let url = Url::parse(&base).and_then(|base| base.join(given.trim_start_matches('/')));
            url.map(Into::into).map_err(|error| invalid(&format!("url: {error}")))
        }
        Ok(url) => Err(invalid(&format!("url: `{}:` is not shown here", url.scheme()))),
        Err(error) => Err(invalid(&format!("url: {error}"))),
    }
}

/// A fresh address of the gateway's canvas: an earlier one may have run out.
async fn canvas(gateway: &mut Client) -> Result<String, CommandError> {
    let params = json!({"surface": "canvas"});
    let fresh = gateway.call("node.pluginSurface.refresh", &params, ADDRESS).await?;
    Ok(fresh["pluginSurfaceUrls"]["canvas"].as_str().unwrap_or_default().to_owned())
}

fn invalid(text: &str) -> CommandError {
    CommandError::Invalid(text.to_owned())
}
