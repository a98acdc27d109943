//! Answers and the headers every answer carries.

use hyper::{
    HeaderMap, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use warp::{Reply, reply::Response};

/// What a page of the gateway may do: its own scripts and styles, its own port, nothing else.
pub const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";
/// What any other answer may do: nothing.
const BARE_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Marks an answer whose page is sandboxed by its own policy and has an origin of its own.
#[derive(Clone, Copy, Debug)]
pub struct Confined;

/// A text answer.
#[must_use]
pub fn text(status: StatusCode, text: &'static str) -> Response {
    warp::reply::with_status(text, status).into_response()
}

/// A JSON answer.
#[must_use]
pub fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    warp::reply::with_status(warp::reply::json(body), status).into_response()
}

/// Adds the headers every answer carries, without weakening what is there.
#[must_use]
pub fn harden(mut response: Response) -> Response {
    // A browser refuses to show a sandboxed document that also asks for an opener policy.
    let confined = response.extensions().get::<Confined>().is_some();
    let (opener, users) =
        if confined { ("unsafe-none", "cross-origin") } else { ("same-origin", "same-origin") };
    let headers = response.headers_mut();
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), opener),
        (HeaderName::from_static("cross-origin-resource-policy"), users),
        (
            HeaderName::from_static("permissions-policy"),
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    default(headers, header::CONTENT_SECURITY_POLICY, BARE_POLICY);
    default(headers, header::CACHE_CONTROL, "no-store");
    response
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}
