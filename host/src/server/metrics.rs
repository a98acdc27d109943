//! `/metrics`: counts and gauges in the text form that Prometheus reads, for holders of the secret.
//!
//! Everything is collected when it is asked for; nothing is kept here. Must not know: what makes the
//! numbers.

use super::{Door, bearer, pages};
use crate::{
    auth::Peer,
    messages::{Backlog, Counted},
    methods::Core,
    plugins::{PluginState, PluginStatus},
};
use hyper::{
    HeaderMap, StatusCode,
    header::{self, HeaderValue},
};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
    registry::Registry,
};
use std::{convert::Infallible, fmt, sync::Arc};
use warp::{Reply as _, reply::Response};

const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers a request.
pub(super) async fn answer(
    headers: HeaderMap,
    peer: Option<Peer>,
    door: Arc<Door>,
) -> Result<Response, Infallible> {
    let Some(peer) = peer else {
        return Ok(pages::text(StatusCode::BAD_REQUEST, "this connection has no address"));
    };
    let refused = |status| {
        let text = match status {
            StatusCode::UNAUTHORIZED => "send the gateway's token as `Authorization: Bearer`",
            _ => "too many failed authentication attempts",
        };
        pages::text(status, text)
    };
    Ok(match bearer::pass(&door, &peer, &headers, refused).await {
        Ok(()) => page(&door.core).await,
        Err(refused) => refused,
    })
}

async fn page(core: &Core) -> Response {
    let Ok(backlog) = core.messages.backlog().await else {
        return pages::text(StatusCode::SERVICE_UNAVAILABLE, "the store cannot be read");
    };
    let mut registry = Registry::with_prefix("jackfield");
    registry.register_collector(Box::new(Sample::of(core, backlog)));
    let mut body = String::new();
    if text::encode(&mut body, &registry).is_err() {
        return pages::text(StatusCode::INTERNAL_SERVER_ERROR, "the numbers cannot be written");
    }
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE));
    response
}

/// The numbers at one moment.
#[derive(Debug)]
struct Sample {
    uptime_ms: u64,
    connections: usize,
    runs: usize,
    messages: Counted,
    backlog: Backlog,
    plugins: Vec<PluginStatus>,
}

impl Sample {
    fn of(core: &Core, backlog: Backlog) -> Self {
        let mut plugins = core.plugins.measured();
        plugins.retain(|plugin| plugin.enabled);
        Self {
            uptime_ms: core.uptime_ms(),
            connections: core.events.connections(),
            runs: core.runs.active(),
            messages: core.messages.counters(),
            backlog,
            plugins,
        }
    }

    /// A number of each plugin that has it.
    fn of_plugins(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        (name, text, kind): (&str, &str, MetricType),
        number: impl Fn(&PluginStatus) -> Option<u64>,
    ) -> fmt::Result {
        let mut family = encoder.encode_descriptor(name, text, None, kind)?;
        for plugin in &self.plugins {
            let Some(number) = number(plugin) else { continue };
            let labels = [("plugin", plugin.id.as_str()), ("channel", plugin.channel.as_str())];
            let one = family.encode_family(&labels)?;
            match kind {
                MetricType::Counter => ConstCounter::new(number).encode(one)?,
                _ => ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX)).encode(one)?,
            }
        }
        Ok(())
    }
}

impl Collector for Sample {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let whole = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let seconds = i64::try_from(self.uptime_ms / 1000).unwrap_or(i64::MAX);
        let gauges = [
            ("uptime_seconds", "Seconds since the gateway started", seconds),
            ("connections", "Clients connected", whole(self.connections)),
            ("runs_active", "Turns of the agent under way", whole(self.runs)),
            (
                "messages_pending",
                "Messages to be sent that are not sent yet",
                i64::try_from(self.backlog.outbound_pending).unwrap_or(i64::MAX),
            ),
        ];
        for (name, text, number) in gauges {
            let gauge = ConstGauge::new(number);
            gauge.encode(encoder.encode_descriptor(name, text, None, MetricType::Gauge)?)?;
        }
        let counted = &self.messages;
        let counters = [
            ("messages_accepted", "Events stored and let in", counted.accepted),
            ("messages_duplicate", "Events known already", counted.duplicates),
            ("messages_refused", "Events that the gate refused", counted.refused),
            ("messages_unavailable", "Events not stored, to come again", counted.unavailable),
            ("messages_dead", "Events given up on", counted.dead),
            (
                "messages_sends",
                "Messages to be sent, those left from before included",
                counted.sends,
            ),
            ("messages_sent", "Messages sent", counted.sent),
            ("messages_failed", "Messages that cannot be sent", counted.failed),
            ("messages_unknown", "Messages of which nobody knows", counted.unknown),
            ("runs", "Turns of the agent that ended", counted.turns),
        ];
        for (name, text, number) in counters {
            let counter = ConstCounter::new(number);
            counter.encode(encoder.encode_descriptor(name, text, None, MetricType::Counter)?)?;
        }
        plugins(self, &mut encoder)
    }
}

fn plugins(sample: &Sample, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
    use MetricType::{Counter, Gauge};
    type Number = fn(&PluginStatus) -> Option<u64>;
    let numbers: [(&str, &str, MetricType, Number); 13] = [
        ("plugin_up", "1 while the plugin runs", Gauge, |p| {
            Some(u64::from(p.state == PluginState::Running))
        }),
        ("plugin_memory_bytes", "Memory in use by its process", Gauge, |p| {
            p.usage.as_ref()?.memory_bytes
        }),
        ("plugin_cpu_milliseconds", "Processor time of its process", Gauge, |p| {
            p.usage.as_ref()?.cpu_ms
        }),
        ("plugin_fds", "Open files of its process", Gauge, |p| p.usage.as_ref()?.fds),
        ("plugin_threads", "Threads of its process", Gauge, |p| p.usage.as_ref()?.threads),
        ("plugin_unanswered", "Messages handed to it and not answered", Gauge, |p| {
            p.usage.as_ref().map(|usage| usage.unanswered)
        }),
        ("plugin_events", "Events it reported", Counter, |p| p.usage.as_ref().map(|u| u.events)),
        ("plugin_events_refused", "Events of these not stored", Counter, |p| {
            p.usage.as_ref().map(|usage| usage.events_refused)
        }),
        ("plugin_sent", "Things it did when asked", Counter, |p| p.usage.as_ref().map(|u| u.sent)),
        ("plugin_failed", "Things it could not do", Counter, |p| {
            p.usage.as_ref().map(|usage| usage.failed)
        }),
        ("plugin_falls", "Times it ended against its will", Counter, |p| {
            p.usage.as_ref().map(|usage| usage.falls)
        }),
        ("plugin_swaps", "Times another version took over", Counter, |p| {
            p.usage.as_ref().map(|usage| usage.swaps)
        }),
        ("plugin_restarts", "Starts after the first", Counter, |p| Some(u64::from(p.restarts))),
    ];
    for (name, text, kind, number) in numbers {
        sample.of_plugins(encoder, (name, text, kind), number)?;
    }
    Ok(())
}
