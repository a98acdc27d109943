//! The author's promises, seen through [`FakeHost`]: order, credit, the panic wall, drain and export.

use super::{FakeHost, message, run, text_to, wire::Wire};
use crate::{
    channel::{Channel, Outgoing, Resume},
    error::{FailureClass, PluginError, SendError},
    fetch::{Fetch, Fetched, Reconciled},
    frame::{Accepted, HostFrame, State, WINDOW},
    host::Host,
    http::{HttpRequest, HttpResponse},
    link::LinkState,
    outbound::{Outbound, Receipt},
};
use serde::Deserialize;
use serde_json::json;
use std::{cell::RefCell, future::pending, time::Duration};
use tokio::sync::Notify;

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    events: u32,
    #[serde(default)]
    panic: bool,
}

/// Emits `events` events at start; its sends obey their text.
struct Obedient {
    host: Host,
    gate: Notify,
    restored: Option<State>,
}

impl Channel for Obedient {
    type Config = Config;

    async fn start(host: Host, config: Config, resume: Resume) -> Result<Self, PluginError> {
        assert!(!config.panic, "told to panic");
        for n in 1..=config.events {
            let host_here = host.clone();
            host.spawn(async move {
                let taken = host_here.emit("default", n.to_string(), None, message("ada", "hi"));
                if taken.await == Ok(Accepted::Stored) {
                    let account = host_here.default_account();
                    account.link(LinkState::Connected, format!("stored {n}")).await;
                }
            });
        }
        Ok(Self { host, gate: Notify::new(), restored: resume.state })
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        let Outbound::Message { text, .. } = out.body else {
            return Err(SendError::unsupported(out.body.kind()));
        };
        match text.as_str() {
            "panic" => panic!("told to panic"),
            "wait" => self.gate.notified().await,
            "open" => self.gate.notify_one(),
            "hang" => pending().await,
            "lend" => LENT.set(Some(self.host.clone())),
            "task" => drop(self.host.spawn(async { panic!("told to panic in a task") })),
            _ => {}
        }
        Ok(Receipt { message: Some(text.into()), ..Receipt::default() })
    }

    async fn http(&self, request: HttpRequest) -> HttpResponse {
        assert_ne!(request.path, "/panic", "told to panic");
        HttpResponse::new(200).with_body(request.body().unwrap_or_default())
    }

    async fn fetch(&self, wanted: Fetch) -> Result<Fetched, SendError> {
        assert_ne!(wanted.handle, "panic", "told to panic");
        let bytes = wanted.handle.as_bytes();
        std::fs::write(&wanted.path, bytes)
            .map_err(|e| SendError::retryable("disk", e.to_string()))?;
        Ok(Fetched { bytes: bytes.len() as u64, ..Fetched::default() })
    }

    async fn reconcile(&self, out: Outgoing) -> Reconciled {
        match out.idem_key.as_str() {
            "panic" => panic!("told to panic"),
            "lost" => Reconciled::NotSent,
            key => Reconciled::Sent(Receipt { message: Some(key.into()), ..Receipt::default() }),
        }
    }

    async fn export(&self) -> Option<State> {
        self.restored.clone()
    }
}

/// Writes only what must be written.
struct Plain;

impl Channel for Plain {
    type Config = serde_json::Value;

    async fn start(_: Host, _: Self::Config, _: Resume) -> Result<Self, PluginError> {
        Ok(Self)
    }

    async fn send(&self, out: Outgoing) -> Result<Receipt, SendError> {
        Err(SendError::unsupported(out.body.kind()))
    }
}

async fn started(config: serde_json::Value) -> FakeHost<Obedient> {
    FakeHost::start(config).await
}

#[test]
fn at_most_a_window_of_events_is_unanswered_and_they_keep_their_order() {
    run(async {
        let mut host = started(json!({"events": WINDOW + 6})).await;
        let mut open = Vec::new();
        for n in 1..=WINDOW {
            let event = host.event().await;
            assert_eq!(event.dedupe_key, n.to_string());
            open.push(event);
        }
        // A whole round trip passes and no event with it: the credit is used up.
        host.send(text_to("ada", "hello")).await.unwrap();
        assert!(host.wire.kept.is_empty(), "{:?}", host.wire.kept);
        for (n, event) in open.iter().take(6).enumerate() {
            event.answer(Accepted::Stored);
            let next = host.event().await;
            assert_eq!(next.id, u64::from(WINDOW) + n as u64 + 1);
        }
    });
}

#[test]
fn a_refused_event_is_told_apart_from_a_stored_one() {
    run(async {
        let mut host = started(json!({"events": 2})).await;
        host.event().await.answer(Accepted::Refused);
        host.event().await.answer(Accepted::Stored);
        assert_eq!(host.link(LinkState::Connected).await.detail.as_deref(), Some("stored 2"));
        assert_eq!(host.links().len(), 1);
    });
}

#[test]
fn panics_stop_at_the_wall() {
    run(async {
        let mut host = started(json!({})).await;
        let error = host.send(text_to("ada", "panic")).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Uncertain, "panicked"));
        assert!(error.text.contains("told to panic"), "{}", error.text);
        assert_eq!(host.http(HttpRequest::new("GET", "/panic")).await.status, 500);
        let echo = host.http(HttpRequest::new("GET", "/fine").with_body("hey")).await;
        assert_eq!(echo.body().unwrap(), b"hey");
        let receipt = host.send(text_to("ada", "still here")).await.unwrap();
        assert_eq!(receipt.message, Some("still here".into()));
    });
}

#[test]
fn a_panic_in_start_is_fatal_and_says_what_it_said() {
    run(async {
        let started =
            FakeHost::<Obedient>::try_start(json!({"panic": true}), Resume::default()).await;
        let error = started.err().expect("it panicked");
        assert!(error.text.starts_with("panicked in start: told to panic"), "{error}");
    });
}

#[test]
fn a_panic_in_a_task_is_fatal() {
    run(async {
        let mut host = started(json!({})).await;
        host.send(text_to("ada", "task")).await.unwrap();
        assert!(host.fatal().await.text.contains("told to panic in a task"));
    });
}

#[test]
fn a_setting_of_the_wrong_kind_is_named() {
    run(async {
        let started =
            FakeHost::<Obedient>::try_start(json!({"events": "many"}), Resume::default()).await;
        let error = started.err().expect("a text is no number");
        assert_eq!(error.config_path.as_deref(), Some("/events"));
    });
}

#[test]
fn sends_overlap() {
    run(async {
        let mut host = started(json!({})).await;
        let waiting = host.dispatch(outgoing("wait", 10_000)).await;
        host.send(text_to("bob", "open")).await.unwrap();
        assert_eq!(host.outcome(waiting).await.unwrap().message, Some("wait".into()));
    });
}

#[test]
fn a_send_that_takes_too_long_is_uncertain() {
    run(async {
        let mut host = started(json!({})).await;
        let hanging = host.dispatch(outgoing("hang", 20)).await;
        let error = host.outcome(hanging).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Uncertain, "timeout"));
    });
}

#[test]
fn a_kind_this_crate_does_not_know_is_unsupported() {
    run(async {
        let mut host = started(json!({})).await;
        let error = host.send(Outbound::Unknown).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Permanent, "unsupported"));
    });
}

#[test]
fn a_file_is_fetched_into_its_place_and_a_panic_fails_that_fetch_alone() {
    run(async {
        let mut host = started(json!({})).await;
        let path = std::env::temp_dir().join(format!("jackfield-fetch-{}", std::process::id()));
        let wanted = |handle: &str| Fetch {
            account: "default".into(),
            handle: handle.to_owned(),
            path: path.display().to_string(),
            bytes_max: 100,
        };
        let error = host.fetch(wanted("panic")).await.unwrap_err();
        assert_eq!((error.class, error.code.as_str()), (FailureClass::Permanent, "panicked"));
        assert_eq!(host.fetch(wanted("picture")).await.unwrap().bytes, 7);
        assert_eq!(std::fs::read(&path).unwrap(), b"picture");
        std::fs::remove_file(&path).unwrap();
    });
}

#[test]
fn an_uncertain_attempt_is_asked_after_by_its_key() {
    run(async {
        let mut host = started(json!({})).await;
        let sent = Receipt { message: Some("k".into()), ..Receipt::default() };
        assert_eq!(host.reconcile(outgoing("k", 1)).await, Reconciled::Sent(sent));
        assert_eq!(host.reconcile(outgoing("lost", 1)).await, Reconciled::NotSent);
        assert_eq!(host.reconcile(outgoing("panic", 1)).await, Reconciled::Unknown);
    });
}

#[test]
fn a_channel_that_writes_neither_says_so() {
    run(async {
        let mut host = FakeHost::<Plain>::start(json!({})).await;
        let (account, path) = ("default".into(), "/nowhere".to_owned());
        let wanted = Fetch { account, handle: "h".to_owned(), path, bytes_max: 1 };
        assert_eq!(host.fetch(wanted).await.unwrap_err().code, "unsupported");
        assert_eq!(host.reconcile(outgoing("k", 1)).await, Reconciled::Unknown);
    });
}

#[test]
fn drained_comes_after_the_last_outcome_and_never_after_a_resume() {
    run(async {
        let mut host = started(json!({})).await;
        let waiting = host.dispatch(outgoing("wait", 10_000)).await;
        // The first attempt is called off while a send is in flight: no `drained` of it may come.
        host.wire.tell(HostFrame::Drain { epoch: 900 }).await;
        host.resume().await;
        host.send(text_to("bob", "open")).await.unwrap();
        assert_eq!(host.drain().await, 0);
        let kept = format!("{:?}", host.wire.kept);
        assert!(!kept.contains("900"), "a late drained: {kept}");
        assert!(host.outcome(waiting).await.is_ok(), "it was answered before drained");
    });
}

#[test]
fn state_goes_from_one_life_to_the_next() {
    run(async {
        let mut first = started(json!({})).await;
        let none = first.export().await;
        assert_eq!((none.schema, none.data), (0, json!(null)));
        let state = State { schema: 3, data: json!({"port": 7}) };
        let resume = Resume { state: Some(state.clone()), cursors: Vec::new() };
        let mut second = FakeHost::<Obedient>::try_start(json!({}), resume).await.unwrap();
        assert_eq!(second.export().await, state);
    });
}

#[test]
fn without_configure_new_settings_ask_for_a_restart() {
    run(async {
        let mut host = started(json!({})).await;
        host.configure(json!({"events": 1})).await;
        assert!(host.fatal().await.text.contains("restart"));
    });
}

#[test]
fn a_slow_host_gets_everything_in_order() {
    run(async {
        // Two places only: the port answers FULL most of the time.
        let mut host = FakeHost::<Obedient>::over(Wire::open::<Obedient>(2));
        let config = json!({"events": 30});
        let (state, cursors) = (None, Vec::new());
        host.wire.tell(HostFrame::Start { config, state, cursors, epoch: 1 }).await;
        for n in 1..=30 {
            assert_eq!(host.event().await.id, n);
        }
    });
}

#[test]
fn an_event_that_no_frame_can_hold_is_refused_and_the_next_one_passes() {
    run(async {
        let mut host = started(json!({})).await;
        let handle = lent_handle(&mut host).await;
        let huge = "x".repeat(crate::frame::FRAME_BYTES_MAX);
        let refused = handle.emit("default", "1", None, message("ada", &huge)).await;
        assert_eq!(refused, Ok(Accepted::Refused));
        let fine = tokio::spawn(async move {
            handle.emit("default", "2", None, message("ada", "small")).await
        });
        host.event().await.answer(Accepted::Duplicate);
        assert_eq!(fine.await.unwrap(), Ok(Accepted::Duplicate));
    });
}

#[test]
fn emit_after_the_end_says_that_the_host_is_gone() {
    run(async {
        let mut host = started(json!({})).await;
        let handle = lent_handle(&mut host).await;
        let unanswered = handle.clone();
        let open = tokio::spawn(async move {
            unanswered.emit("default", "1", None, message("ada", "never answered")).await
        });
        host.event().await;
        host.stop().await;
        assert_eq!(open.await.unwrap(), Err(crate::host::HostGone));
        let late = handle.emit("default", "2", None, message("ada", "late")).await;
        assert_eq!(late, Err(crate::host::HostGone));
        handle.shutdown().await;
    });
}

/// The channel's own host handle, out of the channel.
async fn lent_handle(host: &mut FakeHost<Obedient>) -> Host {
    host.send(text_to("ada", "lend")).await.unwrap();
    LENT.with_borrow_mut(Option::take).expect("the channel put it there")
}

thread_local! {
    static LENT: RefCell<Option<Host>> = const { RefCell::new(None) };
}

fn outgoing(text: &str, timeout_ms: u64) -> Outgoing {
    Outgoing {
        body: text_to("ada", text),
        idem_key: text.to_owned(),
        attempt: 1,
        timeout: Duration::from_millis(timeout_ms),
    }
}

#[test]
fn a_part_names_its_album_and_a_message_of_its_own_names_none() {
    run(async {
        let mut host = started(json!({})).await;
        let handle = lent_handle(&mut host).await;
        let told = tokio::spawn(async move {
            let part = handle.emit_part("default", "1", None, "g7", message("ada", "a")).await;
            (part, handle.emit("default", "2", None, message("ada", "b")).await)
        });
        for album in [Some("g7"), None] {
            let event = host.event().await;
            assert_eq!(event.album.as_deref(), album);
            event.answer(Accepted::Stored);
        }
        assert_eq!(told.await.unwrap(), (Ok(Accepted::Stored), Ok(Accepted::Stored)));
    });
}
