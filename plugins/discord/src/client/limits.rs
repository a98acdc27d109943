//! Discord's rate limits: a bucket for each route, one for everything, counted from its answers.
//!
//! The library counts the buckets; the pause that Discord asks of the whole account is kept here.

use super::Call;
use crate::error::Failure;
use jackfield_plugin_api::tokio::time::{Instant, timeout};
use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use twilight_http_ratelimiting::{
    Endpoint, Method as Counted, Permit, RateLimitHeaders, RateLimiter,
};

/// A call waits this long for its turn before it is sent back; longer waits are the gateway's.
const WAIT_MAX: Duration = Duration::from_secs(3);
/// A 429 that does not say how long.
const WAIT_UNKNOWN: Duration = Duration::from_secs(5);
/// Discord's limit for everything an account asks, a second.
const GLOBAL: u16 = 50;

pub(super) struct Limits {
    buckets: RateLimiter,
    all_until: Mutex<Option<Instant>>,
}

impl Limits {
    pub(super) fn new() -> Self {
        Self { buckets: RateLimiter::new(GLOBAL), all_until: Mutex::default() }
    }

    /// Waits for the turn of a call, or says how long the wait would be.
    pub(super) async fn permit(
        &self,
        call: &Call,
        patience: Duration,
    ) -> Result<Option<Permit>, Failure> {
        // Discord counts these apart, and somebody waits for three seconds at most.
        if call.path.starts_with("interactions/") {
            return Ok(None);
        }
        let until = *self.all_until.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = until.and_then(|at| at.checked_duration_since(Instant::now())) {
            return Err(Failure::Limited(left));
        }
        let endpoint = endpoint(call);
        let waiting = self.buckets.acquire(endpoint.clone());
        if let Ok(permit) = timeout(WAIT_MAX.min(patience / 2), waiting).await {
            return Ok(Some(permit));
        }
        let bucket = self.buckets.bucket(endpoint).await;
        let left = bucket
            .map(|bucket| bucket.reset_at.saturating_duration_since(std::time::Instant::now()));
        Err(Failure::Limited(left.unwrap_or_default().max(Duration::from_secs(1))))
    }

    /// Learns from an answer; tells how long to wait when it is a 429.
    pub(super) fn learn(
        &self,
        permit: Option<Permit>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Option<Duration> {
        let complete = |counted| {
            if let Some(permit) = permit {
                permit.complete(counted);
            }
        };
        if status != StatusCode::TOO_MANY_REQUESTS {
            complete(counted(headers));
            return None;
        }
        let after = seconds(headers, RETRY_AFTER.as_str()).unwrap_or(WAIT_UNKNOWN);
        let bucket = text(headers, RateLimitHeaders::BUCKET);
        let global = headers.contains_key("x-ratelimit-global")
            || text(headers, RateLimitHeaders::SCOPE) == Some("global");
        if let Some(bucket) = bucket.filter(|_| !global) {
            complete(Some(RateLimitHeaders {
                bucket: bucket.as_bytes().to_vec(),
                limit: 0,
                remaining: 0,
                reset_at: std::time::Instant::now() + after,
            }));
        } else {
            // The account as a whole, or a wall before Discord that knows no buckets.
            complete(None);
            let mut until = self.all_until.lock().unwrap_or_else(PoisonError::into_inner);
            *until = Some(Instant::now() + after);
        }
        Some(after)
    }
}

fn endpoint(call: &Call) -> Endpoint {
    let method = match call.method {
        Method::DELETE => Counted::Delete,
        Method::PATCH => Counted::Patch,
        Method::POST => Counted::Post,
        Method::PUT => Counted::Put,
        _ => Counted::Get,
    };
    let path = call.path.split('?').next().unwrap_or_default();
    // A limit holds for all messages of a channel, so what it is counted by names none of them: an
    // emoji, and numbers behind that of the channel. A command's token stays.
    let counted = |(at, part): (usize, &str)| match part {
        part if at >= 2 && part.bytes().all(|c| c.is_ascii_digit()) => ":id".to_owned(),
        part if part.contains(['%', ':']) => ":emoji".to_owned(),
        part => part.to_owned(),
    };
    let path = path.split('/').enumerate().map(counted).collect::<Vec<_>>().join("/");
    Endpoint { method, path }
}

fn counted(headers: &HeaderMap) -> Option<RateLimitHeaders> {
    Some(RateLimitHeaders {
        bucket: text(headers, RateLimitHeaders::BUCKET)?.as_bytes().to_vec(),
        limit: text(headers, RateLimitHeaders::LIMIT)?.parse().ok()?,
        remaining: text(headers, RateLimitHeaders::REMAINING)?.parse().ok()?,
        reset_at: std::time::Instant::now() + seconds(headers, RateLimitHeaders::RESET_AFTER)?,
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn seconds(headers: &HeaderMap, name: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(text(headers, name)?.parse().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::{Limits, endpoint};
    use crate::{client::Call, error::Failure};
    use jackfield_plugin_api::testing::run;
    use reqwest::{StatusCode, header::HeaderMap};
    use std::time::Duration;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    async fn wait_of(limits: &Limits, call: &Call) -> Duration {
        match limits.permit(call, Duration::from_millis(50)).await {
            Err(Failure::Limited(wait)) => wait,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_bucket_that_is_used_up_blocks_its_channel_only() {
        run(async {
            let limits = Limits::new();
            let (here, there) =
                (Call::get("channels/1/messages?limit=1"), Call::get("channels/2/messages"));
            let permit = limits.permit(&here, Duration::from_secs(9)).await.unwrap();
            let told = limits.learn(
                permit,
                StatusCode::OK,
                &headers(&[
                    ("x-ratelimit-bucket", "b"),
                    ("x-ratelimit-limit", "5"),
                    ("x-ratelimit-remaining", "0"),
                    ("x-ratelimit-reset-after", "3600"),
                ]),
            );
            assert_eq!(told, None);
            assert!(wait_of(&limits, &here).await > Duration::from_secs(3500));
            assert!(limits.permit(&there, Duration::from_secs(9)).await.is_ok());
        });
    }

    #[test]
    fn a_global_429_blocks_everything_for_as_long_as_it_says() {
        run(async {
            let limits = Limits::new();
            let permit = limits.permit(&Call::get("a"), Duration::from_secs(9)).await.unwrap();
            let answer = headers(&[("retry-after", "64.5"), ("x-ratelimit-global", "true")]);
            let told = limits.learn(permit, StatusCode::TOO_MANY_REQUESTS, &answer);
            assert_eq!(told, Some(Duration::from_millis(64_500)));
            assert!(wait_of(&limits, &Call::get("b")).await > Duration::from_mins(1));
        });
    }

    #[test]
    fn limits_are_counted_for_all_messages_of_a_channel() {
        let path = |path: &str| endpoint(&Call::get(path)).path;
        assert_eq!(path("channels/1/messages?after=2"), "channels/1/messages");
        assert_eq!(path("channels/1/messages/77"), "channels/1/messages/:id");
        assert_eq!(
            path("channels/1/messages/7/reactions/%F0%9F/@me"),
            "channels/1/messages/:id/reactions/:emoji/@me"
        );
        assert_eq!(path("webhooks/5/tok/messages/@original"), "webhooks/5/tok/messages/@original");
    }
}
