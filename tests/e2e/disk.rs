//! A disk that fails or is full: nothing is acknowledged that is not stored, and everything goes on
//! by itself once it can.

use harness::{
    Gateway, Options,
    disk::Disk,
    gateway::is_gone,
    line::{Heard, Person, line_port},
};
use std::collections::BTreeSet;

async fn gateway_on(disk: &Disk) -> Gateway {
    let mut options =
        Options::default().line_channel("process", "").config("[agent]\necho_pace_ms = 1");
    for (name, value) in disk.env() {
        options = options.env(&name, &value);
    }
    Gateway::start(options).await
}

/// Says lines until the line is cut; answers which were acknowledged.
async fn acknowledged_until_cut(person: &mut Person) -> BTreeSet<String> {
    let mut acked = BTreeSet::new();
    for n in 0.. {
        if !person.try_say(&format!("m{n}"), "a line").await {
            return acked;
        }
        loop {
            match person.hear().await {
                Heard::Ack(id) => {
                    acked.insert(id);
                    break;
                }
                Heard::Busy(_) => break,
                Heard::Message { .. } => {}
                Heard::Gone => return acked,
            }
        }
    }
    acked
}

#[tokio::test]
async fn after_a_failed_call_nothing_is_acknowledged_and_the_gateway_ends() {
    for fault in ["fsync 1", "fsync 4", "write 1", "write 7"] {
        let disk = Disk::new();
        let mut gateway = gateway_on(&disk).await;
        let port = line_port(&mut gateway.client().await).await;
        let mut ada = Person::connect(port, "ada").await;
        ada.say_and_wait("before", "before the fault").await;
        let children = gateway.children();
        disk.fails(fault);
        let acked = acknowledged_until_cut(&mut ada).await;
        let status = gateway.ended().await;
        assert_eq!(status.code(), Some(75), "{fault}: {}", gateway.output.tail());
        assert!(children.iter().all(|pid| is_gone(*pid)), "{fault}: no process is left");

        // A whole disk, and no cleaning up by hand.
        gateway.start_again().await;
        let port = line_port(&mut gateway.client().await).await;
        let mut ada = Person::connect(port, "ada").await;
        for id in &acked {
            ada.say_and_wait(id, "said again after the repair").await;
        }
        ada.say("fence", "the last one").await;
        loop {
            let text = ada.message().await;
            assert!(
                !text.contains("said again"),
                "{fault}: an acknowledged line was known: {text}"
            );
            if text.contains("the last one") {
                break;
            }
        }
        gateway.stop().await;
    }
}

#[tokio::test]
async fn a_full_disk_refuses_before_it_acknowledges_and_goes_on_by_itself() {
    let disk = Disk::new();
    let mut gateway = gateway_on(&disk).await;
    let mut ada = Person::connect(line_port(&mut gateway.client().await).await, "ada").await;
    ada.say_and_wait("m1", "there is room").await;
    assert!(ada.message().await.contains("there is room"));
    disk.fails("full");
    ada.say("m2", "there is none").await;
    assert_eq!(ada.hear().await, Heard::Busy("m2".to_owned()));
    disk.mends();
    ada.say("m2", "there is none").await;
    assert_eq!(ada.hear().await, Heard::Ack("m2".to_owned()));
    assert!(ada.message().await.contains("there is none"));
    gateway.stop().await;
}
