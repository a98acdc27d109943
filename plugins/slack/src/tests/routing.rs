//! One app in two workspaces: what happens in either may come on any connection, and is never taken
//! for the other's.

use super::{
    conversions::fixture,
    requests::signed,
    slack::{APP_TOKEN, Answer, FakeSlack, Line, OTHER_TOKEN, Quick, SIGNING_SECRET},
};
use jackfield_plugin_api::{
    frame::Accepted,
    link::LinkState,
    serde_json::{Value, json},
    testing::{FakeHost, run},
    tokio,
};

/// Both accounts, with the app's way in.
async fn both(way: Value) -> (FakeSlack, FakeHost<Quick>) {
    let mut slack = FakeSlack::start().await;
    let mut table = slack.table(way);
    table["accounts"] = json!({ "home": {}, "work": { "bot_token": OTHER_TOKEN } });
    let mut host = FakeHost::<Quick>::start(table).await;
    for n in 1..=2 {
        slack.call("auth.test", n).await;
    }
    // Each account is introduced once its first call after that is made.
    host.link(LinkState::Connecting).await;
    (slack, host)
}

async fn over_sockets() -> (FakeSlack, FakeHost<Quick>, [Line; 2]) {
    let (mut slack, mut host) = both(json!({ "app_token": APP_TOKEN })).await;
    let lines = [slack.socket().await, slack.socket().await];
    for account in ["home", "work"] {
        host.probe(account).await.unwrap();
    }
    (slack, host, lines)
}

fn of_team(name: &str, team: &str) -> Value {
    let mut payload = fixture(name);
    payload["team_id"] = json!(team);
    if payload["authorizations"].is_array() {
        payload["authorizations"][0]["team_id"] = json!(team);
    }
    payload
}

#[test]
fn an_event_goes_to_the_account_of_its_workspace_whatever_connection_it_came_on() {
    run(async {
        let (_slack, mut host, mut lines) = over_sockets().await;
        for line in &mut lines {
            for (team, account) in [("T061EG9RZ", "home"), ("T0OTHER002", "work")] {
                line.event(account, &of_team("message_im", team));
                let event = host.event().await;
                assert_eq!(event.account.as_str(), account);
                event.answer(Accepted::Stored);
                assert_eq!(line.acknowledged().await, account);
            }
            // A workspace that no account is for.
            line.event("none", &of_team("message_im", "T0NOBODYS3"));
            assert_eq!(line.acknowledged().await, "none");
        }
    });
}

#[test]
fn in_a_channel_that_organisations_share_the_installation_counts() {
    run(async {
        let (_slack, mut host, mut lines) = over_sockets().await;
        let mut shared = of_team("message_channel", "T0FOREIGN1");
        shared["is_ext_shared_channel"] = json!(true);
        shared["authorizations"] =
            json!([{ "team_id": "T0OTHER002", "user_id": "U0BOTBOT2", "is_bot": true }]);
        lines[0].event("e1", &shared);
        let event = host.event().await;
        assert_eq!(event.account.as_str(), "work");
        event.answer(Accepted::Stored);
        assert_eq!(lines[0].acknowledged().await, "e1");
    });
}

#[test]
fn commands_and_buttons_go_by_workspace_and_by_the_author_of_their_message() {
    run(async {
        let (_slack, mut host, mut lines) = over_sockets().await;
        let pressed = |bot: &str| {
            let mut payload = fixture("block_actions");
            payload["actions"].as_array_mut().unwrap().truncate(1);
            // Somebody of another organisation pressed it.
            payload["team"]["id"] = json!("T0FOREIGN1");
            payload["message"]["bot_id"] = json!(bot);
            payload["message"]["user"] = Value::Null;
            payload
        };
        for (kind, payload, account) in [
            ("slash_commands", of_team("slash_command", "T0OTHER002"), "work"),
            ("slash_commands", of_team("slash_command", "T061EG9RZ"), "home"),
            ("interactive", pressed("B0BOTBOT2"), "work"),
            ("interactive", pressed("B0BOTBOT1"), "home"),
        ] {
            lines[0].say(json!({ "envelope_id": account, "type": kind, "payload": payload }));
            let event = host.event().await;
            assert_eq!(event.account.as_str(), account, "{kind}");
            event.answer(Accepted::Stored);
            assert_eq!(lines[0].acknowledged().await, account);
        }
        let nobody = pressed("B0NOBODYS3");
        lines[0].say(json!({ "envelope_id": "x", "type": "interactive", "payload": nobody }));
        assert_eq!(lines[0].acknowledged().await, "x", "it is nobody's, so nothing is made of it");
    });
}

#[test]
fn one_address_serves_both_workspaces() {
    run(async {
        let (_slack, mut host) = both(json!({ "signing_secret": SIGNING_SECRET })).await;
        for (team, account) in [("T0OTHER002", "work"), ("T061EG9RZ", "home")] {
            host.probe(account).await.unwrap();
            let asked = host.request(signed(&of_team("message_im", team))).await;
            let event = host.event().await;
            assert_eq!(event.account.as_str(), account);
            event.answer(Accepted::Stored);
            assert_eq!(host.response(asked).await.status, 200);
        }
    });
}

#[test]
fn an_app_for_a_whole_organisation_hears_all_its_workspaces() {
    run(async {
        let mut slack = FakeSlack::start().await;
        let who = json!({
            "ok": true, "user_id": "U0BOTBOT1", "bot_id": "B0BOTBOT1", "user": "jack",
            "team_id": "T0FIRST001", "enterprise_id": "E0ORGORG1", "is_enterprise_install": true,
        });
        slack.prepare("auth.test", [Answer::Json(who)]);
        let mut host = FakeHost::<Quick>::start(slack.socket_table()).await;
        let mut line = slack.socket().await;
        host.link(LinkState::Connected).await;
        let mut event = of_team("message_im", "T0SECOND02");
        event["authorizations"][0] =
            json!({ "enterprise_id": "E0ORGORG1", "team_id": null, "is_enterprise_install": true });
        line.event("e1", &event);
        host.event().await.answer(Accepted::Stored);
        assert_eq!(line.acknowledged().await, "e1");
    });
}

#[test]
fn an_app_that_is_removed_is_logged_out_there_alone() {
    run(async {
        let (mut slack, mut host, mut lines) = over_sockets().await;
        let removed = |team: &str| {
            let event = json!({ "type": "app_uninstalled" });
            json!({ "type": "event_callback", "team_id": team, "event": event })
        };
        let dead = json!({ "ok": false, "error": "account_inactive" });
        slack.prepare("auth.test", [Answer::Json(dead)]);
        lines[0].event("e1", &removed("T0OTHER002"));
        assert_eq!(lines[0].acknowledged().await, "e1");
        let link = host.link(LinkState::LoggedOut).await;
        assert_eq!(link.account.as_str(), "work");
        assert!(link.detail.unwrap().contains("account_inactive"));
        // The other goes on, and old news does it no harm either: its token works.
        let before = slack.calls("auth.test").len();
        let [first, second] = &mut lines;
        let (home, heard) = tokio::select! {
            heard = first.hear() => (1, heard),
            heard = second.hear() => (0, heard),
        };
        assert_eq!(heard, None, "its connection is closed");
        lines[home].event("e2", &removed("T061EG9RZ"));
        assert_eq!(lines[home].acknowledged().await, "e2");
        slack.call("auth.test", before + 4).await;
        lines[home].event("e3", &of_team("message_im", "T061EG9RZ"));
        host.event().await.answer(Accepted::Stored);
        assert_eq!(lines[home].acknowledged().await, "e3");
    });
}
