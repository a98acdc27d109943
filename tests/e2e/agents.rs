//! Several agents, and what a conversation can want of its own: a model, how much thinking, an order
//! instead of words, an answer that goes to a channel.

use harness::{
    Client, Connect, Event, Gateway, Options,
    line::{Person, line_port},
    model::{Answer, End, Model},
};
use serde_json::{Value, json};

const KEY: &str = "agent:main:main";

fn words(text: &str) -> Answer {
    Answer::words(&[text], End::Done)
}

async fn say(client: &mut Client, key: &str, run: &str, message: &str) -> Value {
    let params = json!({ "sessionKey": key, "message": message, "idempotencyKey": run });
    said(client, run, params).await
}

async fn said(client: &mut Client, run: &str, params: Value) -> Value {
    client.call("chat.send", params).await;
    let ends = ["final", "aborted", "error"];
    let is_end = |e: &Event| {
        e.name == "chat"
            && e.payload["runId"] == run
            && ends.iter().any(|end| e.payload["state"] == *end)
    };
    client.event(is_end).await.payload
}

fn text(payload: &Value) -> &str {
    payload["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn each_agent_answers_in_its_own_conversations() {
    let model = Model::start([words("wise words")]).await;
    let others = format!(
        "[agents.wise]\nname = \"The wise one\"\nbackend = \"openai\"\n[agents.wise.openai]\n\
         base_url = \"{}\"\nmodel = \"small\"\n[agents.quick]\necho_pace_ms = 0",
        model.base()
    );
    let line = Options::default().line_channel("process", "agent = \"quick\"").config(&others);
    let gateway = Gateway::start(line).await;
    let mut client = gateway.client().await;

    let list = client.call("agents.list", json!({})).await;
    let ids: Vec<&Value> =
        list["agents"].as_array().into_iter().flatten().map(|a| &a["id"]).collect();
    assert_eq!(ids, ["main", "quick", "wise"], "the default one first");
    assert_eq!(list["defaultId"], "main");
    assert_eq!(list["agents"][2]["name"], "The wise one");
    assert_eq!(list["agents"][2]["model"]["primary"], "openai/small");

    let wise = say(&mut client, "agent:wise:main", "run-1", "hello").await;
    assert_eq!((text(&wise), &wise["agentId"]), ("wise words", &json!("wise")));
    assert_eq!(text(&say(&mut client, KEY, "run-2", "hello").await), "hello");
    let rows = client.call("sessions.list", json!({ "agentId": "wise" })).await;
    assert_eq!(rows["sessions"][0]["key"], "agent:wise:main", "{rows}");
    assert_eq!(rows["sessions"][0]["model"], "small");
    let models = client.call("models.list", json!({ "agentId": "wise" })).await;
    assert_eq!(models["models"].as_array().map(Vec::len), Some(2));

    let nobody =
        json!({ "sessionKey": "agent:nobody:main", "message": "x", "idempotencyKey": "3" });
    let error = client.refused("chat.send", nobody).await;
    assert_eq!(error.message, "unknown agent id: nobody");

    let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
    ada.say("m1", "hello from afar").await;
    assert_eq!(ada.message().await, "hello from afar");
    let rows = client.call("sessions.list", json!({ "agentId": "quick" })).await;
    assert_eq!(rows["sessions"][0]["key"], "agent:quick:line:direct:ada", "{rows}");
}

#[tokio::test]
async fn a_conversation_chooses_its_model_and_how_much_to_think() {
    let model = Model::start(["a", "b", "c", "d"].map(words)).await;
    let gateway = Gateway::start(Options::default().config(&model.config(""))).await;
    let mut client = gateway.client().await;
    let asked = |n: usize| {
        let body = &model.asked()[n].body;
        (body["model"].clone(), body["reasoning_effort"].clone())
    };

    let choice = json!({ "key": KEY, "model": "openai/large", "thinkingLevel": "high" });
    let changed = client.call("sessions.patch", choice).await;
    assert_eq!(changed["resolved"]["model"], "large", "{changed}");
    say(&mut client, KEY, "run-1", "one").await;
    assert_eq!(asked(0), (json!("large"), json!("high")));
    let once = json!({ "sessionKey": KEY, "message": "two", "idempotencyKey": "run-2",
                       "thinking": "low" });
    said(&mut client, "run-2", once).await;
    assert_eq!(asked(1), (json!("large"), json!("low")), "one message may differ");

    let answer = say(&mut client, KEY, "run-3", "/model default").await;
    assert_eq!(text(&answer), "From now on: model as configured.");
    say(&mut client, KEY, "run-4", "three").await;
    assert_eq!(asked(2), (json!("small"), json!("high")));
    let answer = say(&mut client, KEY, "run-5", "/model").await;
    assert!(text(&answer).contains("`openai/large`"), "{answer}");

    for (choice, known) in [
        (json!({ "key": KEY, "model": "huge" }), "small, large"),
        (json!({ "key": KEY, "thinkingLevel": "wildly" }), "off, minimal, low, medium, high"),
    ] {
        let error = client.refused("sessions.patch", choice).await;
        assert!(error.message.contains(known), "{}", error.message);
    }
    let answer = say(&mut client, KEY, "run-6", "/model huge").await;
    assert!(text(&answer).contains("unknown model `huge`"), "{answer}");
    assert_eq!(model.asked().len(), 3, "orders are not for the model");
}

#[tokio::test]
async fn orders_are_obeyed_on_a_channel_too() {
    let slow = "[agent]\necho_pace_ms = 300";
    let gateway = Gateway::start(Options::default().line_channel("process", "").config(slow)).await;
    let mut client = gateway.client().await;
    let mut ada = Person::connect(line_port(&mut client).await, "ada").await;

    ada.say("m1", "one two three four five six seven eight nine ten eleven twelve").await;
    client.event(|e| e.payload["state"] == "delta").await;
    ada.say("m2", "/stop").await;
    assert_eq!(ada.message().await, "Stopped.", "it does not wait for the answer it stops");
    let key = "agent:main:line:direct:ada";
    let row = client.call("sessions.describe", json!({ "key": key })).await;
    assert_eq!(row["session"]["status"], "killed", "{row}");
    assert_eq!(row["session"]["abortedLastRun"], true);

    ada.say("m3", "/new").await;
    assert_eq!(ada.message().await, "New conversation.");
    let history = client.call("chat.history", json!({ "sessionKey": key })).await;
    assert_eq!(history["messages"], json!([]), "orders are no part of the conversation");
}

#[tokio::test]
async fn an_answer_goes_to_a_channel_when_asked() {
    let gateway = Gateway::start(Options::default().line_channel("process", "")).await;
    let mut client = gateway.client().await;
    let mut ada = Person::connect(line_port(&mut client).await, "ada").await;
    ada.say_and_wait("m1", "hello").await;
    ada.message().await;

    let ask = |run: &str, more: Value| {
        let mut params = json!({ "message": "tea is ready", "sessionKey": KEY, "deliver": true,
                                 "idempotencyKey": run });
        for (name, value) in more.as_object().into_iter().flatten() {
            params[name] = value.clone();
        }
        params
    };
    let error = client.refused("agent", ask("run-1", json!({}))).await;
    assert!(error.message.contains("deliver needs a channel"), "{}", error.message);
    let there = json!({ "channel": "line", "to": "ada" });
    let (_, done) = client.call_two_stage("agent", ask("run-2", there.clone())).await;
    assert_eq!(done["result"]["deliveryStatus"]["status"], "sent", "{done}");
    assert_eq!(ada.message().await, "tea is ready");
    client.call("agent", ask("run-2", there)).await;

    let way = json!({ "sessionKey": "agent:main:line:direct:ada", "message": "come" });
    let (_, done) = client.call_two_stage("agent", ask("run-3", way)).await;
    assert_eq!(done["result"]["deliveryStatus"]["status"], "sent", "{done}");
    assert_eq!(
        ada.message().await,
        "come",
        "the conversation knows its way, and nothing came twice"
    );
}

#[tokio::test]
async fn tokens_are_counted_for_conversations_and_days() {
    let model = Model::start([words("a"), words("b")]).await;
    let gateway = Gateway::start(Options::default().config(&model.config(""))).await;
    let mut client = gateway.client().await;
    say(&mut client, KEY, "run-1", "one").await;
    let end = say(&mut client, KEY, "run-2", "two").await;
    assert_eq!(end["usage"]["totalTokens"], 18, "{end}");
    assert_eq!(end["message"]["usage"]["output"], 7, "{end}");

    let rows = client.call("sessions.list", json!({})).await;
    let row = &rows["sessions"][0];
    assert_eq!((&row["inputTokens"], &row["totalTokens"]), (&json!(22), &json!(36)), "{row}");
    assert_eq!((&row["status"], &row["lastRunId"]), (&json!("done"), &json!("run-2")));
    let cost = client.call("usage.cost", json!({})).await;
    assert_eq!(cost["totals"]["totalTokens"], 36, "{cost}");
    assert_eq!(cost["daily"].as_array().map(Vec::len), Some(1));
    let usage = client.call("sessions.usage", json!({ "range": "7d" })).await;
    assert_eq!(usage["sessions"][0]["key"], KEY, "{usage}");
    assert_eq!(usage["sessions"][0]["usage"]["messageCounts"]["user"], 2);
    assert_eq!(usage["totals"]["output"], 14);
    let error = client.refused("sessions.usage", json!({ "startDate": "yesterday" })).await;
    assert!(error.message.contains("2026-11-24"), "{}", error.message);
}

#[tokio::test]
async fn a_page_of_history_stays_where_a_message_is() {
    let gateway = Gateway::start(Options::default().config("[agent]\necho_pace_ms = 0")).await;
    let mut client = gateway.client().await;
    for n in 1..=3 {
        say(&mut client, KEY, &format!("run-{n}"), &format!("text {n}")).await;
    }
    let all = client.call("chat.history", json!({ "sessionKey": KEY })).await;
    let anchor = all["messages"][3]["__openclaw"]["id"].clone();
    let page = json!({ "sessionKey": KEY, "limit": 2, "messageId": anchor });
    let before = client.call("chat.history", page.clone()).await;
    let texts: Vec<&Value> = before["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|m| &m["content"][0]["text"])
        .collect();
    assert_eq!(texts, ["text 2", "text 2"], "a question and its answer, up to the anchor");
    say(&mut client, KEY, "run-4", "text 4").await;
    let after = client.call("chat.history", page).await;
    assert_eq!(after["messages"], before["messages"], "what was said since does not move it");
    assert_eq!(after["hasMore"], true);
}

#[tokio::test]
async fn calls_of_tools_that_nobody_runs_are_told_to_those_who_asked() {
    let piece = |more: &str| json!({ "index": 0, "function": { "arguments": more } });
    let call =
        json!({ "index": 0, "id": "c-1", "function": { "name": "weather", "arguments": "" } });
    let deltas = [vec![call], vec![piece("{\"city\":")], vec![piece("\"Oslo\"}")]];
    let deltas = deltas.map(|calls| json!({ "tool_calls": calls })).to_vec();
    let model = Model::start([Answer::Deltas(deltas, End::Done)]).await;
    let gateway = Gateway::start(Options::default().config(&model.config(""))).await;
    let mut client = gateway.client().await;
    let plain = Connect::cli().with("caps", json!([]));
    let mut other = plain.open(gateway.port).await.expect("it comes in");
    let ask = json!({ "message": "is it cold?", "sessionKey": KEY, "idempotencyKey": "run-1" });
    client.call_two_stage("agent", ask).await;

    let told: Vec<Value> = client
        .take_events()
        .into_iter()
        .filter(|e| e.payload["stream"] == "tool")
        .map(|e| e.payload["data"].clone())
        .collect();
    let phases: Vec<&Value> = told.iter().map(|data| &data["phase"]).collect();
    assert_eq!(phases, ["start", "update", "update", "result"]);
    assert_eq!(told[3]["result"]["arguments"], json!({ "city": "Oslo" }));
    assert_eq!(told[3]["isError"], true, "it was not run, and that is said");
    let seen = other.events_until(|e| e.name == "chat" && e.payload["state"] == "final").await;
    assert!(seen.iter().all(|e| e.payload["stream"] != "tool"), "it did not ask");
}
