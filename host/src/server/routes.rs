//! Which path leads where: WebSocket on any path, liveness, routes of plugins.

use super::{Door, body, canvas, control, metrics, pages};
use crate::{
    auth::Peer,
    connection::{self, socket::Socket},
    plugins::RouteError,
};
use bytes::Buf;
use futures_util::Stream;
use hyper::{HeaderMap, Method, StatusCode, header, upgrade::OnUpgrade};
use jackfield_plugin_api::http::HttpRequest;
use std::{
    convert::Infallible,
    sync::{Arc, atomic::Ordering},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use warp::{Filter, Reply, filters::path::FullPath, reply::Response};

/// Largest body of a request on a plugin's route, bytes.
const BODY_BYTES_MAX: u64 = 1 << 20;
/// Headers of a request that plugins never see.
const WITHHELD: [&str; 4] = ["authorization", "cookie", "proxy-authorization", "x-forwarded-user"];
/// Headers of a plugin's answer that the gateway sets itself.
const OWN_HEADERS: [&str; 7] = [
    "connection",
    "content-length",
    "keep-alive",
    "set-cookie",
    "transfer-encoding",
    "upgrade",
    "server",
];

/// All routes as a service.
pub fn service(
    door: Arc<Door>,
) -> impl tower_service::Service<
    hyper::Request<hyper::body::Incoming>,
    Response = Response,
    Error = Infallible,
    Future: Send + 'static,
> + Clone {
    let with = move || {
        let door = Arc::clone(&door);
        warp::any().map(move || Arc::clone(&door))
    };
    let upgrade = warp::get()
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<OnUpgrade>())
        .and(warp::ext::optional::<Peer>())
        .and(with())
        .and_then(websocket);
    let live = warp::path!("health").or(warp::path!("healthz")).unify();
    let live = live.and(get_or_head()).and(with()).map(|_door: Arc<Door>| live_answer());
    let ready = warp::path!("ready").or(warp::path!("readyz")).unify();
    let ready = ready.and(get_or_head()).and(with()).map(|door: Arc<Door>| ready_answer(&door));
    let metrics = warp::path!("metrics")
        .and(warp::get())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<Peer>())
        .and(with())
        .and_then(metrics::answer);
    let canvas = warp::method()
        .and(warp::path::full())
        .and(warp::filters::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<Peer>())
        .and(with())
        .and_then(canvas::answer);
    let plugin = warp::method()
        .and(warp::path::full())
        .and(warp::filters::query::raw().or(warp::any().map(String::new)).unify())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .and(with())
        .and_then(plugin);
    let control = warp::method()
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .and(warp::ext::optional::<Peer>())
        .and(with())
        .and_then(control::answer);
    let nothing = warp::any().map(|| pages::text(StatusCode::NOT_FOUND, "there is nothing here"));
    warp::service(
        upgrade
            .or(live)
            .unify()
            .or(ready)
            .unify()
            .or(metrics)
            .unify()
            .or(canvas)
            .unify()
            .or(plugin)
            .unify()
            .or(control)
            .unify()
            .or(nothing)
            .unify(),
    )
}

fn get_or_head() -> impl Filter<Extract = (), Error = warp::Rejection> + Copy {
    warp::get().or(warp::head()).unify()
}

fn live_answer() -> Response {
    pages::json(StatusCode::OK, &serde_json::json!({"ok": true, "status": "live"}))
}

fn ready_answer(door: &Door) -> Response {
    let core = &door.core;
    let failing: Vec<String> = core
        .plugins
        .list()
        .into_iter()
        .filter(|p| p.enabled && p.state != crate::plugins::PluginState::Running)
        .map(|p| p.id)
        .collect();
    let ready = failing.is_empty() && !core.stop.is_cancelled();
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body =
        serde_json::json!({"ready": ready, "failing": failing, "uptimeMs": core.uptime_ms()});
    pages::json(status, &body)
}

async fn websocket(
    headers: HeaderMap,
    upgrade: Option<OnUpgrade>,
    peer: Option<Peer>,
    door: Arc<Door>,
) -> Result<Response, warp::Rejection> {
    let has = |name: header::HeaderName, word: &str| {
        let values = headers.get_all(name).iter().filter_map(|v| v.to_str().ok());
        values.flat_map(|v| v.split(',')).any(|v| v.trim().eq_ignore_ascii_case(word))
    };
    if !has(header::UPGRADE, "websocket") {
        return Err(warp::reject::not_found());
    }
    let key = headers.get(header::SEC_WEBSOCKET_KEY).map(|k| derive_accept_key(k.as_bytes()));
    let proper = has(header::CONNECTION, "upgrade") && has(header::SEC_WEBSOCKET_VERSION, "13");
    let (Some(key), Some(upgrade), Some(peer), true) = (key, upgrade, peer, proper) else {
        return Ok(pages::text(StatusCode::BAD_REQUEST, "not a proper WebSocket upgrade"));
    };
    let Some(place) = door.unauthenticated.take(peer.limit_ip()) else {
        return Ok(pages::text(
            StatusCode::SERVICE_UNAVAILABLE,
            "Too many unauthenticated sockets",
        ));
    };
    let conn = door.next_conn.fetch_add(1, Ordering::Relaxed);
    let core = Arc::clone(&door.core);
    door.core.tracker.spawn(async move {
        match upgrade.await {
            Ok(upgraded) => {
                let socket = Socket::new(upgraded).await;
                connection::serve(core, peer, conn, socket, place).await;
            }
            Err(error) => tracing::debug!(%error, "an upgrade was not completed"),
        }
    });
    let mut response = StatusCode::SWITCHING_PROTOCOLS.into_response();
    let fixed = [(header::CONNECTION, "upgrade"), (header::UPGRADE, "websocket")];
    for (name, value) in fixed {
        response.headers_mut().insert(name, header::HeaderValue::from_static(value));
    }
    if let Ok(key) = key.parse() {
        response.headers_mut().insert(header::SEC_WEBSOCKET_ACCEPT, key);
    }
    Ok(response)
}

async fn plugin(
    method: Method,
    path: FullPath,
    query: String,
    headers: HeaderMap,
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    door: Arc<Door>,
) -> Result<Response, warp::Rejection> {
    let plugins = &door.core.plugins;
    let path = path.as_str();
    let Some(route) = plugins.route(path) else {
        return match plugins.route(&format!("{path}/")) {
            Some(_) if method == Method::GET => Ok(redirect(&format!("{path}/"))),
            _ => Err(warp::reject::not_found()),
        };
    };
    let body = match body::read(&headers, body, u64::from(route.body_bytes_max).min(BODY_BYTES_MAX))
        .await
    {
        Ok(body) => body,
        Err(fault) => {
            let (status, text) = fault.told();
            return Ok(pages::text(status, text));
        }
    };
    let head = method == Method::HEAD;
    let request = request(&method, path, &query, &headers, &body);
    let Some(answer) = plugins.http(path, request).await else {
        return Err(warp::reject::not_found());
    };
    Ok(answer.map_or_else(|error| unavailable(&error), |answer| response(answer, route.page, head)))
}

fn request(
    method: &Method,
    path: &str,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> HttpRequest {
    use base64::Engine as _;
    let headers = headers
        .iter()
        .filter(|(name, _)| !WITHHELD.contains(&name.as_str()))
        .filter_map(|(name, value)| {
            Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    HttpRequest {
        method: method.as_str().to_owned(),
        path: path.to_owned(),
        query: (!query.is_empty()).then(|| query.to_owned()),
        headers,
        body_b64: base64::engine::general_purpose::STANDARD.encode(body),
    }
}

fn response(answer: jackfield_plugin_api::http::HttpResponse, page: bool, head: bool) -> Response {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.decode(&answer.body_b64);
    let (Ok(body), Ok(status)) = (body, StatusCode::from_u16(answer.status)) else {
        return pages::text(StatusCode::BAD_GATEWAY, "the plugin's answer was not an HTTP answer");
    };
    let mut response = if head { Vec::new() } else { body }.into_response();
    response.headers_mut().clear();
    *response.status_mut() = status;
    for (name, value) in answer.headers {
        let name = name.to_ascii_lowercase();
        let (Ok(header), Ok(value)) = (header::HeaderName::try_from(name.as_str()), value.parse())
        else {
            continue;
        };
        if !OWN_HEADERS.contains(&name.as_str()) {
            response.headers_mut().append(header, value);
        }
    }
    if page {
        let policy = header::HeaderValue::from_static(pages::PAGE_POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

fn unavailable(error: &RouteError) -> Response {
    tracing::warn!(%error, "a plugin's route did not answer");
    match error {
        RouteError::Late => {
            pages::text(StatusCode::GATEWAY_TIMEOUT, "the plugin did not answer in time")
        }
        RouteError::TooLarge => {
            pages::text(StatusCode::PAYLOAD_TOO_LARGE, "the request is too large for the plugin")
        }
        _ => pages::text(
            StatusCode::SERVICE_UNAVAILABLE,
            "the plugin behind this page is not running; `jackfield plugins list` says why",
        ),
    }
}

fn redirect(to: &str) -> Response {
    let mut response = StatusCode::PERMANENT_REDIRECT.into_response();
    if let Ok(to) = to.parse() {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}
