//! Attempts against a plugin that is played by hand: the receiving end of its queue.

use super::*;
use crate::plugins::carrier::OUTGOING_MAX;
use futures_util::future::join_all;
use jackfield_plugin_api::{
    error::FailureClass,
    frame::WINDOW,
    outbound::{Outbound, Target},
};

fn open() -> (Arc<Live>, mpsc::Receiver<Outgoing>) {
    let (outgoing, to_plugin) = mpsc::channel(OUTGOING_MAX);
    (Arc::new(Live::new(outgoing)), to_plugin)
}

fn attempt(text: &str) -> Attempt {
    let to =
        Target { account: "default".into(), conversation: "bob".into(), kind: None, thread: None };
    Attempt {
        idem_key: "key".into(),
        attempt: 2,
        timeout: Duration::from_secs(3),
        body: Outbound::Message {
            to,
            text: text.into(),
            attachments: Vec::new(),
            reply_to: None,
            silent: false,
        },
    }
}

/// One attempt on a life that is not about to be replaced.
async fn send(live: &Live, attempt: Attempt) -> Result<Receipt, SendError> {
    match live.send(attempt).await {
        Handed::Answered(outcome) => outcome,
        Handed::Held(_) => panic!("nobody holds it"),
    }
}

/// Takes the next frame as a carrier does; `None` when it was withdrawn.
async fn take(queue: &mut mpsc::Receiver<Outgoing>) -> Option<HostFrame> {
    let Some(Outgoing::Frame { bytes, ticket, .. }) = queue.recv().await else {
        panic!("a frame is queued");
    };
    let taken = ticket.is_none_or(|ticket| ticket.dispatch());
    taken.then(|| serde_json::from_slice(&bytes).unwrap())
}

#[tokio::test]
async fn an_attempt_carries_its_key_and_brings_the_receipt_back() {
    let (live, mut queue) = open();
    let plugin = async {
        let Some(HostFrame::Msg { seq, idem_key, attempt, timeout_ms, .. }) =
            take(&mut queue).await
        else {
            panic!("a message");
        };
        assert_eq!((idem_key.as_str(), attempt, timeout_ms), ("key", 2, 3000));
        live.ledger
            .settle_message(seq, Ok(Receipt { message: Some("m1".into()), ..Receipt::default() }));
    };
    let (sent, ()) = tokio::join!(send(&live, attempt("hi")), plugin);
    assert_eq!(sent.unwrap().message, Some("m1".into()));
}

#[tokio::test(start_paused = true)]
async fn silence_is_uncertain_once_handed_over_and_retryable_before() {
    let (live, mut queue) = open();
    let (handed_over, _) = tokio::join!(send(&live, attempt("a")), take(&mut queue));
    assert_eq!(handed_over.unwrap_err().class, FailureClass::Uncertain);
    let queued = send(&live, attempt("b")).await.unwrap_err();
    assert_eq!((queued.class, queued.code.as_str()), (FailureClass::Retryable, "plugin_busy"));
    assert_eq!(take(&mut queue).await, None, "what was given up is never sent");
}

#[tokio::test(start_paused = true)]
async fn a_full_window_makes_the_next_wait_and_then_give_up_unsent() {
    let (live, mut queue) = open();
    let waiting = join_all((0..WINDOW).map(|_| send(&live, attempt("x"))));
    let plugin = async {
        for _ in 0..WINDOW {
            take(&mut queue).await.unwrap();
        }
        let one_more = Attempt { timeout: Duration::from_secs(1), ..attempt("one more") };
        let error = send(&live, one_more).await.unwrap_err();
        live.ledger.close("over");
        error
    };
    let (answers, one_more) = tokio::join!(waiting, plugin);
    assert_eq!(one_more.code, "plugin_busy");
    for answer in answers {
        assert_eq!(answer.unwrap_err().class, FailureClass::Uncertain);
    }
    assert_eq!(send(&live, attempt("later")).await.unwrap_err().code, "plugin_not_running");
}

fn wanted() -> Fetch {
    Fetch { account: "default".into(), handle: "h".into(), path: "/x".into(), bytes_max: 5 }
}

#[tokio::test]
async fn nothing_is_asked_that_the_hello_did_not_offer() {
    let (live, mut queue) = open();
    live.can(vec!["juggling".to_owned()]);
    let error = live.fetch(wanted()).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (FailureClass::Permanent, "unsupported"));
    assert_eq!(live.reconcile(attempt("a")).await, Some(Reconciled::Unknown));
    assert!(queue.try_recv().is_err(), "an older plugin would not understand it");
}

#[tokio::test]
async fn files_and_outcomes_come_back_to_who_asked() {
    let (live, mut queue) = open();
    live.can(vec![FEATURE_FETCH.to_owned(), FEATURE_RECONCILE.to_owned()]);
    let plugin = async {
        let Some(HostFrame::Fetch { req_id, handle, bytes_max, .. }) = take(&mut queue).await
        else {
            panic!("a fetch");
        };
        assert_eq!((handle.as_str(), bytes_max), ("h", 5));
        assert!(live.ledger.settle_fetch(req_id, Ok(Fetched { bytes: 5, ..Fetched::default() })));
        let Some(HostFrame::Reconcile { req_id, idem_key, attempt, .. }) = take(&mut queue).await
        else {
            panic!("a reconcile");
        };
        assert_eq!((idem_key.as_str(), attempt), ("key", 2));
        assert!(live.ledger.settle_reconcile(req_id, Reconciled::NotSent));
        assert!(!live.ledger.settle_reconcile(req_id, Reconciled::Unknown), "answered already");
    };
    let host = async {
        assert_eq!(live.fetch(wanted()).await.unwrap().bytes, 5);
        assert_eq!(live.reconcile(attempt("a")).await, Some(Reconciled::NotSent));
    };
    tokio::join!(host, plugin);
}

#[tokio::test(start_paused = true)]
async fn a_plugin_that_dies_or_stays_silent_leaves_the_question_open() {
    let (live, mut queue) = open();
    live.can(vec![FEATURE_FETCH.to_owned(), FEATURE_RECONCILE.to_owned()]);
    let (late, _) = tokio::join!(live.fetch(wanted()), take(&mut queue));
    assert_eq!(late.unwrap_err().class, FailureClass::Retryable);
    let (unasked, ()) = tokio::join!(live.reconcile(attempt("a")), async {
        take(&mut queue).await;
        live.ledger.close("killed");
    });
    assert_eq!(unasked, None);
    assert_eq!(live.fetch(wanted()).await.unwrap_err().class, FailureClass::Retryable);
}

#[tokio::test]
async fn what_does_not_fit_into_a_frame_is_refused_for_good() {
    let (live, _queue) = open();
    let error = send(&live, attempt(&"x".repeat(FRAME_BYTES_MAX))).await.unwrap_err();
    assert_eq!((error.class, error.code.as_str()), (FailureClass::Permanent, "too_large"));
    assert_eq!(live.ledger.open_messages(), 0);
}

#[tokio::test]
async fn a_queue_that_is_gone_means_unsent() {
    let (live, queue) = open();
    drop(queue);
    assert_eq!(send(&live, attempt("x")).await.unwrap_err().code, "plugin_not_running");
    let probe = live.probe("default", Duration::from_secs(1)).await;
    assert!(probe.unwrap_err().contains("takes nothing"));
}

#[tokio::test]
async fn what_a_held_life_does_not_take_comes_back_whole() {
    let (live, mut queue) = open();
    live.ledger.hold(true);
    let Handed::Held(back) = live.send(attempt("wait")).await else {
        panic!("held");
    };
    assert_eq!(back, attempt("wait"));
    assert!(queue.try_recv().is_err(), "nothing was handed over");
    live.ledger.hold(false);
    let taken = async {
        take(&mut queue).await.unwrap();
        live.ledger.close("over");
    };
    let (answer, ()) = tokio::join!(send(&live, back), taken);
    assert_eq!(answer.unwrap_err().class, FailureClass::Uncertain);
}
