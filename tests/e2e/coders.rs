//! Agents that are programs others wrote: Pi by its RPC mode, and by the Agent Client Protocol.

use harness::{
    Client, Connect, Event, Gateway, Options, eventually,
    gateway::{is_gone, signal},
    libraries::root,
    model::{Answer, End, Model},
    pi::{Door, Pi},
};
use rustix::process::Signal;
use serde_json::{Value, json};
use std::fs;

const KEY: &str = "agent:main:main";

struct Play {
    model: Model,
    _pi: Pi,
    gateway: Gateway,
}

async fn play(door: Door, others: &str, answers: Vec<Answer>) -> Play {
    let model = Model::start(answers).await;
    let pi = Pi::new(door, &model);
    let config = format!("{}\n{others}", pi.config("agent", ""));
    let gateway = Gateway::start(Options::default().config(&config)).await;
    Play { model, _pi: pi, gateway }
}

fn words(text: &str) -> Answer {
    Answer::words(&[text], End::Done)
}

/// The model has the agent run a command.
fn runs(command: &str) -> Answer {
    let arguments = json!({ "command": command }).to_string();
    let call = json!({ "index": 0, "id": "call-1", "type": "function",
                       "function": { "name": "bash", "arguments": arguments } });
    let deltas = vec![json!({ "content": "Let me see." }), json!({ "tool_calls": [call] })];
    Answer::Deltas(deltas, End::Done)
}

fn is_end(event: &Event, run: &str) -> bool {
    let ends = ["final", "aborted", "error"];
    event.name == "chat"
        && event.payload["runId"] == run
        && ends.iter().any(|end| event.payload["state"] == *end)
}

async fn say(client: &mut Client, run: &str, message: &str) -> Vec<Event> {
    let params = json!({ "sessionKey": KEY, "message": message, "idempotencyKey": run });
    client.call("chat.send", params).await;
    client.events_until(|event| is_end(event, run)).await
}

fn last(events: &[Event]) -> &Value {
    &events.last().expect("a run has an end").payload
}

fn answer(payload: &Value) -> &str {
    payload["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

/// The phases of a run's tools, as one kind of event tells them, with what the last one gave.
fn tools(events: &[Event], name: &str) -> (Vec<String>, String) {
    let told = events.iter().filter(|e| e.name == name && e.payload["stream"] == "tool");
    let (mut phases, mut given) = (Vec::new(), String::new());
    for event in told {
        let data = &event.payload["data"];
        phases.push(data["phase"].as_str().unwrap_or_default().to_owned());
        given = data["result"].to_string();
    }
    phases.dedup();
    (phases, given)
}

/// Everything a person said that the model was told with its last request.
fn heard(model: &Model) -> String {
    let asked = model.asked();
    asked.last().map(|asked| asked.body["messages"].to_string()).unwrap_or_default()
}

/// Another agent, whose key is no business of the first.
const OTHER: &str = "[agents.other]\nbackend = \"openai\"\n[agents.other.openai]\nmodel = \"m\"\n\
                     base_url = \"http://127.0.0.1:1/v1\"\napi_key = \"sk-of-the-other-0123456789\"";

async fn it_streams_uses_tools_and_remembers(door: Door) {
    let mut play = play(
        door,
        OTHER,
        vec![runs("echo seen-$((6*7)); env"), words("It is 42."), words("Ada."), words("Large.")],
    )
    .await;
    let mut client = play.gateway.client().await;
    let plain = Connect::cli().with("caps", json!([]));
    let mut other = plain.open(play.gateway.port).await.expect("it comes in");
    let mut follower = plain.open(play.gateway.port).await.expect("it comes in");
    follower.call("sessions.messages.subscribe", json!({ "key": KEY })).await;

    let events = say(&mut client, "run-1", "I am Ada. What is it?").await;
    assert_eq!(answer(last(&events)), "Let me see.\n\nIt is 42.", "{:?}", last(&events));
    let (phases, given) = tools(&events, "agent");
    assert_eq!((phases.first(), phases.last()), (Some(&"start".into()), Some(&"result".into())));
    assert!(given.contains("seen-42"), "{given}");
    for secret in [harness::gateway::TOKEN, "sk-of-the-other"] {
        assert!(!given.contains(secret), "a child sees a secret that is not its own: {secret}");
    }
    assert!(given.contains("PLAY_API_KEY=***"), "it has its key, and nobody else sees it: {given}");
    let told = events.iter().any(|event| event.frame.to_string().contains(harness::pi::KEY));
    assert!(!told, "an event shows a key");
    let deltas: String = events
        .iter()
        .filter(|e| e.name == "chat" && e.payload["state"] == "delta")
        .filter_map(|e| e.payload["deltaText"].as_str())
        .collect();
    assert_eq!(deltas, "Let me see.\n\nIt is 42.");
    let seen = other.events_until(|event| is_end(event, "run-1")).await;
    assert!(seen.iter().all(|e| e.payload["stream"] != "tool"), "it did not ask for tools");
    let followed = follower.events_until(|event| is_end(event, "run-1")).await;
    assert_eq!(tools(&followed, "session.tool").0.first(), Some(&"start".into()));

    let history = client.call("chat.history", json!({ "sessionKey": KEY })).await;
    let roles: Vec<&Value> =
        history["messages"].as_array().into_iter().flatten().map(|m| &m["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "toolResult", "assistant"]);

    let shown = client.call("config.get", json!({})).await.to_string();
    for secret in [harness::pi::KEY, "sk-of-the-other"] {
        assert!(!shown.contains(secret), "the configuration shows {secret}");
        let logged = play.gateway.output.lines().iter().any(|line| line.contains(secret));
        assert!(!logged, "the log shows {secret}");
    }
    client.close().await;
    play.gateway.restart().await;
    let mut client = play.gateway.client().await;
    let events = say(&mut client, "run-2", "Who am I?").await;
    assert_eq!(answer(last(&events)), "Ada.");
    let told = heard(&play.model);
    assert!(told.contains("I am Ada.") && told.contains("It is 42."), "{told}");

    client.call("sessions.patch", json!({ "key": KEY, "model": "play/large" })).await;
    let events = say(&mut client, "run-3", "How big are you?").await;
    assert_eq!(answer(last(&events)), "Large.");
    assert_eq!(play.model.asked().last().map(|a| a.body["model"].clone()), Some(json!("large")));
    let listed = client.call("models.list", json!({})).await;
    assert_eq!(listed["models"].as_array().map(Vec::len), Some(2), "{listed}");
}

async fn it_is_stopped_and_dies_and_goes_on(door: Door) {
    let forever = || Answer::words(&["one", " two"], End::Never);
    let play = play(door, "", vec![forever(), forever(), words("Still here.")]).await;
    let mut client = play.gateway.client().await;
    let start = |run: &str| json!({ "sessionKey": KEY, "message": "count", "idempotencyKey": run });
    let speaks = |run: &'static str| {
        move |e: &Event| e.payload["state"] == "delta" && e.payload["runId"] == run
    };

    client.call("chat.send", start("run-1")).await;
    client.event(speaks("run-1")).await;
    let stopped = client.call("chat.abort", json!({ "sessionKey": KEY })).await;
    assert_eq!(stopped["runIds"], json!(["run-1"]));
    play.model.left(1).await;

    client.call("chat.send", start("run-2")).await;
    client.event(speaks("run-2")).await;
    let children = play.gateway.children();
    assert_eq!(children.len(), 1, "one process for the conversation");
    signal(children[0], Signal::KILL);
    let events = client.events_until(|event| is_end(event, "run-2")).await;
    let end = last(&events);
    assert_eq!(end["state"], "error");
    let text = end["errorMessage"].as_str().unwrap_or_default();
    assert!(text.contains("ended in the middle of its answer"), "{text}");
    let errors = events.iter().filter(|e| e.payload["data"]["phase"] == "error").count();
    assert_eq!(errors, 1, "one error of the run's life");
    play.model.left(2).await;

    let events = say(&mut client, "run-3", "Are you there?").await;
    assert_eq!(answer(last(&events)), "Still here.");
    let children = play.gateway.children();
    drop(client);
    let mut gateway = play.gateway;
    gateway.stop().await;
    eventually("its program ends with the gateway", async || {
        children.iter().all(|pid| is_gone(*pid)).then_some(())
    })
    .await;
}

async fn a_person_decides_what_it_may_do(door: Door) {
    let remove = || runs("rm -rf ./nothing-here; echo ran-$((6*7))");
    let answers = vec![remove(), words("Done."), remove(), words("I may not.")];
    let play = play(door, "", answers).await;
    let mut client = play.gateway.client().await;
    let params = json!({ "sessionKey": KEY, "message": "clean up", "idempotencyKey": "run-1" });
    client.call("chat.send", params).await;
    let asked = client.event(|e| e.name == "exec.approval.requested").await.payload;
    let command = asked["request"]["command"].as_str().unwrap_or_default();
    assert!(command.contains("rm -rf ./nothing-here"), "{asked}");
    assert_eq!(asked["request"]["runId"], "run-1");
    let decision = json!({ "id": asked["id"], "decision": "allow-once" });
    client.call("exec.approval.resolve", decision).await;
    let events = client.events_until(|event| is_end(event, "run-1")).await;
    assert!(tools(&events, "agent").1.contains("ran-42"), "what was allowed is done");
    client.close().await;

    // Nobody who may decide is there any more.
    let scopes = ["operator.read", "operator.write"];
    let mut client =
        Connect::cli().scopes(&scopes).open(play.gateway.port).await.expect("it comes in");
    let events = say(&mut client, "run-2", "clean up again").await;
    assert_eq!(last(&events)["state"], "final");
    let given = tools(&events, "agent").1;
    assert!(
        !given.contains("ran-42") && !given.is_empty(),
        "what nobody allowed is not done: {given}"
    );
}

#[tokio::test]
async fn pi_streams_uses_tools_and_remembers() {
    it_streams_uses_tools_and_remembers(Door::Rpc).await;
}

#[tokio::test]
async fn pi_is_stopped_and_dies_and_goes_on() {
    it_is_stopped_and_dies_and_goes_on(Door::Rpc).await;
}

#[tokio::test]
async fn pi_asks_a_person() {
    a_person_decides_what_it_may_do(Door::Rpc).await;
}

#[tokio::test]
async fn an_agent_of_the_protocol_streams_uses_tools_and_remembers() {
    it_streams_uses_tools_and_remembers(Door::Acp).await;
}

#[tokio::test]
async fn an_agent_of_the_protocol_is_stopped_and_dies_and_goes_on() {
    it_is_stopped_and_dies_and_goes_on(Door::Acp).await;
}

#[tokio::test]
async fn an_agent_of_the_protocol_asks_a_person() {
    a_person_decides_what_it_may_do(Door::Acp).await;
}

#[tokio::test]
async fn an_agent_of_the_protocol_is_ended_when_unused_and_a_lost_conversation_is_told_anew() {
    let model =
        Model::start(vec![words("Hello."), words("You are Ada."), words("Still Ada.")]).await;
    let pi = Pi::new(Door::Acp, &model);
    let config = pi.config("agent", "idle_s = 1");
    let gateway = Gateway::start(Options::default().config(&config)).await;
    let mut client = gateway.client().await;
    say(&mut client, "run-1", "I am Ada.").await;
    let unused =
        || eventually("nothing runs unused", async || gateway.children().is_empty().then_some(()));
    unused().await;
    let events = say(&mut client, "run-2", "Who am I?").await;
    assert_eq!(answer(last(&events)), "You are Ada.");
    let told = heard(&model);
    assert!(told.contains("I am Ada.") && !told.contains("which you took part in"), "{told}");

    unused().await;
    for kept in [".pi", "sessions"] {
        fs::remove_dir_all(pi.home().join(kept)).expect("Pi and its door keep conversations there");
    }
    let events = say(&mut client, "run-3", "And now?").await;
    assert_eq!(answer(last(&events)), "Still Ada.");
    let told = heard(&model);
    assert!(told.contains("which you took part in") && told.contains("You are Ada."), "{told}");
    let lines = gateway.output.lines();
    assert!(lines.iter().any(|line| line.contains("the agent lost a conversation")), "{lines:?}");
}

#[tokio::test]
async fn tokens_that_an_agent_of_the_protocol_tells_are_counted() {
    let folder = root().join("tests/node");
    let config = format!(
        "[agent]\nbackend = \"acp\"\n[agent.acp]\ncommand = [\"{0}/node_modules/.bin/node\", \
         \"{0}/acp_agent.mjs\"]\n",
        folder.display()
    );
    let gateway = Gateway::start(Options::default().config(&config)).await;
    let mut client = gateway.client().await;
    let events = say(&mut client, "run-1", "hello").await;
    assert_eq!(answer(last(&events)), "hello", "{:?}", last(&events));
    let usage = &last(&events)["usage"];
    assert_eq!(usage["totalTokens"], 26, "{usage}");
    let usage = client.call("sessions.usage", json!({ "range": "7d" })).await;
    let totals = &usage["totals"];
    assert_eq!((&totals["input"], &totals["output"]), (&json!(11), &json!(7)), "{usage}");
    assert_eq!((&totals["cacheRead"], &totals["cacheWrite"]), (&json!(5), &json!(3)), "{usage}");
}
