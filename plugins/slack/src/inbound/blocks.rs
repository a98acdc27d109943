//! Blocks: what apps write when they write no plain text. Pure.
//!
//! People's messages always have a text as well; those of apps may have none, or one that only says
//! that there is more. Each block becomes lines of Markdown; what only a screen can show becomes its
//! words.

use jackfield_plugin_api::serde_json::Value;

/// Blocks inside blocks are read this far.
const DEPTH_MAX: usize = 6;

/// The blocks as Markdown; `markdown` turns Slack's markup into it.
pub(super) fn to_markdown(blocks: &Value, markdown: &dyn Fn(&str) -> String) -> String {
    let reader = Reader { markdown };
    let lines: Vec<String> = list(blocks)
        .iter()
        .map(|block| reader.block(block, 0))
        .filter(|text| !text.trim().is_empty())
        .collect();
    lines.join("\n")
}

/// Whether blocks mention a person.
pub(super) fn mention(blocks: &Value, user: &str) -> bool {
    match blocks {
        Value::Array(all) => all.iter().any(|one| mention(one, user)),
        Value::Object(fields) => {
            fields.get("user_id").is_some_and(|id| *id == user)
                || fields.values().any(|field| mention(field, user))
        }
        Value::String(text) => super::message::mentions(text).iter().any(|id| id == user),
        _ => false,
    }
}

struct Reader<'a> {
    markdown: &'a dyn Fn(&str) -> String,
}

impl Reader<'_> {
    fn block(&self, block: &Value, depth: usize) -> String {
        if depth > DEPTH_MAX {
            return String::new();
        }
        match kind(block) {
            "rich_text" => self.all(&block["elements"], "\n", depth),
            "rich_text_section" => list(&block["elements"]).iter().map(|e| self.span(e)).collect(),
            "rich_text_list" => self.items(block, depth),
            "rich_text_quote" => {
                let text: String = list(&block["elements"]).iter().map(|e| self.span(e)).collect();
                text.lines().map(|line| format!("> {line}")).collect::<Vec<_>>().join("\n")
            }
            "rich_text_preformatted" => {
                let plain = |element: &Value| text_of(element).to_owned();
                let code: String = list(&block["elements"]).iter().map(plain).collect();
                format!("```\n{}\n```", code.trim_end_matches('\n'))
            }
            "header" => format!("**{}**", text_of(&block["text"])),
            "section" => {
                let own = self.text(&block["text"]);
                let fields = list(&block["fields"]).iter().map(|field| self.text(field));
                let parts = [own].into_iter().chain(fields).filter(|part| !part.is_empty());
                parts.collect::<Vec<_>>().join("\n")
            }
            "context" | "actions" => self.all(&block["elements"], " ", depth),
            // Markdown already.
            "markdown" => text_of(block).to_owned(),
            "mrkdwn" | "plain_text" => self.text(block),
            "button" => format!("[{}]", text_of(&block["text"])),
            "image" | "video" => picture(block),
            "table" => self.table(block),
            _ => String::new(),
        }
    }

    fn all(&self, elements: &Value, gap: &str, depth: usize) -> String {
        let texts = list(elements).iter().map(|element| self.block(element, depth + 1));
        texts.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(gap)
    }

    /// A text object: Slack's markup, or plain.
    fn text(&self, text: &Value) -> String {
        match kind(text) {
            "mrkdwn" => (self.markdown)(text_of(text)),
            _ => text_of(text).to_owned(),
        }
    }

    fn items(&self, list_: &Value, depth: usize) -> String {
        let deep = list_["indent"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
        let indent = "  ".repeat(deep.min(DEPTH_MAX));
        let ordered = list_["style"] == "ordered";
        let items = list(&list_["elements"]).iter().enumerate().map(|(index, item)| {
            let text = self.block(item, depth + 1);
            let lead = if ordered { format!("{}.", index + 1) } else { "-".to_owned() };
            format!("{indent}{lead} {text}")
        });
        items.collect::<Vec<_>>().join("\n")
    }

    /// A piece of rich text, by way of Slack's markup where it knows names better.
    fn span(&self, span: &Value) -> String {
        let id = |key: &str| span[key].as_str().unwrap_or_default();
        match kind(span) {
            "text" => styled(text_of(span), &span["style"]),
            "link" => {
                let (url, text) = (id("url"), text_of(span));
                if text.is_empty() || text == url {
                    url.to_owned()
                } else {
                    format!("[{text}]({url})")
                }
            }
            "user" => (self.markdown)(&format!("<@{}>", id("user_id"))),
            "channel" => (self.markdown)(&format!("<#{}>", id("channel_id"))),
            "usergroup" => (self.markdown)(&format!("<!subteam^{}>", id("usergroup_id"))),
            "broadcast" => format!("@{}", id("range")),
            "emoji" => (self.markdown)(&format!(":{}:", id("name"))),
            "date" => id("fallback").to_owned(),
            "color" => id("value").to_owned(),
            _ => text_of(span).to_owned(),
        }
    }

    fn table(&self, table: &Value) -> String {
        let rows = list(&table["rows"]).iter().map(|row| {
            let cells = list(row).iter().map(|cell| match kind(cell) {
                "raw_text" => text_of(cell).to_owned(),
                _ => self.block(cell, 1),
            });
            cells.collect::<Vec<_>>().join(" | ")
        });
        rows.collect::<Vec<_>>().join("\n")
    }
}

fn styled(text: &str, style: &Value) -> String {
    let bare = text.trim();
    if bare.is_empty() {
        return text.to_owned();
    }
    let mut out = bare.to_owned();
    for (name, mark) in [("code", "`"), ("strike", "~~"), ("italic", "_"), ("bold", "**")] {
        if style[name] == true {
            out = format!("{mark}{out}{mark}");
        }
    }
    text.replacen(bare, &out, 1)
}

/// A picture or film by its words; the address of one is of use as well.
fn picture(block: &Value) -> String {
    let title = [text_of(&block["title"]), block["alt_text"].as_str().unwrap_or_default()];
    let title = title.into_iter().find(|text| !text.is_empty()).unwrap_or("picture");
    let url = block["image_url"].as_str().or_else(|| block["video_url"].as_str());
    match url {
        Some(url) => format!("[{title}]({url})"),
        None => title.to_owned(),
    }
}

fn kind(value: &Value) -> &str {
    value["type"].as_str().unwrap_or_default()
}

fn text_of(value: &Value) -> &str {
    value["text"].as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
