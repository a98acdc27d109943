//! What of a Markdown text must stay together, as byte ranges.

use super::measure;
use jackfield_plugin_api::manifest::TextUnit;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag};
use std::ops::Range;

/// A fenced code block.
pub(super) struct Fence {
    start: usize,
    /// Its lines, without the fences.
    pub(super) body: Range<usize>,
    /// Where it ends, closing fence and line break included.
    pub(super) end: usize,
    /// What opens it again, with its line break.
    pub(super) open: String,
    /// What closes it early.
    pub(super) close: String,
}

/// The blocks and spans of a text, each list in order of place.
pub(super) struct Blocks {
    fences: Vec<Fence>,
    spans: Vec<Range<usize>>,
}

impl Blocks {
    /// Reads `text`. Fences too large to be repeated in pieces of `max` count as ordinary text.
    pub(super) fn of(text: &str, max: usize, unit: TextUnit) -> Self {
        let mut fences = Vec::new();
        let mut spans: Vec<Range<usize>> = Vec::new();
        let parser = Parser::new_ext(text, Options::ENABLE_STRIKETHROUGH);
        for (event, range) in parser.into_offset_iter() {
            match event {
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => {
                    let fence = Fence::read(text, range);
                    if measure(&fence.open, unit) + measure(&fence.close, unit) < max / 2 {
                        fences.push(fence);
                    }
                }
                Event::Start(
                    Tag::Link { .. }
                    | Tag::Image { .. }
                    | Tag::Emphasis
                    | Tag::Strong
                    | Tag::Strikethrough,
                )
                | Event::Code(_)
                | Event::InlineHtml(_)
                    // Spans inside a span are as safe as it is.
                    if spans.last().is_none_or(|last| last.end <= range.start) =>
                {
                    spans.push(range);
                }
                _ => {}
            }
        }
        Self { fences, spans }
    }

    /// The code block whose lines `place` lies in, its last line end included.
    pub(super) fn fence_at(&self, place: usize) -> Option<&Fence> {
        let index = self.fences.partition_point(|fence| fence.body.end < place);
        self.fences.get(index).filter(|fence| fence.body.start < place)
    }

    /// Whether a cut at `place` breaks nothing; `strict` keeps spans whole too.
    pub(super) fn may_cut(&self, place: usize, strict: bool) -> bool {
        let fence = self.fences.partition_point(|fence| fence.end <= place);
        if self.fences.get(fence).is_some_and(|fence| {
            fence.start < place && (place <= fence.body.start || place > fence.body.end)
        }) {
            return false;
        }
        let span = self.spans.partition_point(|span| span.end <= place);
        !strict || self.spans.get(span).is_none_or(|span| place <= span.start)
    }
}

impl Fence {
    fn read(text: &str, range: Range<usize>) -> Self {
        let block = &text[range.clone()];
        let mark = block.chars().next().unwrap_or('`');
        let length = block.len() - block.trim_start_matches(mark).len();
        let fence: String = std::iter::repeat_n(mark, length).collect();
        let line_start = text[..range.start].rfind('\n').map_or(0, |feed| feed + 1);
        // In a quote the fence needs the quote's mark again, in a list only its indentation.
        let prefix: String = text[line_start..range.start]
            .chars()
            .map(|c| if c == '>' || c.is_whitespace() { c } else { ' ' })
            .collect();
        let first_line = block.split_inclusive('\n').next().unwrap_or(block);
        let last_line_start = block.trim_end_matches('\n').rfind('\n').map_or(0, |feed| feed + 1);
        let last_line = block[last_line_start..].trim_start_matches(['>', ' ', '\t']).trim_end();
        let closed = last_line_start > 0
            && last_line.len() >= length
            && last_line.chars().all(|c| c == mark);
        let body_end = if closed { range.start + last_line_start } else { range.end };
        let line_end = if text[range.end..].starts_with('\n') { range.end + 1 } else { range.end };
        Self {
            start: range.start,
            body: (range.start + first_line.len()).min(body_end)..body_end,
            end: line_end,
            open: format!("{prefix}{}\n", first_line.trim_end()),
            close: format!("{prefix}{fence}"),
        }
    }
}
