//! The control page of the original: its files as they were built, and what it asks before it connects.
//!
//! The files come from a folder that a person names; nothing of them is part of this program. Paths
//! that name no file lead to the page itself, which finds its way by the address. Must not know:
//! what the page does.

use super::{Door, bearer, pages};
use crate::{
    auth::Peer,
    canvas::{Document, Missing, Root},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use headers::{ETag, HeaderMapExt, IfNoneMatch};
use hyper::{
    HeaderMap, Method, StatusCode,
    header::{self, HeaderValue},
};
use sha2::{Digest, Sha256};
use std::{io, io::Read as _, path::Path, sync::Arc};
use warp::{Reply, filters::path::FullPath, reply::Response};

/// Where the page asks who it talks to; the older names are kept by the original too.
const CONFIG: [&str; 3] = [
    "/control-ui-config.json",
    "/__openclaw__/control-ui-config.json",
    "/__openclaw/control-ui-config.json",
];
/// Below this lie the gateway's own things, never the page's.
const OWN: [&str; 2] = ["/__openclaw__/", "/api/"];
/// Largest file handed out, bytes.
const FILE_BYTES_MAX: u64 = 32 << 20;
const INDEX: &str = "index.html";

/// The page's folder.
#[derive(Debug)]
pub struct Page {
    root: Root,
}

impl Page {
    /// Takes up a folder that holds the built page.
    ///
    /// # Errors
    /// When it is no such folder.
    pub fn open(folder: &Path) -> io::Result<Self> {
        if !folder.join(INDEX).is_file() {
            let text = format!("{} holds no {INDEX}", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        }
        Ok(Self { root: Root::open(folder, FILE_BYTES_MAX)? })
    }
}

/// Answers what concerns the control page, and leaves the rest to others.
///
/// # Errors
/// A rejection when the path is none of the page's.
pub async fn answer(
    method: Method,
    path: FullPath,
    headers: HeaderMap,
    peer: Option<Peer>,
    door: Arc<Door>,
) -> Result<Response, warp::Rejection> {
    let path = path.as_str().to_owned();
    let reads = method == Method::GET || method == Method::HEAD;
    let (true, Some(peer)) = (reads, peer) else { return Err(warp::reject::not_found()) };
    if CONFIG.contains(&path.as_str()) {
        return Ok(config(&door, &peer, &headers).await);
    }
    if door.control.is_none() || OWN.iter().any(|own| path.starts_with(own)) {
        return Err(warp::reject::not_found());
    }
    let head = method == Method::HEAD;
    let work = tokio::task::spawn_blocking(move || {
        let page = door.control.as_ref().ok_or(Missing::NotFound)?;
        file(page, &path, &headers, head)
    });
    match work.await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(Missing::Malformed)) => {
            Ok(pages::text(StatusCode::BAD_REQUEST, "this is no path of a page"))
        }
        Ok(Err(_)) | Err(_) => Err(warp::reject::not_found()),
    }
}

/// Who the page talks to; for holders of the secret only.
async fn config(door: &Door, peer: &Peer, headers: &HeaderMap) -> Response {
    let refused = |status| {
        let (text, kind) = match status {
            StatusCode::UNAUTHORIZED => ("Unauthorized", "unauthorized"),
            _ => {
                ("Too many failed authentication attempts. Please try again later.", "rate_limited")
            }
        };
        pages::json(status, &serde_json::json!({"error": {"message": text, "type": kind}}))
    };
    if let Err(refused) = bearer::pass(door, peer, headers, refused).await {
        return refused;
    }
    let agent = door.core.default_agent();
    pages::json(
        StatusCode::OK,
        &serde_json::json!({
            "basePath": "", "assistantName": agent, "assistantAvatar": null,
            "assistantAgentId": agent, "serverVersion": door.core.version,
            "embedSandbox": "strict", "allowExternalEmbedUrls": false,
            "automaticallyFetchFavicons": false, "communityInvite": false,
            "terminalEnabled": false, "cliAgentsEnabled": false,
            "pluginAssetsRequireAuth": true, "pluginFrameGrants": [],
        }),
    )
}

fn file(page: &Page, path: &str, headers: &HeaderMap, head: bool) -> Result<Response, Missing> {
    // The page names its assets relative to wherever it was opened.
    let below = match path.find("/assets/") {
        Some(at) => &path[at + 1..],
        None => path.strip_prefix('/').unwrap_or(path),
    };
    let named = if below.is_empty() || below == INDEX {
        Err(Missing::NotFound)
    } else {
        page.root.find(below)
    };
    match named {
        Ok(found) => whole(found, headers, head),
        Err(Missing::NotFound | Missing::Folder) if !has_ending(below) => index(page, head),
        Err(missing) => Err(missing),
    }
}

/// A path of the page's own has no ending; a missing asset must not look like the page.
fn has_ending(path: &str) -> bool {
    path != INDEX && path.rsplit('/').next().is_some_and(|name| name.contains('.'))
}

fn whole(found: Document, headers: &HeaderMap, head: bool) -> Result<Response, Missing> {
    let tag = format!("\"{}\"", found.tag);
    let known = headers.typed_get::<IfNoneMatch>().zip(tag.parse::<ETag>().ok());
    let mut response = if known.is_some_and(|(known, tag)| !known.precondition_passes(&tag)) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        bytes(read(found.file, found.length)?, head)
    };
    let fixed = [
        (header::CONTENT_TYPE, found.media_type.as_str()),
        (header::ETAG, &tag),
        (header::CACHE_CONTROL, "private, no-cache"),
    ];
    for (name, value) in fixed {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

fn index(page: &Page, head: bool) -> Result<Response, Missing> {
    let found = page.root.find(INDEX)?;
    let html = String::from_utf8(read(found.file, found.length)?).map_err(|_| Missing::NotFound)?;
    let html = html.replace("=\"./", "=\"/").replacen(
        "<html",
        "<html data-openclaw-control-ui-base-path=\"\" data-openclaw-terminal-enabled=\"false\"",
        1,
    );
    let policy = policy(&html);
    let mut response = bytes(html.into_bytes(), head);
    let fixed = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, &policy),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    for (name, value) in fixed {
        if let Ok(value) = HeaderValue::try_from(value) {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}

fn bytes(bytes: Vec<u8>, head: bool) -> Response {
    let length = bytes.len();
    let mut response = if head { Vec::new() } else { bytes }.into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    response
}

fn read(file: std::fs::File, length: u64) -> Result<Vec<u8>, Missing> {
    let mut bytes = Vec::new();
    file.take(length).read_to_end(&mut bytes).map_err(|error| {
        tracing::warn!(%error, "a file of the control page cannot be read");
        Missing::NotFound
    })?;
    Ok(bytes)
}

/// What the page may do: its own files, its inline scripts exactly as built, and this port.
fn policy(html: &str) -> String {
    let scripts: Vec<String> = inline_scripts(html)
        .map(|script| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(script))))
        .collect();
    format!(
        "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'; \
         frame-src 'self'; script-src 'self'{}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self'; \
         worker-src 'self'; connect-src 'self' data: ws: wss:",
        scripts.concat()
    )
}

/// The texts of the scripts that stand in the page itself.
fn inline_scripts(html: &str) -> impl Iterator<Item = &str> {
    html.split("<script").skip(1).filter_map(|rest| {
        let (tag, body) = rest.split_once('>')?;
        let (body, _) = body.split_once("</script>")?;
        (!tag.contains(" src=") && !body.is_empty()).then_some(body)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_inline_scripts_are_named_by_their_hash() {
        let html = "<script data-x>a()</script><script src=\"b.js\"></script><script></script>";
        assert_eq!(inline_scripts(html).collect::<Vec<_>>(), ["a()"]);
        assert_eq!(policy(html).matches("'sha256-").count(), 1);
    }

    #[test]
    fn a_folder_without_the_page_is_refused_by_name() {
        let empty = tempfile::tempdir().unwrap();
        let error = Page::open(empty.path()).unwrap_err().to_string();
        assert!(error.contains("holds no index.html"), "{error}");
    }

    #[test]
    fn unknown_paths_are_the_page_and_missing_assets_are_missing() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(INDEX), "<html><script>x</script>").unwrap();
        std::fs::write(home.path().join("a.js"), "1").unwrap();
        let page = Page::open(home.path()).unwrap();
        let get = |path: &str| file(&page, path, &HeaderMap::new(), false);
        for path in ["/", "/chat", "/settings/devices", "/index.html"] {
            let response = get(path).unwrap();
            let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("sha256-"), "{path}");
        }
        assert_eq!(get("/a.js").unwrap().status(), StatusCode::OK);
        std::fs::create_dir(home.path().join("assets")).unwrap();
        std::fs::write(home.path().join("assets/b.js"), "2").unwrap();
        assert_eq!(get("/settings/assets/b.js").unwrap().status(), StatusCode::OK);
        assert_eq!(get("/assets/gone.js").unwrap_err(), Missing::NotFound);
        assert_eq!(get("/../a.js").unwrap_err(), Missing::Malformed);
    }
}
