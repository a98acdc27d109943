//! The canvas over HTTP: a capability in the path, a file or the wait for the next change in return.
//!
//! What an agent draws is hostile. Its page runs in a sandbox with an origin of its own, may load
//! only what its capability reaches, and may connect to nothing but the wait for changes. Must not
//! know: files, who holds a capability.

mod a2ui;

use super::{Door, pages};
use crate::{
    auth::Peer,
    canvas::{CORNERS, Canvas, Document, Grant, Missing, corner},
};
use futures_util::{StreamExt, stream};
use headers::{ContentRange, ETag, HeaderMapExt, IfNoneMatch, IfRange, Range};
use hyper::{
    HeaderMap, Method, StatusCode,
    header::{self, HeaderName, HeaderValue},
};
use std::{convert::Infallible, ops::Bound, sync::Arc};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;
use warp::{Reply, filters::path::FullPath, reply::Response, sse};

/// Where the folder is, below a capability or, to be told where to go, without one.
const FOLDER: &str = "__openclaw__/canvas";
/// Where the page that draws A2UI surfaces is.
const A2UI: &str = "__openclaw__/a2ui";
/// Where open pages wait for changes, below a capability.
const RELOAD: &str = "__openclaw__/reload";
/// Query parameter that clients may put a capability into.
const PARAMETER: &str = "oc_cap";
/// Longest page that gets the script which waits for changes, bytes.
const SCRIPTED_MAX: u64 = 8 << 20;
/// Bytes read at once.
const CHUNK: usize = 64 << 10;
/// Waits for changes; finds its corner by the page's own address.
const SCRIPT: &str = "<script>(()=>{const m=location.pathname.match(/^\\/__openclaw__\\/cap\\/[^/]+\\//);\
if(m)new EventSource(m[0]+\"__openclaw__/reload\").onmessage=()=>location.reload()})()</script>\n";

/// Whether a path is proof enough by itself; a sandboxed page's own requests look foreign.
#[must_use]
pub fn carries_capability(path: &str) -> bool {
    path.starts_with(CORNERS)
}

/// Answers what concerns the canvas, and leaves the rest to others.
///
/// # Errors
/// A rejection when the path is none of the canvas.
pub async fn answer(
    method: Method,
    path: FullPath,
    query: String,
    headers: HeaderMap,
    peer: Option<Peer>,
    door: Arc<Door>,
) -> Result<Response, warp::Rejection> {
    let path = path.as_str();
    let bare = path.strip_prefix('/');
    let bare = bare.and_then(|p| p.strip_prefix(FOLDER).or_else(|| p.strip_prefix(A2UI)));
    let bare = bare.filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let within = path.strip_prefix(CORNERS);
    let (Some(canvas), true, Some(peer)) =
        (&door.core.canvas, bare.is_some() || within.is_some(), peer)
    else {
        return Err(warp::reject::not_found());
    };
    if method != Method::GET && method != Method::HEAD {
        let mut response = pages::text(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD");
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return Ok(response);
    }
    let Some((word, rest)) = within.and_then(|p| p.split_once('/')) else {
        return Ok(redeem_parameter(canvas, path, &query));
    };
    let Some(grant) = canvas.capabilities.redeem(word) else {
        return Ok(no_capability());
    };
    let request = Request { head: method == Method::HEAD, headers, peer, word: word.to_owned() };
    if let Some(below) = rest.strip_prefix(A2UI) {
        let response = match below.strip_prefix('/') {
            Some(name) => a2ui::file(name, request.head, &request.peer, word),
            None => redirect(StatusCode::PERMANENT_REDIRECT, &format!("{path}/")),
        };
        return Ok(confined(response));
    }
    let response = match rest.strip_prefix(FOLDER) {
        Some("") => redirect(StatusCode::PERMANENT_REDIRECT, &format!("{path}/")),
        Some(below) if below.starts_with('/') => page(canvas, path, &below[1..], request).await,
        _ if rest == RELOAD => reload(canvas, grant, &door),
        _ => pages::text(StatusCode::NOT_FOUND, "there is nothing here"),
    };
    Ok(confined(response))
}

struct Request {
    head: bool,
    headers: HeaderMap,
    peer: Peer,
    word: String,
}

/// A capability in the query leads to the same page under it, so that relative links carry it too.
fn redeem_parameter(canvas: &Canvas, path: &str, query: &str) -> Response {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    let word = pairs.find(|(name, _)| name == PARAMETER).map(|(_, word)| word.into_owned());
    match word.filter(|word| canvas.capabilities.redeem(word).is_some()) {
        Some(word) => redirect(StatusCode::TEMPORARY_REDIRECT, &format!("{CORNERS}{word}{path}")),
        None => no_capability(),
    }
}

fn no_capability() -> Response {
    pages::text(
        StatusCode::UNAUTHORIZED,
        "the canvas opens with a capability only: take its address from `pluginSurfaceUrls.canvas` of a connection that is still open",
    )
}

async fn page(canvas: &Arc<Canvas>, path: &str, below: &str, request: Request) -> Response {
    let (kept, wanted) = (Arc::clone(canvas), below.to_owned());
    let found = tokio::task::spawn_blocking(move || kept.root.find(&wanted)).await;
    let found = match found.unwrap_or(Err(Missing::NotFound)) {
        Ok(found) => found,
        Err(missing) => return absent(missing, path),
    };
    let scripted = canvas.live.is_some()
        && found.length <= SCRIPTED_MAX
        && found.media_type.starts_with("text/html");
    let tag = format!("\"{}{}\"", found.tag, if scripted { "-r" } else { "" });
    let policy = policy(&request, canvas.live.is_some());
    let media_type = HeaderValue::try_from(&found.media_type);
    let mut response = match tag.parse::<ETag>() {
        Ok(tag) if !is_news(&request.headers, &tag) => StatusCode::NOT_MODIFIED.into_response(),
        tag => {
            let sent = if scripted {
                with_script(found, request.head).await
            } else {
                part(found, &request, tag.as_ref().ok()).await
            };
            sent.unwrap_or_else(|error| {
                tracing::warn!(%error, "a file of the canvas cannot be read");
                pages::text(StatusCode::INTERNAL_SERVER_ERROR, "the file cannot be read")
            })
        }
    };
    let headers = response.headers_mut();
    if let Ok(media_type) = media_type {
        headers.insert(header::CONTENT_TYPE, media_type);
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Ok(policy) = HeaderValue::try_from(policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    response
}

fn absent(missing: Missing, path: &str) -> Response {
    match missing {
        Missing::Folder => redirect(StatusCode::PERMANENT_REDIRECT, &format!("{path}/")),
        Missing::Malformed => pages::text(StatusCode::BAD_REQUEST, "this is no path of a page"),
        Missing::TooLarge => pages::text(
            StatusCode::PAYLOAD_TOO_LARGE,
            "the file is larger than `canvas.max_file_mb` allows",
        ),
        Missing::NotFound if path.ends_with('/') => pages::text(
            StatusCode::NOT_FOUND,
            "nothing is drawn here yet: save an index.html into the canvas folder",
        ),
        Missing::NotFound => pages::text(StatusCode::NOT_FOUND, "there is no such file"),
    }
}

/// Whether the client does not have this very file yet.
fn is_news(headers: &HeaderMap, tag: &ETag) -> bool {
    headers.typed_get::<IfNoneMatch>().is_none_or(|known| known.precondition_passes(tag))
}

async fn with_script(found: Document, head: bool) -> std::io::Result<Response> {
    let mut html = Vec::new();
    let file = tokio::fs::File::from_std(found.file);
    file.take(found.length).read_to_end(&mut html).await?;
    let end = html.windows(7).rposition(|w| w.eq_ignore_ascii_case(b"</body>"));
    let at = end.unwrap_or(html.len());
    html.splice(at..at, SCRIPT.bytes());
    let length = html.len();
    let mut response = if head { Vec::new() } else { html }.into_response();
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    Ok(response)
}

/// The file, or the one range of it that was asked for.
async fn part(found: Document, request: &Request, tag: Option<&ETag>) -> std::io::Result<Response> {
    let fresh = request.headers.typed_get::<IfRange>().is_none_or(|r| !r.is_modified(tag, None));
    let range = request.headers.typed_get::<Range>().filter(|_| fresh);
    let whole = found.length;
    let (start, end) = match range.map(|range| one_range(&range, whole)) {
        None | Some(Asked::Whole) => (0, whole),
        Some(Asked::Part(start, end)) => (start, end),
        Some(Asked::Outside) => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            response.headers_mut().typed_insert(ContentRange::unsatisfied_bytes(whole));
            return Ok(response);
        }
    };
    let mut response = if request.head {
        StatusCode::OK.into_response()
    } else {
        let mut file = tokio::fs::File::from_std(found.file);
        file.seek(std::io::SeekFrom::Start(start)).await?;
        let bytes = ReaderStream::with_capacity(file.take(end - start), CHUNK);
        warp::reply::stream(bytes).into_response()
    };
    if end - start < whole {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        if let Ok(range) = ContentRange::bytes(start..end, whole) {
            response.headers_mut().typed_insert(range);
        }
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, (end - start).into());
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    Ok(response)
}

enum Asked {
    Whole,
    Part(u64, u64),
    Outside,
}

/// Several ranges at once are answered with the whole, as a server may.
fn one_range(range: &Range, whole: u64) -> Asked {
    let mut ranges = range.satisfiable_ranges(whole);
    let (Some((from, to)), None) = (ranges.next(), ranges.next()) else {
        return if range.satisfiable_ranges(whole).next().is_some() {
            Asked::Whole
        } else {
            Asked::Outside
        };
    };
    let start = match from {
        Bound::Included(start) => start,
        Bound::Excluded(start) => start + 1,
        Bound::Unbounded => 0,
    };
    let end = match to {
        Bound::Included(end) => end + 1,
        Bound::Excluded(end) => end,
        Bound::Unbounded => whole,
    }
    .min(whole);
    if start < end { Asked::Part(start, end) } else { Asked::Outside }
}

fn reload(canvas: &Canvas, grant: Grant, door: &Door) -> Response {
    let Some(live) = &canvas.live else {
        return pages::text(StatusCode::NOT_FOUND, "live reload is off");
    };
    let changes = match live.changes() {
        Ok(changes) => changes,
        Err(error) => {
            tracing::warn!(%error, "the canvas cannot be watched; pages will not reload");
            return pages::text(StatusCode::SERVICE_UNAVAILABLE, "the folder cannot be watched");
        }
    };
    let stop = door.core.stop.clone();
    let over = async move {
        tokio::select! {
            () = grant.ended.cancelled() => {}
            () = stop.cancelled() => {}
        }
    };
    let begin = stream::iter([Ok::<_, Infallible>(sse::Event::default().comment("waiting"))]);
    let told = stream::unfold(changes, |mut changes| async move {
        let event = sse::Event::default().data("reload");
        changes.next().await.then_some((Ok(event), changes))
    });
    let events = begin.chain(told).take_until(Box::pin(over));
    sse::reply(sse::keep_alive().stream(events)).into_response()
}

/// Everything that a capability reaches, as a policy names it.
fn corner_of(peer: &Peer, word: &str) -> String {
    format!("{}/", corner(&peer.base_url(), word))
}

/// What a page of the canvas may do: run, and load what lies beside it.
fn policy(request: &Request, live: bool) -> String {
    let corner = corner_of(&request.peer, &request.word);
    let connect = if live { format!("{corner}{RELOAD}") } else { "'none'".to_owned() };
    format!(
        "sandbox allow-scripts; default-src {corner} data: blob:; \
         script-src {corner} 'unsafe-inline' 'unsafe-eval' data: blob:; \
         style-src {corner} 'unsafe-inline' data:; connect-src {connect}; worker-src 'none'; \
         frame-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; webrtc 'block'"
    )
}

/// A sandboxed page is foreign even to the files beside it, so each says that it may be used.
fn confined(mut response: Response) -> Response {
    response.extensions_mut().insert(pages::Confined);
    let any = HeaderValue::from_static("*");
    response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, any);
    response.headers_mut().remove(HeaderName::from_static("server"));
    response
}

fn redirect(status: StatusCode, to: &str) -> Response {
    let mut response = status.into_response();
    if let Ok(to) = to.parse() {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}
