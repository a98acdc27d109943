//! The ends and beginnings: handing over, taking up, being stopped under load, being given settings
//! that make no sense.
//!
//! Must not know: processes, packages.

use super::{in_order, msg, start, text};
use crate::plugins::{
    carrier::Exit,
    conformance::{Bench, Legacy, Report, desk::Desk},
    refusal,
};
use jackfield_plugin_api::frame::{HostFrame, PluginFrame, WINDOW};
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};

/// Drain, resume, drain, export: what a version owes the next one.
pub(super) async fn hand_over(desk: &mut Desk, legacy: &mut Legacy, report: &mut Report) {
    let drained = async |desk: &mut Desk, epoch: u64| {
        desk.say(&HostFrame::Drain { epoch }).await;
        let in_flight = desk.expect("drained", |frame| match frame {
            PluginFrame::Drained { epoch: of, in_flight } if *of == epoch => Some(*in_flight),
            _ => None,
        });
        in_flight.await
    };
    let first = drained(desk, 7).await;
    desk.say(&HostFrame::Resume { epoch: 7 }).await;
    let resumed = desk.answers().await;
    let drains = report.note("drain", first.map(|n| format!("drained with {n} in flight")));
    report.note("resume", resumed.map(|()| "goes on".to_owned()));
    if !drains {
        return report.not_seen("export", "it does not drain");
    }
    if let Err(error) = drained(desk, 8).await {
        report.note("drain again", Err(error));
    }
    desk.say(&HostFrame::Export { epoch: 8 }).await;
    let state = desk.next("state", Duration::from_secs(3), |frame| match frame {
        PluginFrame::State { epoch: 8, state } => Some(state.clone()),
        _ => None,
    });
    match state.await {
        Ok(state) => {
            report.note("export", Ok(format!("a state of schema {}", state.schema)));
            legacy.state = Some(state);
        }
        Err(_) => report.not_seen("export", "it hands nothing over"),
    }
}

/// A second life starts from what the first left, and repeats nothing that was stored.
pub(super) async fn taken_up(
    bench: &Bench<'_>,
    mut desk: Desk,
    legacy: &Legacy,
    report: &mut Report,
) {
    let begun = start(bench, &mut desk, bench.plan.table.clone(), legacy, 2).await;
    let handed = if legacy.state.is_some() { "with the state" } else { "without a state" };
    report.note("second life", begun.map(|_| format!("starts {handed} of the first")));
    if legacy.cursors.is_empty() {
        if !legacy.stored.is_empty() {
            report.not_seen("cursors", "its events carry none");
        }
    } else {
        let nothing = |_: &PluginFrame| None::<()>;
        let _ = desk.next("event", Duration::from_secs(1), nothing).await;
        let repeated = desk.events.iter().filter(|event| legacy.stored.contains(&event.key));
        let seen = match repeated.count() {
            0 => Ok("goes on behind what was stored".to_owned()),
            n => Err(format!("offers {n} event(s) again that lie before its stored cursor")),
        };
        report.note("cursors", seen);
    }
    if let Err(error) = desk.end().await.and_then(|(exit, _)| in_order(&exit)) {
        report.note("second end", Err(error));
    }
}

/// Stopped in the middle of a window of messages.
pub(super) async fn under_load(bench: &Bench<'_>, mut desk: Desk, report: &mut Report) {
    let begun = start(bench, &mut desk, bench.plan.table.clone(), &Legacy::default(), 3).await;
    if let Err(error) = begun {
        report.note("stop under load", Err(error));
        return;
    }
    let all: BTreeSet<u64> = (1..=u64::from(WINDOW)).collect();
    for seq in &all {
        desk.say_bytes(msg(*seq, &format!("load-{seq}"), 1, &text("conformance"))).await;
    }
    let seen = desk.end().await.and_then(|(exit, answered)| {
        let once: BTreeSet<u64> = answered.iter().copied().collect();
        if once.len() != answered.len() || !once.is_subset(&all) {
            return Err("answered a message twice, or one nobody sent".to_owned());
        }
        let end = in_order(&exit)?;
        Ok(format!("{end}, {} of {WINDOW} answered before", once.len()))
    });
    report.note("stop under load", seen);
}

/// Settings of the wrong shape are refused in words; nothing falls.
pub(super) async fn senseless(bench: &Bench<'_>, mut desk: Desk, report: &mut Report) {
    const NAME: &str = "panic wall";
    let table = json!("not a table");
    let begun = start(bench, &mut desk, table, &Legacy::default(), 4).await;
    let refused = match begun {
        Ok(_) => Ok("starts with any settings".to_owned()),
        Err(words) if words.starts_with("would not start") && !words.contains("panicked") => {
            Ok(format!("settings that make no sense: {}", words.replace('\n', " ")))
        }
        Err(words) => Err(words),
    };
    report.note(NAME, refused);
    match desk.end().await {
        // Having said that it cannot go on, it may end in its own way.
        Ok((Exit::Signal(signal), _)) => {
            let text = format!("ended by signal {signal} after it was {}", refusal::STARTING);
            report.note("end after refusal", Err(text));
        }
        Ok(_) => {}
        Err(error) => {
            report.note("end after refusal", Err(error));
        }
    }
}
