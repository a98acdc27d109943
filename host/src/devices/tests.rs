//! The registry: tokens, upgrades that are waited for, identities that are thrown away.

use super::*;

async fn registry() -> (Devices, Clock, tempfile::TempDir) {
    let state = tempfile::tempdir().unwrap();
    let (store, clock) = (Store::open(state.path()).unwrap(), Clock::system());
    let devices = Devices::load(store, clock.clone(), TokenKey::from_bytes([1; 32])).await.unwrap();
    (devices, clock, state)
}

fn ask(id: &str, scopes: &[&str]) -> Ask {
    Ask {
        device_id: id.into(),
        public_key: "k".into(),
        display_name: None,
        platform: "linux".into(),
        device_family: None,
        client_id: "cli".into(),
        client_mode: "cli".into(),
        role: Role::Operator,
        roles: vec![Role::Operator],
        scopes: Scopes::from_words(scopes),
        remote_ip: None,
        browser_origin: None,
    }
}

#[tokio::test]
async fn throw_away_identities_go_and_those_a_person_cared_for_stay() {
    let (devices, clock, _state) = registry().await;
    for id in ["old", "named", "here", "owned"] {
        let via = if id == "owned" { ApprovedVia::Owner } else { ApprovedVia::Silent };
        devices.approve_ask(&ask(id, &[]), via).await.unwrap();
    }
    let other = Ask { client_id: "openclaw-tui".into(), ..ask("other", &[]) };
    devices.approve_ask(&other, ApprovedVia::Silent).await.unwrap();
    devices.rename("named", "Mine").await.unwrap();
    clock.advance(SILENT_CLUSTER_MS + 1);
    let new = devices.approve_ask(&ask("new", &[]), ApprovedVia::Silent).await.unwrap();
    devices.prune_cluster(&new, &|id| id == "here").await.unwrap();
    let mut left: Vec<String> = devices.paired().into_iter().map(|d| d.device_id).collect();
    left.sort();
    assert_eq!(left, ["here", "named", "new", "other", "owned"]);
}

#[tokio::test]
async fn a_narrowed_token_is_kept_until_more_is_asked_for() {
    let (devices, _, _state) = registry().await;
    let scopes = ["operator.read", "operator.write"];
    devices.approve_ask(&ask("d", &scopes), ApprovedVia::Owner).await.unwrap();
    let read = Scopes::from_words(&["operator.read"]);
    let narrow = devices.issue("d", Role::Operator, Some(read)).await.unwrap();
    assert_eq!(narrow.scopes, ["operator.read"]);
    let same = devices.token_for("d", Role::Operator, read).await.unwrap();
    assert_eq!(same.token, narrow.token);
    let write = Scopes::from_words(&["operator.write"]);
    let wide = devices.token_for("d", Role::Operator, write).await.unwrap();
    assert_ne!(wide.token, narrow.token);
    let verdict = |token: &str| devices.verify("d", "k", Role::Operator, token, read);
    assert_eq!(verdict(&narrow.token), TokenVerdict::Mismatch);
    assert_eq!(verdict(&wide.token), TokenVerdict::Good);
    let beyond = Scopes::from_words(&["operator.admin"]);
    let cut = devices.issue("d", Role::Operator, Some(beyond)).await.unwrap();
    assert!(!cut.scopes.contains(&"operator.admin".to_owned()), "{cut:?} {:?}", cut.scopes);
}

#[tokio::test]
async fn every_way_a_request_ends_reaches_who_waits() {
    let (devices, clock, _state) = registry().await;
    devices.approve_ask(&ask("d", &["operator.read"]), ApprovedVia::Owner).await.unwrap();
    let request = |scope: &str| devices.request(&ask("d", &["operator.read", scope])).0.request_id;
    let first = request("operator.write");
    assert_eq!(devices.outcome(&first, "other").await, None, "another device's request");
    let second = request("operator.approvals");
    assert_eq!(devices.outcome(&first, "d").await, Some(Outcome::Rejected), "superseded");
    devices.approve(&second).await.unwrap();
    assert_eq!(devices.outcome(&second, "d").await, Some(Outcome::Approved));
    let third = request("operator.admin");
    let (waited, rejected) =
        tokio::join!(devices.outcome(&third, "d"), async { devices.reject(&third) });
    rejected.unwrap();
    assert_eq!(waited, Some(Outcome::Rejected));
    let fourth = request("operator.admin");
    clock.advance(pending::PENDING_MS);
    assert_eq!(devices.outcome(&fourth, "d").await, None, "it expired before anyone waited");
}
