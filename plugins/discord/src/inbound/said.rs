//! What a message says in words: its text, and what is only drawn as something else.

use super::wire::Content;
use jackfield_plugin_api::serde_json::Value;

/// A component that is a piece of text.
const TEXT_DISPLAY: u64 = 10;

/// The words of a message. Cards are read where they are the message: those of a bot, or where there
/// is nothing else; below a person's text they are previews of what it links to.
pub(super) fn said(content: &Content, cards: bool) -> String {
    let mut parts = vec![content.content.clone()];
    parts.extend(content.sticker_items.iter().map(|s| format!("[sticker: {}]", s.name)));
    parts.extend(content.poll.as_ref().and_then(poll));
    if cards || content.content.is_empty() {
        parts.extend(content.embeds.iter().filter_map(card));
    }
    for component in &content.components {
        gather(component, &mut parts);
    }
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

/// A poll's question, and its answers.
pub(crate) fn poll_words(poll: &Value) -> Option<(&str, Vec<&str>)> {
    let question = poll.pointer("/question/text")?.as_str()?;
    let answers = poll.get("answers")?.as_array()?.iter();
    let answers = answers.filter_map(|answer| answer.pointer("/poll_media/text")?.as_str());
    Some((question, answers.collect()))
}

fn poll(poll: &Value) -> Option<String> {
    let (question, answers) = poll_words(poll)?;
    Some(format!("[poll: {question}: {}]", answers.join("; ")))
}

/// A card that somebody made; a mere preview has another type.
fn card(embed: &Value) -> Option<String> {
    let text = |key: &str| embed.get(key).and_then(Value::as_str);
    if text("type").is_some_and(|kind| kind != "rich") {
        return None;
    }
    let mut lines: Vec<String> = Vec::new();
    let author = embed.pointer("/author/name").and_then(Value::as_str);
    lines.extend(author.into_iter().chain(text("title")).map(str::to_owned));
    lines.extend(text("description").map(str::to_owned));
    for field in embed.get("fields").and_then(Value::as_array).into_iter().flatten() {
        let part = |key: &str| field.get(key).and_then(Value::as_str).unwrap_or_default();
        lines.push(format!("{}: {}", part("name"), part("value")));
    }
    lines.extend(text("url").map(str::to_owned));
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// The pieces of text in components, however deeply they are laid out.
fn gather(component: &Value, parts: &mut Vec<String>) {
    if component.get("type").and_then(Value::as_u64) == Some(TEXT_DISPLAY) {
        parts.extend(component.get("content").and_then(Value::as_str).map(str::to_owned));
    }
    for below in component.get("components").and_then(Value::as_array).into_iter().flatten() {
        gather(below, parts);
    }
}

#[cfg(test)]
mod tests {
    use super::said;
    use jackfield_plugin_api::serde_json::{Value, from_value, json};

    fn words(content: Value, cards: bool) -> String {
        said(&from_value(content).unwrap(), cards)
    }

    #[test]
    fn a_card_is_read_where_it_is_the_message() {
        let card = json!({
            "type": "rich", "title": "Build 7", "description": "failed",
            "fields": [{"name": "branch", "value": "main"}, {"odd": 1}], "url": "https://ci/7",
        });
        let preview = json!({"type": "link", "title": "A page"});
        let by_bot = json!({"content": "look", "embeds": [card, preview]});
        let told = "look\nBuild 7\nfailed\nbranch: main\n: \nhttps://ci/7";
        assert_eq!(words(by_bot.clone(), true), told);
        assert_eq!(words(by_bot, false), "look", "below a person's words it is a preview");
        assert_eq!(words(json!({"content": "", "embeds": [{"title": "T"}]}), false), "T");
    }

    #[test]
    fn components_that_are_text_are_read() {
        let components = json!([{"type": 17, "components": [
            {"type": 10, "content": "# Hello"},
            {"type": 9, "components": [{"type": 10, "content": "there"}], "accessory": {"type": 2}},
        ]}]);
        assert_eq!(
            words(json!({"content": "", "components": components}), false),
            "# Hello\nthere"
        );
    }
}
