//! Carries `tracing` events and panics of the plugin's library to the host's log.
//!
//! A library has its own copy of tracing and of the panic machinery, so both are installed once per
//! library, at the first `open`, and write to the host of the newest one.
//!
//! Must not know: where the host writes its log.

use crate::abi::{Host, LogRecord};
use abi_stable::std_types::{RSlice, RStr, Tuple2};
use std::{
    fmt::{Debug, Write},
    panic::PanicHookInfo,
    sync::{Once, PoisonError, RwLock},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::{LookupSpan, Scope},
};

static SINK: RwLock<Option<Host>> = RwLock::new(None);

/// Sends what the library logs to `host`.
pub(crate) fn install(host: Host) {
    static ONCE: Once = Once::new();
    *SINK.write().unwrap_or_else(PoisonError::into_inner) = Some(host);
    ONCE.call_once(|| {
        // Fails only where the author's test binary has a subscriber of its own, which then stays.
        let _ =
            tracing::subscriber::set_global_default(tracing_subscriber::registry().with(HostLog));
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if let Some(host) = sink() {
                log_panic(host, info);
            } else {
                previous(info);
            }
        }));
    });
}

/// Stops logging to `host`, unless a newer one has taken its place.
pub(crate) fn release(host: Host) {
    let mut sink = SINK.write().unwrap_or_else(PoisonError::into_inner);
    if sink.is_some_and(|current| current.ctx == host.ctx) {
        *sink = None;
    }
}

fn sink() -> Option<Host> {
    *SINK.read().unwrap_or_else(PoisonError::into_inner)
}

fn log_panic(host: Host, info: &PanicHookInfo<'_>) {
    let thread = thread::current();
    let name = thread.name().unwrap_or("unnamed");
    let said = info.payload_as_str().unwrap_or("no message");
    let message = format!("thread `{name}` panicked: {said}");
    let (file, line) = info.location().map_or(("", 0), |at| (at.file(), at.line()));
    write(host, 1, "panic", &message, &[], (file, line), "");
}

fn write(
    host: Host,
    level: u8,
    target: &str,
    message: &str,
    fields: &[(&'static str, String)],
    (file, line): (&str, u32),
    span: &str,
) {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| Tuple2(RStr::from_str(name), RStr::from_str(value)))
        .collect();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let record = LogRecord {
        level,
        target: RStr::from_str(target),
        message: RStr::from_str(message),
        fields: RSlice::from_slice(&fields),
        file: RStr::from_str(file),
        line,
        ts_unix_ns: u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX),
        span: RStr::from_str(span),
    };
    (host.vt.log())(host.ctx, &record);
}

fn number(level: Level) -> u8 {
    match level {
        Level::ERROR => 1,
        Level::WARN => 2,
        Level::INFO => 3,
        Level::DEBUG => 4,
        Level::TRACE => 5,
    }
}

struct HostLog;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for HostLog {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        // Asked every time: the operator may change the level while the plugin runs.
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        sink().is_some_and(|host| {
            let level = number(*metadata.level());
            (host.vt.log_enabled())(host.ctx, level, RStr::from_str(metadata.target()))
        })
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(host) = sink() else { return };
        let mut said = Said::default();
        event.record(&mut said);
        let mut span = String::new();
        for open in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            let sep = if span.is_empty() { "" } else { ":" };
            let _ = write!(span, "{sep}{}", open.name());
        }
        let about = event.metadata();
        let at = (about.file().unwrap_or(""), about.line().unwrap_or(0));
        let level = number(*about.level());
        write(host, level, about.target(), &said.message, &said.fields, at, &span);
    }
}

#[derive(Default)]
struct Said {
    message: String,
    fields: Vec<(&'static str, String)>,
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        // Without the quotes that `Debug` would add.
        self.keep(field, value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.keep(field, format!("{value:?}"));
    }
}

impl Said {
    fn keep(&mut self, field: &Field, text: String) {
        if field.name() == "message" {
            self.message = text;
        } else {
            self.fields.push((field.name(), text));
        }
    }
}
