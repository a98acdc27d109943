//! The panic wall: every future of an author is polled behind it.

use futures_util::FutureExt;
use std::{any::Any, future::Future, panic::AssertUnwindSafe};

/// Runs `future` to its end, or to its panic, whose text it returns.
///
/// Whatever the panic left half done is the author's: after a panic in `send` or `http` the channel
/// goes on, in every other place this life of the plugin ends.
pub(crate) async fn wall<T>(future: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(future).catch_unwind().await.map_err(|payload| panic_text(&*payload))
}

/// What a panic said, where it said something.
pub(crate) fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no message").to_owned()
}
