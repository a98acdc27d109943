//! A model behind the agent: an endpoint of chat completions, asked, busy, broken, left and refused.

use harness::{
    Client, Event, Gateway, Options,
    model::{Answer, End, Model},
};
use serde_json::{Value, json};

const KEY: &str = "agent:main:main";
const SECRET: &str = "sk-play-0123456789";

async fn gateway(model: &Model, more: &str) -> Gateway {
    Gateway::start(Options::default().config(&model.config(more))).await
}

fn chat<'a>(event: &'a Event, run: &str, state: &str) -> Option<&'a Value> {
    let payload = &event.payload;
    (event.name == "chat" && payload["runId"] == run && payload["state"] == state)
        .then_some(payload)
}

/// Says something and hears every event up to the run's one terminal state.
async fn say(client: &mut Client, run: &str, message: &str) -> Vec<Event> {
    let params = json!({ "sessionKey": KEY, "message": message, "idempotencyKey": run });
    client.call("chat.send", params).await;
    let ends = ["final", "aborted", "error"];
    client.events_until(|e| ends.iter().any(|end| chat(e, run, end).is_some())).await
}

fn last(events: &[Event]) -> &Value {
    &events.last().expect("a run has an end").payload
}

fn answer(payload: &Value) -> &str {
    payload["message"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn its_words_and_thoughts_stream_in_and_its_tokens_are_counted() {
    let thought = json!({ "reasoning_content": "a greeting" });
    let deltas = vec![thought, json!({ "content": "Good " }), json!({ "content": "morning" })];
    let model = Model::start([Answer::Deltas(deltas, End::Done)]).await;
    let key = format!("api_key = \"{SECRET}\"\nsystem_prompt = \"Be kind.\"");
    let gateway = gateway(&model, &key).await;
    let mut client = gateway.client().await;
    let ask = json!({ "message": "hello", "sessionKey": KEY, "idempotencyKey": "run-1" });
    let (_, done) = client.call_two_stage("agent", ask).await;

    assert_eq!(done["result"]["payloads"][0]["text"], "Good morning");
    let meta = &done["result"]["meta"]["agentMeta"];
    assert_eq!(meta["provider"], "openai");
    assert_eq!(meta["model"], "small");
    let usage = json!({ "input": 11, "output": 7, "cacheRead": 0, "cacheWrite": 0, "total": 18 });
    assert_eq!(meta["usage"], usage);
    let events = client.take_events();
    let deltas: String = events
        .iter()
        .filter_map(|e| chat(e, "run-1", "delta"))
        .filter_map(|payload| payload["deltaText"].as_str())
        .collect();
    assert_eq!(deltas, "Good morning");
    let thinking = events.iter().find(|e| e.payload["stream"] == "thinking");
    assert_eq!(thinking.expect("thoughts are told").payload["data"]["text"], "a greeting");

    let asked = &model.asked()[0];
    assert_eq!(asked.authorization.as_deref(), Some(format!("Bearer {SECRET}").as_str()));
    assert_eq!(asked.body["model"], "small");
    assert_eq!(asked.body["messages"][0], json!({ "role": "system", "content": "Be kind." }));
    assert_eq!(asked.body["messages"][1], json!({ "role": "user", "content": "hello" }));
}

#[tokio::test]
async fn it_is_told_the_conversation_so_far() {
    let answers = ["Hello, Ada", "You are Ada"].map(|text| Answer::words(&[text], End::Done));
    let model = Model::start(answers).await;
    let mut gateway = gateway(&model, "").await;
    let mut client = gateway.client().await;
    say(&mut client, "run-1", "I am Ada").await;
    client.close().await;
    gateway.restart().await;
    let mut client = gateway.client().await;
    let events = say(&mut client, "run-2", "Who am I?").await;

    assert_eq!(answer(last(&events)), "You are Ada");
    let expected = json!([
        { "role": "user", "content": "I am Ada" },
        { "role": "assistant", "content": "Hello, Ada" },
        { "role": "user", "content": "Who am I?" },
    ]);
    assert_eq!(model.asked()[1].body["messages"], expected);
}

#[tokio::test]
async fn a_busy_endpoint_is_asked_again_and_one_that_refuses_is_not() {
    let busy = |status| Answer::Refusal(status, Some(0), "too many requests".to_owned());
    let refusal = format!("Incorrect API key provided: {SECRET}");
    let answers = [
        busy(429),
        busy(503),
        Answer::words(&["at last"], End::Done),
        Answer::Refusal(401, None, refusal),
        Answer::words(&["welcome"], End::Done),
    ];
    let model = Model::start(answers).await;
    let gateway = gateway(&model, &format!("api_key = \"{SECRET}\"")).await;
    let mut client = gateway.client().await;

    assert_eq!(answer(last(&say(&mut client, "run-1", "hello").await)), "at last");
    let refused = say(&mut client, "run-2", "hello again").await;
    let end = last(&refused);
    assert_eq!(end["state"], "error");
    assert_eq!(
        end["errorMessage"],
        "the model's endpoint answers 401: Incorrect API key provided: ***"
    );
    assert_eq!(answer(last(&say(&mut client, "run-3", "and now?").await)), "welcome");
    assert_eq!(model.asked().len(), 5);
    assert!(
        !gateway.output.lines().iter().any(|line| line.contains(SECRET)),
        "the key was printed"
    );
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_one_error_and_the_next_run_works() {
    let answers =
        [Answer::words(&["I was just"], End::Cut), Answer::words(&["here I am"], End::Done)];
    let model = Model::start(answers).await;
    let gateway = gateway(&model, "").await;
    let mut client = gateway.client().await;
    let broken = say(&mut client, "run-1", "hello").await;

    let end = last(&broken);
    assert_eq!(end["state"], "error");
    let text = end["errorMessage"].as_str().unwrap_or_default();
    assert!(text.starts_with("the model's answer broke off"), "{text}");
    let errors = broken.iter().filter(|e| e.payload["data"]["phase"] == "error").count();
    assert_eq!(errors, 1, "one error of the run's life");
    assert_eq!(answer(last(&say(&mut client, "run-2", "hello?").await)), "here I am");
    assert_eq!(model.asked().len(), 2, "what began to answer is not asked again");
}

#[tokio::test]
async fn stopping_a_run_leaves_the_endpoint_at_once() {
    let model = Model::start([Answer::words(&["one", " two"], End::Never)]).await;
    let gateway = gateway(&model, "").await;
    let mut client = gateway.client().await;
    let params = json!({ "sessionKey": KEY, "message": "count", "idempotencyKey": "run-1" });
    client.call("chat.send", params).await;
    client.event(|e| chat(e, "run-1", "delta").is_some()).await;
    let stopped = client.call("chat.abort", json!({ "sessionKey": KEY })).await;

    assert_eq!(stopped["runIds"], json!(["run-1"]));
    model.left(1).await;
}

#[tokio::test]
async fn its_models_are_listed_with_the_chosen_one_first() {
    let model = Model::start([]).await;
    let gateway = gateway(&model, "context_window = 8192").await;
    let mut client = gateway.client().await;
    let list = client.call("models.list", json!({})).await;

    let names: Vec<&Value> =
        list["models"].as_array().into_iter().flatten().map(|m| &m["id"]).collect();
    assert_eq!(names, [&json!("small"), &json!("large")]);
    assert_eq!(list["models"][0]["contextWindow"], 8192);
    assert_eq!(list["models"][0]["available"], true);
}
