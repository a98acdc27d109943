//! What apps write: blocks and attachments, with a text or without.

use super::conversions::{converted_with, fixture};
use crate::inbound::Delivery;
use jackfield_plugin_api::{
    event::{Event, InboundMessage},
    serde_json::{Value, json},
};

fn by_app(more: Value) -> Option<InboundMessage> {
    let mut payload = fixture("message_bot");
    let event = payload["event"].as_object_mut().unwrap();
    event.remove("attachments");
    event.remove("text");
    event.extend(more.as_object().unwrap().clone());
    match converted_with(&Delivery::Event(payload), true, false).pop()?.event {
        Event::Message(message) => Some(message),
        other => panic!("a message, not {other:?}"),
    }
}

fn text(more: Value) -> String {
    by_app(more).unwrap().text
}

fn rich(elements: Value) -> Value {
    json!([{ "type": "rich_text", "elements": elements }])
}

#[test]
fn blocks_become_markdown() {
    let mrkdwn = |text: &str| json!({ "type": "mrkdwn", "text": text });
    let plain = |text: &str| json!({ "type": "plain_text", "text": text });
    for (blocks, markdown) in [
        (json!([{ "type": "header", "text": plain("Build 7") }]), "**Build 7**"),
        (
            json!([{ "type": "section", "text": mrkdwn("*green* &amp; <https://a.b|fast>"),
                     "fields": [mrkdwn("*Branch*\nmain"), plain("a *b*")] }]),
            "**green** & [fast](https://a.b)\n**Branch**\nmain\na *b*",
        ),
        (
            json!([{ "type": "divider" }, { "type": "context", "elements": [plain("by"), mrkdwn("_ci_")] }]),
            "by _ci_",
        ),
        (json!([{ "type": "markdown", "text": "# as *it* is" }]), "# as *it* is"),
        (
            json!([{ "type": "actions", "elements": [{ "type": "button", "text": plain("Yes") }] }]),
            "[Yes]",
        ),
        (
            json!([{ "type": "image", "image_url": "https://a.b/c.png", "alt_text": "a cat" }]),
            "[a cat](https://a.b/c.png)",
        ),
        (
            json!([{ "type": "table", "rows": [[{ "type": "raw_text", "text": "x" }, { "type": "raw_text", "text": "y" }]] }]),
            "x | y",
        ),
    ] {
        assert_eq!(text(json!({ "blocks": blocks })), markdown);
    }
}

#[test]
fn rich_text_becomes_markdown() {
    let span = |text: &str| json!({ "type": "text", "text": text });
    let section = |elements: Value| json!({ "type": "rich_text_section", "elements": elements });
    let bold =
        json!({ "type": "text", "text": "very ", "style": { "bold": true, "italic": true } });
    let people = json!([
        bold, { "type": "user", "user_id": "U0ADAADA1" }, span(" "),
        { "type": "link", "url": "https://a.b", "text": "a < b" }, { "type": "emoji", "name": "tada" },
        { "type": "broadcast", "range": "here" },
    ]);
    for (elements, markdown) in [
        (json!([section(people)]), "**_very_** @Ada [a < b](https://a.b)🎉@here"),
        (
            json!([{ "type": "rich_text_list", "style": "ordered", "indent": 1,
                     "elements": [section(json!([span("one")])), section(json!([span("two")]))] }]),
            "  1. one\n  2. two",
        ),
        (
            json!([{ "type": "rich_text_preformatted", "elements": [span("a *b*\nc")] }]),
            "```\na *b*\nc\n```",
        ),
        (
            json!([{ "type": "rich_text_quote", "elements": [span("said\ntwice")] }]),
            "> said\n> twice",
        ),
    ] {
        assert_eq!(text(json!({ "blocks": rich(elements) })), markdown);
    }
}

#[test]
fn a_text_that_says_less_than_the_blocks_is_not_all() {
    let blocks =
        json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "*Disk* full on db1" } }]);
    for (text_, expected) in [
        ("This content can't be displayed.", "**Disk** full on db1"),
        ("Disk full on db1", "**Disk** full on db1"),
        ("Disk full on db1, see the runbook", "Disk full on db1, see the runbook"),
        ("An alert", "An alert\n**Disk** full on db1"),
    ] {
        assert_eq!(text(json!({ "text": text_, "blocks": blocks })), expected);
    }
    let alert = json!([{ "title": "HighLoad", "fields": [{ "title": "host", "value": "`db1`" }] }]);
    assert_eq!(
        text(json!({ "text": "Firing", "attachments": alert })),
        "Firing\n> HighLoad\n> host: `db1`"
    );
    let preview = json!([{ "from_url": "https://a.b", "title": "A page" }]);
    assert_eq!(
        text(json!({ "text": "see <https://a.b>", "attachments": preview })),
        "see https://a.b"
    );
    assert_eq!(by_app(json!({ "blocks": [{ "type": "divider" }] })), None, "nothing to read");
}

#[test]
fn an_app_that_calls_us_in_a_block_is_heard() {
    let called = |user: &str| {
        let user = json!({ "type": "user", "user_id": user });
        let blocks = rich(json!([{ "type": "rich_text_section", "elements": [user] }]));
        by_app(json!({ "text": "An alert", "blocks": blocks })).unwrap()
    };
    assert!(called("U0BOTBOT1").mentioned);
    assert!(!called("U0ADAADA1").mentioned);
    let section =
        json!([{ "type": "section", "text": { "type": "mrkdwn", "text": "<@U0BOTBOT1> look" } }]);
    assert!(by_app(json!({ "blocks": section })).unwrap().mentioned);
}

#[test]
fn people_are_taken_by_their_words_alone() {
    let mut payload = fixture("message_im");
    payload["event"]["blocks"] = rich(
        json!([{ "type": "rich_text_section", "elements": [{ "type": "text", "text": "Hello" }] }]),
    );
    let Event::Message(message) =
        converted_with(&Delivery::Event(payload), true, false).remove(0).event
    else {
        panic!("a message")
    };
    assert_eq!(message.text, "Hello **there** & [see this](https://example.com)");
}
