//! What callers learn when plugins answer, answer late, answer twice, or die.

use super::*;
use jackfield_plugin_api::error::FailureClass;

async fn enter(ledger: &Ledger) -> (Arc<Ticket>, Open<Result<Receipt, SendError>>) {
    let ticket = Arc::new(Ticket::default());
    let credit = ledger.message_credit().await.unwrap();
    let open = ledger.open_message(ticket.clone(), credit).unwrap();
    (ticket, open)
}

#[tokio::test]
async fn an_answer_reaches_its_caller_once() {
    let ledger = Ledger::new();
    let (_, first) = enter(&ledger).await;
    let (_, second) = enter(&ledger).await;
    assert!(second.number > first.number);
    assert!(ledger.settle_message(second.number, Ok(Receipt::default())));
    assert!(!ledger.settle_message(second.number, Ok(Receipt::default())), "a second ack");
    assert!(!ledger.settle_message(99, Ok(Receipt::default())), "a made-up seq");
    assert_eq!(second.answer.await.unwrap(), Ok(Receipt::default()));
    assert_eq!(ledger.open_messages(), 1);
}

#[tokio::test]
async fn death_is_uncertain_for_what_was_handed_over_and_retryable_for_the_rest() {
    let ledger = Ledger::new();
    let (ticket, handed_over) = enter(&ledger).await;
    let (_, queued) = enter(&ledger).await;
    assert!(ticket.dispatch());
    ledger.close("killed by SIGKILL");
    let uncertain = handed_over.answer.await.unwrap().unwrap_err();
    assert_eq!(uncertain.class, FailureClass::Uncertain);
    assert!(uncertain.text.contains("SIGKILL"), "{uncertain}");
    let retryable = queued.answer.await.unwrap().unwrap_err();
    assert_eq!(retryable.class, FailureClass::Retryable);
    assert!(ledger.message_credit().await.is_none());
    assert!(ledger.open_http().is_none());
}

#[tokio::test]
async fn requests_end_without_a_word_when_the_plugin_dies() {
    let ledger = Ledger::new();
    let http = ledger.open_http().unwrap();
    let probe = ledger.open_probe().unwrap();
    assert!(ledger.settle_probe(probe.number, Ok("fine".into())));
    assert_eq!(probe.answer.await.unwrap(), Ok("fine".into()));
    ledger.close("over");
    assert!(http.answer.await.is_err());
}

#[tokio::test]
async fn credit_bounds_what_is_unanswered_even_when_callers_left() {
    let ledger = Ledger::new();
    let mut open = Vec::new();
    for _ in 0..WINDOW {
        let (ticket, entry) = enter(&ledger).await;
        assert!(ticket.dispatch());
        open.push(entry.number);
    }
    assert_eq!(ledger.messages.available_permits(), 0);
    assert!(!ledger.strike(open[0]));
    assert_eq!(ledger.messages.available_permits(), 0, "the plugin may still be at it");
    assert!(ledger.settle_message(open[0], Ok(Receipt::default())), "a late answer is taken");
    assert_eq!(ledger.messages.available_permits(), 1);
}

#[tokio::test]
async fn a_message_taken_back_in_time_leaves_no_trace() {
    let ledger = Ledger::new();
    let (ticket, entry) = enter(&ledger).await;
    assert!(ledger.strike(entry.number));
    assert!(!ticket.dispatch(), "it must not be sent any more");
    assert_eq!(ledger.open_messages(), 0);
    assert_eq!(ledger.messages.available_permits(), WINDOW as usize);
}
