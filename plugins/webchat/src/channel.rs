//! What the gateway asks of WebChat: the page and its files. Messages never come this way.

use crate::{
    assets::{self, PREFIX},
    config::Config,
};
use jackfield_plugin_api::{
    Channel, Host, Outgoing, PluginError, Resume, SendError,
    http::{HttpRequest, HttpResponse},
    link::LinkState,
    outbound::Receipt,
};

pub(crate) struct WebChat;

impl Channel for WebChat {
    type Config = Config;
    /// Nothing is held that two versions could quarrel over.
    const SWAP_SAFE: bool = true;

    async fn start(host: Host, _: Config, _: Resume) -> Result<Self, PluginError> {
        let account = host.default_account();
        account.link(LinkState::Connected, format!("serving {PREFIX}")).await;
        Ok(Self)
    }

    /// The gateway asks for none: the manifest says that this channel carries no messages.
    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        Err(SendError::unsupported(out.body.kind()))
    }

    async fn http(&self, request: HttpRequest) -> HttpResponse {
        answer(&request)
    }

    /// There are no settings to change.
    async fn configure(&self, _: Config) -> Result<(), PluginError> {
        Ok(())
    }
}

fn answer(request: &HttpRequest) -> HttpResponse {
    let Some(asset) = assets::find(&request.path) else {
        return HttpResponse::text(404, "Not found\n");
    };
    if !matches!(request.method.as_str(), "GET" | "HEAD") {
        return HttpResponse::text(405, "Only GET and HEAD\n").with_header("allow", "GET, HEAD");
    }
    let known = request.header("if-none-match").is_some_and(|tags| names(tags, &asset.etag));
    let response = HttpResponse::new(if known { 304 } else { 200 })
        .with_header("etag", &asset.etag)
        .with_header("cache-control", asset.cache_control());
    if known {
        return response;
    }
    let response = response.with_header("content-type", asset.mime);
    if request.method == "HEAD" {
        response.with_header("content-length", asset.bytes.len().to_string())
    } else {
        response.with_body(asset.bytes)
    }
}

/// Whether an `If-None-Match` value names this tag; compared weakly, as RFC 9110 §13.1.2 wants it.
fn names(tags: &str, etag: &str) -> bool {
    tags.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
