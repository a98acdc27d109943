//! The gate before everything: Host, forwarding headers, credentials in URLs, foreign pages.
//!
//! It stands before authentication and has no exemption for loopback: a page in the operator's
//! browser reaches loopback too. What passes carries a [`Peer`]. A foreign page's WebSocket is
//! refused here when a browser sends it; a program that merely sets `Origin` is upgraded and then
//! refused by `connect`, in the words its wire knows.

use super::{Door, canvas, pages};
use crate::auth::{Peer, origin::OriginVerdict, peer::FORWARDING_HEADERS};
use futures_util::future::BoxFuture;
use hyper::{HeaderMap, Method, Request, StatusCode, Uri, header};
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::Arc,
    task::{Context, Poll},
};
use warp::reply::Response;

/// Names of query parameters that carry secrets in careless links.
const SECRET_PARAMETERS: [&str; 5] =
    ["token", "access_token", "password", "devicetoken", "bootstraptoken"];

/// A service behind the gate.
#[derive(Clone)]
pub struct Gated<S> {
    door: Arc<Door>,
    way: Way,
    inner: S,
}

/// How a connection came.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The address of the socket's other end.
    pub address: SocketAddr,
    /// It speaks TLS to us.
    pub encrypted: bool,
}

impl<S> Gated<S> {
    /// Puts a service behind the gate, for one connection.
    pub fn new(door: Arc<Door>, way: Way, inner: S) -> Self {
        Self { door, way, inner }
    }
}

impl<S, B> tower_service::Service<Request<B>> for Gated<S>
where
    S: tower_service::Service<Request<B>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match pass(&self.door, self.way, request.method(), request.uri(), request.headers()) {
            Ok(peer) => {
                request.extensions_mut().insert(peer);
                let answer = self.inner.call(request);
                Box::pin(async move { answer.await.map(pages::harden) })
            }
            Err(refused) => Box::pin(async move { Ok(pages::harden(refused.response())) }),
        }
    }
}

/// Why a request did not pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not a name of this gateway: DNS rebinding, or a missing setting.
    Host,
    /// Forwarding headers from an address that is no trusted proxy.
    Attribution,
    /// A secret in the URL.
    SecretInUrl,
    /// A page of a foreign site.
    ForeignPage,
    /// The request itself is odd.
    Malformed,
}

impl Refused {
    fn response(self) -> Response {
        match self {
            Self::Host => pages::text(
                StatusCode::MISDIRECTED_REQUEST,
                "this host name is not one of the gateway's; open it by its address, or add the name to gateway.allowed_hosts",
            ),
            Self::Attribution => pages::json(
                StatusCode::FORBIDDEN,
                &serde_json::json!({"error": {
                    "message": "forwarding headers are only accepted from gateway.trusted_proxies",
                    "type": "proxy_attribution_required",
                }}),
            ),
            Self::SecretInUrl => pages::text(
                StatusCode::BAD_REQUEST,
                "secrets do not belong in URLs; put the token after # in the link or into the form",
            ),
            Self::ForeignPage => {
                pages::text(StatusCode::FORBIDDEN, "pages of other sites may not use this gateway")
            }
            Self::Malformed => pages::text(StatusCode::BAD_REQUEST, "malformed request"),
        }
    }
}

/// Judges a request by its head.
///
/// # Errors
/// Why it may not pass.
pub fn pass(
    door: &Door,
    way: Way,
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<Peer, Refused> {
    if uri.scheme().is_some() || !uri.path().starts_with('/') {
        return Err(Refused::Malformed);
    }
    let host = one(headers, "host")?.ok_or(Refused::Malformed)?;
    let origins = door.core.auth.origins();
    if !origins.knows_host(host) {
        return Err(Refused::Host);
    }
    let peer = peer(door, way, headers, host)?;
    if carries_secret(uri) {
        return Err(Refused::SecretInUrl);
    }
    let proven = canvas::carries_capability(uri.path());
    if !proven && is_foreign_page(method, headers, &peer, origins) {
        return Err(Refused::ForeignPage);
    }
    Ok(peer)
}

fn peer(door: &Door, way: Way, headers: &HeaderMap, host: &str) -> Result<Peer, Refused> {
    let socket_ip = way.address.ip().to_canonical();
    let forwarded = FORWARDING_HEADERS.iter().any(|name| headers.contains_key(*name));
    let trusted = door.proxies.contains(socket_ip);
    if forwarded && !trusted {
        return Err(Refused::Attribution);
    }
    let mut ip = socket_ip;
    let mut user = None;
    if forwarded {
        if let Some(client) =
            one(headers, "x-forwarded-for")?.and_then(|text| door.proxies.client(text))
        {
            ip = client;
        }
        let header =
            door.core.config.gateway.auth.user_header.as_deref().unwrap_or("x-forwarded-user");
        user = one(headers, header)?.filter(|user| !user.trim().is_empty()).map(str::to_owned);
    }
    let origin = one(headers, "origin")?.map(str::to_owned);
    let agent = headers.get(header::USER_AGENT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let browser = agent.starts_with("Mozilla/") || headers.contains_key("sec-fetch-mode");
    let direct_local = socket_ip.is_loopback() && !forwarded;
    let secure = way.encrypted || (trusted && one(headers, "x-forwarded-proto")? == Some("https"));
    Ok(Peer { ip, direct_local, secure, origin, host: Some(host.to_owned()), browser, user })
}

/// The one value of a header; two are an attempt at confusion.
fn one<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Refused> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Refused::Malformed);
    }
    value.to_str().map(Some).map_err(|_| Refused::Malformed)
}

fn carries_secret(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    url::form_urlencoded::parse(query.as_bytes())
        .any(|(name, _)| SECRET_PARAMETERS.contains(&name.to_ascii_lowercase().as_str()))
}

fn is_foreign_page(
    method: &Method,
    headers: &HeaderMap,
    peer: &Peer,
    origins: &crate::auth::origin::Origins,
) -> bool {
    let word = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let allowed = || origins.check(peer) == OriginVerdict::Allowed;
    if peer.origin.is_some() && peer.browser && !allowed() {
        return true;
    }
    if !matches!(word("sec-fetch-site"), "cross-site" | "same-site") {
        return false;
    }
    // Following a link to a page is fine; anything a foreign page does by itself is not.
    let follows_link = *method == Method::GET
        && word("sec-fetch-mode") == "navigate"
        && word("sec-fetch-dest") == "document";
    let allowed_page = peer.origin.is_some() && allowed();
    !follows_link && !allowed_page
}
