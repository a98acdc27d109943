//! Routes for those who hold the gateway's secret and send it as `Authorization: Bearer`: who may
//! not pass is answered here, as late as the limits say. Must not know what the routes give.

use super::Door;
use crate::auth::{Peer, bearer::NoBearer};
use hyper::{
    HeaderMap, StatusCode,
    header::{self, HeaderValue},
};
use warp::reply::Response;

/// Lets a request pass.
///
/// # Errors
/// The answer for who may not: what `words` makes of 401 or 429, the latter with how long to wait.
pub(super) async fn pass(
    door: &Door,
    peer: &Peer,
    headers: &HeaderMap,
    words: impl Fn(StatusCode) -> Response,
) -> Result<(), Response> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).map(str::trim);
    match door.core.auth.bearer(peer, token).await {
        Ok(()) => Ok(()),
        Err(NoBearer::Unauthorized(delay)) => {
            tokio::time::sleep(delay).await;
            Err(words(StatusCode::UNAUTHORIZED))
        }
        Err(NoBearer::Locked(left_ms)) => {
            let mut response = words(StatusCode::TOO_MANY_REQUESTS);
            let seconds = HeaderValue::from(left_ms.div_ceil(1000));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
            Err(response)
        }
    }
}
