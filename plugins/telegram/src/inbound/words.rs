//! The words of a message as Markdown: what a plain text would lose is written with signs.
//!
//! Telegram tells markup apart from the text, in stretches that may lie inside each other. Must not
//! know: whom the words address.

use super::wire::Entity;
use crate::{client::Me, text::utf16};
use std::ops::Range;

/// The text with its markup. A command loses the name of this bot.
pub(super) fn marked(text: &str, entities: &[Entity], me: &Me) -> String {
    let mut stretches: Vec<Stretch<'_>> = entities
        .iter()
        .filter_map(|entity| {
            let range = utf16::range(text, entity.offset, entity.length)?;
            Some(Stretch { range, entity })
        })
        .collect();
    // The outer one of two that begin together comes first.
    stretches.sort_by_key(|s| (s.range.start, std::cmp::Reverse(s.range.end)));
    within(text, 0..text.len(), &stretches, me)
}

struct Stretch<'a> {
    range: Range<usize>,
    entity: &'a Entity,
}

/// The text of a range; `stretches` in order, those that reach beyond it are left out.
fn within(text: &str, range: Range<usize>, stretches: &[Stretch<'_>], me: &Me) -> String {
    let mut marked = String::with_capacity(range.len());
    let mut at = range.start;
    for (index, stretch) in stretches.iter().enumerate() {
        let Range { start, end } = stretch.range;
        if start < at || end > range.end {
            continue;
        }
        let inner = || within(text, start..end, &stretches[index + 1..], me);
        let Some(written) = written(&text[start..end], inner, stretch.entity, me) else { continue };
        marked.push_str(&text[at..start]);
        marked.push_str(&written);
        at = end;
        // Without an empty line what follows would belong to the quotation.
        if is_quotation(stretch.entity) && end < range.end {
            marked.push('\n');
        }
    }
    marked.push_str(&text[at..range.end]);
    marked
}

fn written(said: &str, inner: impl FnOnce() -> String, entity: &Entity, me: &Me) -> Option<String> {
    match entity.kind.as_str() {
        "text_link" => entity.url.as_ref().map(|url| format!("[{}]({url})", inner())),
        "text_mention" => {
            let user = entity.user.as_ref().filter(|user| user.id != me.id)?;
            Some(format!("[{}](tg://user?id={})", inner(), user.id))
        }
        "code" if !said.contains('`') => Some(format!("`{said}`")),
        "pre" if !said.contains("```") => {
            let language = entity.language.as_deref().unwrap_or_default();
            Some(format!("```{language}\n{}\n```", said.trim_end_matches('\n')))
        }
        "bold" => Some(around(&inner(), "**")),
        "italic" => Some(around(&inner(), "*")),
        "strikethrough" => Some(around(&inner(), "~~")),
        "spoiler" => Some(around(&inner(), "||")),
        _ if is_quotation(entity) => {
            let lines: Vec<_> = inner().lines().map(|line| format!("> {line}")).collect();
            Some(lines.join("\n"))
        }
        "bot_command" => {
            let (command, name) = said.split_once('@')?;
            me.is_called(name).then(|| command.to_owned())
        }
        _ => None,
    }
}

fn is_quotation(entity: &Entity) -> bool {
    matches!(entity.kind.as_str(), "blockquote" | "expandable_blockquote")
}

/// Signs around words; blank space stays outside, where the signs count.
fn around(words: &str, sign: &str) -> String {
    let (begin, trimmed) = (words.len() - words.trim_start().len(), words.trim());
    if trimmed.is_empty() {
        return words.to_owned();
    }
    let end = begin + trimmed.len();
    format!("{}{sign}{trimmed}{sign}{}", &words[..begin], &words[end..])
}
