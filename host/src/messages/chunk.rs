//! Cuts a long message into pieces a platform takes, without breaking what belongs together.
//!
//! Cuts fall between paragraphs, lines or words, never inside a character as people see it; a link,
//! inline code or emphasis stays whole where it fits at all; a code block that must be cut is closed
//! and opened again. Pure. Must not know: platforms, beyond the unit they count in.

mod blocks;

use blocks::{Blocks, Fence};
use jackfield_plugin_api::manifest::TextUnit;
use unicode_segmentation::UnicodeSegmentation;

/// Length of `text` in `unit`.
pub(super) fn measure(text: &str, unit: TextUnit) -> usize {
    match unit {
        TextUnit::Chars => text.chars().count(),
        TextUnit::Utf16 => text.encode_utf16().count(),
        TextUnit::Bytes => text.len(),
    }
}

/// The pieces, each at most `max` long (0 = no limit); a message that fits is one piece, untouched.
/// A single character that is longer than `max` is a piece of its own.
pub(super) fn split(text: &str, max: usize, unit: TextUnit) -> Vec<String> {
    if max == 0 || measure(text, unit) <= max {
        return vec![text.to_owned()];
    }
    let cutter = Cutter { text, max, unit, blocks: Blocks::of(text, max, unit) };
    let mut pieces = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (piece, next) = cutter.next(at);
        if !piece.trim().is_empty() {
            pieces.push(piece);
        }
        at = next;
    }
    if pieces.is_empty() { vec![String::new()] } else { pieces }
}

/// Where the finished paragraphs of a growing text end that begin at `from`: at least `min` bytes on,
/// outside code blocks. `None` while there are none.
pub(super) fn settled(text: &str, from: usize, min: usize) -> Option<usize> {
    let breaks = text[from..].rmatch_indices("\n\n").map(|(at, feeds)| from + at + feeds.len());
    let blocks = Blocks::of(text, usize::MAX, TextUnit::Bytes);
    breaks
        .take_while(|end| *end >= from + min)
        .find(|end| blocks.may_cut(*end, true) && blocks.fence_at(*end).is_none())
}

struct Cutter<'a> {
    text: &'a str,
    max: usize,
    unit: TextUnit,
    blocks: Blocks,
}

/// How good a place for a cut is, the better the later in this list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Grade {
    Grapheme,
    Word,
    Line,
    Paragraph,
}

impl Cutter<'_> {
    /// The piece that begins at `at`, and where the next one does.
    fn next(&self, at: usize) -> (String, usize) {
        let reopened = self.blocks.fence_at(at);
        let at = if reopened.is_some() { at } else { self.skip_blank(at) };
        let head = reopened.map(|fence| fence.open.as_str()).unwrap_or_default();
        let rest = &self.text[at..];
        let budget = self.max.saturating_sub(measure(head, self.unit));
        if measure(rest, self.unit) <= budget {
            return (format!("{head}{rest}"), self.text.len());
        }
        let cut = self.cut(at, budget);
        let body = &self.text[at..cut];
        let Some(fence) = self.blocks.fence_at(cut) else {
            return (format!("{head}{}", body.trim_end()), cut);
        };
        let body = body.strip_suffix('\n').unwrap_or(body);
        let next = if cut == fence.body.end { fence.end } else { cut };
        (format!("{head}{body}\n{}", fence.close), next)
    }

    /// The best place to cut such that the piece from `at` keeps within `budget`.
    fn cut(&self, at: usize, budget: usize) -> usize {
        for strict in [true, false] {
            let mut best: [Option<usize>; 4] = [None; 4];
            let mut used = 0;
            for (offset, grapheme) in self.text[at..].grapheme_indices(true) {
                used += measure(grapheme, self.unit);
                let place = at + offset + grapheme.len();
                if used > budget {
                    break;
                }
                let closing = self.blocks.fence_at(place).map_or(0, |f| self.closing(f, place));
                if used + closing > budget || !self.blocks.may_cut(place, strict) {
                    continue;
                }
                best[self.grade(place, grapheme) as usize] = Some(place);
            }
            if let Some(place) = choose(at, best) {
                return place;
            }
        }
        let first = self.text[at..].graphemes(true).next().unwrap_or_default();
        if measure(first, self.unit) <= self.max {
            return at + first.len();
        }
        // Not even one character as people see it fits: what is smaller than that must do.
        at + self.text[at..].chars().next().map_or(1, char::len_utf8)
    }

    fn closing(&self, fence: &Fence, place: usize) -> usize {
        let line_feed = usize::from(!self.text[..place].ends_with('\n'));
        measure(&fence.close, self.unit) + line_feed
    }

    fn grade(&self, place: usize, grapheme: &str) -> Grade {
        if !grapheme.chars().all(char::is_whitespace) {
            return Grade::Grapheme;
        }
        if self.text[..place].ends_with("\n\n") {
            Grade::Paragraph
        } else if grapheme.ends_with('\n') {
            Grade::Line
        } else {
            Grade::Word
        }
    }

    fn skip_blank(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        // Indentation after a line break may mean something; blank lines do not.
        let blank = rest.len() - rest.trim_start().len();
        let line_start = rest[..blank].rfind('\n').map_or(0, |feed| feed + 1);
        at + line_start
    }
}

/// The best grade wins unless it would waste more than two thirds of what a worse one reaches.
fn choose(at: usize, best: [Option<usize>; 4]) -> Option<usize> {
    let furthest = best.iter().flatten().max()?;
    let enough = at + (furthest - at) / 3;
    [Grade::Paragraph, Grade::Line, Grade::Word, Grade::Grapheme].into_iter().find_map(|grade| {
        let place = best[grade as usize]?;
        // Between a word and its middle there is no choice, however little fits.
        (place >= enough || grade <= Grade::Word).then_some(place)
    })
}

#[cfg(test)]
mod tests;
