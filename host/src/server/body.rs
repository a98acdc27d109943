//! The body of a request on a plugin's route: read within a size and a time.
//!
//! The size is looked at before a byte is read, and again while they come. Must not know: routes, what
//! a body means.

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use hyper::{HeaderMap, StatusCode, header};
use std::time::Duration;

/// How long a body may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BodyFault {
    /// It is larger than it may be.
    TooLarge,
    /// It did not come in time.
    Late,
    /// It ended before its end.
    Broken,
}

impl BodyFault {
    /// Its status and what people are told.
    pub(super) fn told(self) -> (StatusCode, &'static str) {
        match self {
            Self::TooLarge => {
                (StatusCode::PAYLOAD_TOO_LARGE, "the request's body is too large for this route")
            }
            Self::Late => (StatusCode::REQUEST_TIMEOUT, "the request's body did not come in time"),
            Self::Broken => (StatusCode::BAD_REQUEST, "the request's body is not whole"),
        }
    }
}

/// Reads a body of at most `max` bytes.
pub(super) async fn read<B: Buf, E>(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<B, E>>,
    max: u64,
) -> Result<Bytes, BodyFault> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if announced.is_some_and(|length| length.parse::<u64>().is_ok_and(|length| length > max)) {
        return Err(BodyFault::TooLarge);
    }
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let reading = async {
        let mut body = std::pin::pin!(body);
        let mut whole = BytesMut::new();
        while let Some(piece) = body.next().await {
            let piece = piece.map_err(|_| BodyFault::Broken)?;
            if whole.len().saturating_add(piece.remaining()) > max {
                return Err(BodyFault::TooLarge);
            }
            bytes::BufMut::put(&mut whole, piece);
        }
        Ok(whole.freeze())
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap_or(Err(BodyFault::Late))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;

    fn pieces(pieces: &'static [&'static [u8]]) -> impl Stream<Item = Result<&'static [u8], ()>> {
        stream::iter(pieces.iter().map(|piece| Ok(*piece)))
    }

    #[tokio::test]
    async fn a_body_is_whole_or_refused() {
        let none = HeaderMap::new();
        let whole = read(&none, pieces(&[b"sig", b"ned"]), 6).await;
        assert_eq!(whole.as_deref(), Ok(b"signed".as_slice()));
        let large = read(&none, pieces(&[b"sig", b"ned"]), 5).await;
        assert_eq!(large, Err(BodyFault::TooLarge), "though no length was announced");
        let cut = stream::iter([Ok(b"sig".as_slice()), Err(())]);
        assert_eq!(read(&none, cut, 6).await, Err(BodyFault::Broken));
    }

    #[tokio::test]
    async fn what_announces_too_much_is_not_read_at_all() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, header::HeaderValue::from_static("104857600"));
        let untouched = stream::poll_fn(|_| -> std::task::Poll<Option<Result<&[u8], ()>>> {
            panic!("nobody may read this")
        });
        assert_eq!(read(&headers, untouched, 1 << 20).await, Err(BodyFault::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_trickles_is_not_waited_for() {
        let trickle = stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, ()>(b"x".as_slice()), ()))
        });
        assert_eq!(read(&HeaderMap::new(), trickle, 1 << 20).await, Err(BodyFault::Late));
    }
}
