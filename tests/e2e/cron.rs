//! Scheduled jobs: kept, paged, run by the clock and by hand, told to those who watch.

use harness::{Client, Event, Gateway, Options};
use serde_json::{Value, json};

fn isolated(name: &str, schedule: &Value) -> Value {
    json!({
        "name": name, "schedule": schedule, "sessionTarget": "isolated", "wakeMode": "now",
        "payload": { "kind": "agentTurn", "message": "water the plants" },
    })
}

fn yearly() -> Value {
    json!({ "kind": "cron", "expr": "0 9 1 1 *", "tz": "Europe/Berlin" })
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}"))
}

async fn cron_event(client: &mut Client, job: &str, action: &str) -> Event {
    let fits =
        |e: &Event| e.name == "cron" && e.payload["jobId"] == job && e.payload["action"] == action;
    client.event(fits).await
}

async fn list(client: &mut Client, params: Value) -> Value {
    client.call("cron.list", params).await
}

#[tokio::test]
async fn a_job_runs_by_the_clock_and_goes_when_it_ran_once() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let every = json!({ "kind": "every", "everyMs": 1000 });
    let job = client.call("cron.add", isolated("plants", &every)).await;
    let id = text(&job, "id");
    assert!(job["nextRunAtMs"].as_u64() > job["createdAtMs"].as_u64(), "{job}");
    assert_eq!(job["configRevision"].as_str().map(|r| r.starts_with("sha256:")), Some(true));

    cron_event(&mut client, id, "added").await;
    cron_event(&mut client, id, "started").await;
    let finished = cron_event(&mut client, id, "finished").await.payload;
    assert_eq!(finished["status"], "ok", "{finished}");
    assert!(text(&finished, "summary").contains("water the plants"), "{finished}");
    assert_eq!(finished["sessionKey"], format!("agent:main:cron:{id}"));
    // The list writes instants as people do; this one is less than a minute away from now.
    let row = list(&mut client, json!({ "compact": true })).await["jobs"][0].clone();
    let soon = json!({ "kind": "at", "at": text(&row, "nextRunAt") });
    client.call("cron.remove", json!({ "id": id })).await;

    let once = json!({ "kind": "at", "at": "2026-01-01T00:00:00Z" });
    let refused = client.refused("cron.add", isolated("old", &once)).await;
    assert!(refused.message.starts_with("schedule.at is in the past"), "{refused:?}");
    let job = client.call("cron.add", isolated("once", &soon)).await;
    assert_eq!(job["deleteAfterRun"], true);
    cron_event(&mut client, text(&job, "id"), "removed").await;
    let all = list(&mut client, json!({ "includeDisabled": true })).await;
    assert_eq!(all["total"], 0, "{all}");
}

#[tokio::test]
async fn jobs_and_their_log_outlive_a_crash() {
    let mut gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let job = client.call("cron.add", isolated("yearly", &yearly())).await;
    let id = text(&job, "id").to_owned();
    let ran = client.call("cron.run", json!({ "id": id, "mode": "force" })).await;
    assert_eq!(ran["enqueued"], true, "{ran}");
    let again = client.call("cron.run", json!({ "id": id, "mode": "due" })).await;
    assert_eq!(again["ran"], false, "{again}");
    cron_event(&mut client, &id, "finished").await;
    let before = client.call("cron.get", json!({ "id": id })).await;

    gateway.kill().await;
    gateway.start_again().await;
    let mut client = gateway.client().await;
    assert_eq!(client.call("cron.get", json!({ "id": id })).await, before);
    let log = client.call("cron.runs", json!({ "id": id })).await;
    assert_eq!(log["total"], 1, "{log}");
    assert_eq!(log["entries"][0]["runId"], ran["runId"]);
    assert_eq!(log["entries"][0]["jobName"], "yearly");
    let status = client.call("cron.status", json!({})).await;
    assert_eq!(status["jobs"], 1);
    assert_eq!(status["nextWakeAtMs"], before["nextRunAtMs"]);
}

#[tokio::test]
async fn a_run_that_a_crash_cut_off_is_told() {
    let slow = "[agent]\nbackend = \"echo\"\necho_pace_ms = 60000";
    let auth = format!(
        "[gateway]\nauth = {{ mode = \"token\", token = \"{}\" }}\n",
        harness::gateway::TOKEN
    );
    let options = Options::default().only_config(&format!("{auth}{slow}"));
    let mut gateway = Gateway::start(options).await;
    let mut client = gateway.client().await;
    let job = client.call("cron.add", isolated("slow", &yearly())).await;
    let id = text(&job, "id").to_owned();
    client.call("cron.run", json!({ "id": id })).await;
    cron_event(&mut client, &id, "started").await;
    gateway.kill().await;
    gateway.start_again().await;
    let mut client = gateway.client().await;
    let log = client.call("cron.runs", json!({ "id": id })).await;
    assert_eq!(log["entries"][0]["status"], "error", "{log}");
    assert!(text(&log["entries"][0], "error").contains("stopped before"), "{log}");
    let job = client.call("cron.get", json!({ "id": id })).await;
    assert_eq!(job["state"]["runningAtMs"], Value::Null, "{job}");
    assert_eq!(job["state"]["consecutiveErrors"], 1);
}

#[tokio::test]
async fn pages_obey_the_rule_that_clients_check() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    for name in ["c", "a", "d", "b", "e"] {
        client.call("cron.add", isolated(name, &yearly())).await;
    }
    let sorted = |offset: u64| json!({ "limit": 2, "offset": offset, "sortBy": "name" });
    let mut seen = Vec::new();
    let mut offset = 0;
    let mut revisions = Vec::new();
    loop {
        let page = list(&mut client, sorted(offset)).await;
        let jobs = page["jobs"].as_array().expect("jobs is a list").clone();
        assert!(jobs.len() <= 2);
        assert_eq!(page["offset"], offset);
        assert_eq!(page["total"], 5);
        revisions.push(text(&page, "snapshotRevision").to_owned());
        seen.extend(jobs.iter().map(|job| text(job, "name").to_owned()));
        assert_eq!(page["hasMore"] == false, page["nextOffset"].is_null());
        match page["nextOffset"].as_u64() {
            Some(next) => offset = next,
            None => break,
        }
    }
    assert_eq!(seen, ["a", "b", "c", "d", "e"]);
    revisions.dedup();
    assert_eq!(revisions.len(), 1, "nothing changed between the pages");

    let off = json!({ "id": list(&mut client, sorted(0)).await["jobs"][0]["id"], "patch": { "enabled": false } });
    let job = client.call("cron.update", off).await;
    assert_eq!(job["state"]["nextRunAtMs"], Value::Null, "a disabled job has no next run: {job}");
    let page = list(&mut client, sorted(0)).await;
    assert_eq!(page["total"], 4, "the disabled one is not listed");
    assert_ne!(page["snapshotRevision"], revisions[0].as_str());
    let compact = list(&mut client, json!({ "enabled": "disabled", "compact": true })).await;
    assert_eq!(compact["jobs"][0]["scheduleKind"], "cron", "{compact}");
}

#[tokio::test]
async fn nonsense_is_refused_and_nothing_is_kept() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let bad = json!({ "kind": "cron", "expr": "every day" });
    let error = client.refused("cron.add", isolated("bad", &bad)).await;
    assert!(error.message.contains("every day"), "{error:?}");
    let mut main = isolated("main", &yearly());
    main["sessionTarget"] = json!("main");
    let error = client.refused("cron.add", main).await;
    assert_eq!(
        error.message,
        "invalid cron.add params: main cron jobs require payload.kind=\"systemEvent\""
    );
    for method in ["cron.update", "cron.remove", "cron.run", "cron.get"] {
        let error = client.refused(method, json!({ "id": "nobody", "patch": {} })).await;
        assert_eq!(error.code, "INVALID_REQUEST");
        assert_eq!(error.details["code"], "CRON_JOB_NOT_FOUND", "{method}: {error:?}");
        assert_eq!(error.details["jobId"], "nobody");
    }
    assert_eq!(client.call("cron.status", json!({})).await["jobs"], 0);
}

#[tokio::test]
async fn a_job_announces_its_answer_on_a_channel() {
    let gateway = Gateway::start(Options::default().line_channel("process", "")).await;
    let mut client = gateway.client().await;
    let port = harness::line::line_port(&mut client).await;
    let mut ada = harness::line::Person::connect(port, "ada").await;
    ada.say("1", "hello").await;
    ada.message().await;

    let mut job = isolated("plants", &yearly());
    job["delivery"] = json!({ "mode": "announce", "channel": "last" });
    let job = client.call("cron.add", job).await;
    client.call("cron.run", json!({ "id": job["id"] })).await;
    assert!(ada.message().await.contains("water the plants"));
    let finished = cron_event(&mut client, text(&job, "id"), "finished").await.payload;
    assert_eq!(finished["deliveryStatus"], "delivered", "{finished}");
}

#[tokio::test]
async fn a_wake_tells_the_main_conversation() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    assert_eq!(client.call("last-heartbeat", json!({})).await, Value::Null);
    let done = client.call("wake", json!({ "mode": "now", "text": "the build is done" })).await;
    assert_eq!(done, json!({ "ok": true }));
    let beat = client.event(|e| e.name == "heartbeat").await.payload;
    assert_eq!(beat["status"], "skipped", "{beat}");
    assert_eq!(beat["reason"], "no-route");
    assert!(text(&beat, "preview").contains("the build is done"), "{beat}");
    assert_eq!(client.call("last-heartbeat", json!({})).await, beat);

    let on = client.call("set-heartbeats", json!({ "enabled": true })).await;
    assert_eq!(on, json!({ "ok": true, "enabled": true }));
    client.call("wake", json!({ "mode": "next-heartbeat", "text": "later" })).await;
    let status = client.call("status", json!({})).await;
    assert_eq!(status["queuedSystemEvents"], json!(["later"]), "it waits for the next heartbeat");
    assert_eq!(status["heartbeat"]["agents"][0]["every"], "30m", "{status}");
}

#[tokio::test]
async fn heartbeats_come_by_their_period() {
    let config = "[heartbeat]\nevery = \"1s\"\nprompt = \"anything new?\"";
    let gateway = Gateway::start(Options::default().config(config)).await;
    let mut client = gateway.client().await;
    let beat = client.event(|e| e.name == "heartbeat").await.payload;
    assert!(text(&beat, "preview").contains("anything new?"), "{beat}");
    client.call("set-heartbeats", json!({ "enabled": false })).await;
    let health = client.call("health", json!({ "probe": true })).await;
    assert_eq!(health["heartbeatSeconds"], 0, "{health}");
}

#[tokio::test]
async fn a_system_event_shows_who_is_there() {
    let gateway = Gateway::start(Options::default()).await;
    let mut client = gateway.client().await;
    let line = "Node: desk (10.0.0.7) · app 2026.9.6 · mode ui · reason periodic";
    client.call("system-event", json!({ "text": line })).await;
    let rows = client.call("system-presence", json!({})).await;
    let desk = rows.as_array().expect("a list").iter().find(|row| row["host"] == "desk");
    let desk = desk.unwrap_or_else(|| panic!("no row: {rows}"));
    assert_eq!((text(desk, "ip"), text(desk, "mode")), ("10.0.0.7", "ui"));
    assert_eq!(text(desk, "text"), line);
}
