//! The page that draws A2UI surfaces: the gateway's own, built from `host/web`, behind a capability
//! like everything of the canvas. Must not know messages; nodes hand them to the page.

use super::{corner_of, pages};
use crate::auth::Peer;
use hyper::{
    StatusCode,
    header::{self, HeaderValue},
};
use warp::{Reply, reply::Response};

/// The page's files: name, media type, bytes.
const FILES: [(&str, &str, &[u8]); 4] = [
    ("index.html", "text/html; charset=utf-8", include_bytes!("../../../assets/a2ui/index.html")),
    ("a2ui.js", "text/javascript; charset=utf-8", include_bytes!("../../../assets/a2ui/a2ui.js")),
    ("a2ui.css", "text/css; charset=utf-8", include_bytes!("../../../assets/a2ui/a2ui.css")),
    ("LEGAL.txt", "text/plain; charset=utf-8", include_bytes!("../../../assets/a2ui/LEGAL.txt")),
];

/// One of the files, by what follows the page's folder in the path.
pub(super) fn file(below: &str, head: bool, peer: &Peer, word: &str) -> Response {
    let name = if below.is_empty() { "index.html" } else { below };
    let Some((_, media_type, bytes)) = FILES.iter().find(|(known, ..)| *known == name) else {
        return pages::text(StatusCode::NOT_FOUND, "the A2UI page has no such file");
    };
    let body: &'static [u8] = if head { &[] } else { bytes };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, bytes.len().into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(policy) = HeaderValue::try_from(policy(&corner_of(peer, word))) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The page runs its own script alone and connects to nothing: what it draws came from a model, and
/// an address in it must not carry anything away.
fn policy(corner: &str) -> String {
    format!(
        "sandbox allow-scripts; default-src 'none'; script-src {corner}; \
         style-src {corner} 'unsafe-inline'; img-src {corner} data:; media-src {corner} data:; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'; webrtc 'block'"
    )
}
