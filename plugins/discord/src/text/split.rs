//! Cutting a text into messages: at line ends where possible, and a fence that is cut is closed in one
//! part and opened again in the next.

use super::{LIMIT, length};

/// What stands behind a fence names a language; more of it is not repeated.
const FENCE_CHARS_MAX: usize = 40;

/// The code fence a text is in.
#[derive(Clone, Debug, Default)]
pub(super) struct Fence(Option<String>);

impl Fence {
    pub(super) fn is_open(&self) -> bool {
        self.0.is_some()
    }

    /// Goes past one line.
    pub(super) fn pass(&mut self, line: &str) {
        let line = line.trim_start();
        let ticks = line.chars().take_while(|c| *c == '`').count();
        if ticks < 3 {
            return;
        }
        self.0 = match self.0.take() {
            // A fence is closed by one at least as long, with nothing behind it.
            Some(open) => {
                let closes = ticks >= marks(&open).len() && line[ticks..].trim().is_empty();
                (!closes).then_some(open)
            }
            None if line[ticks..].contains('`') => None, // code in one line
            None => Some(line.trim_end().chars().take(FENCE_CHARS_MAX).collect()),
        };
    }

    /// The line that closes it.
    fn end(&self) -> Option<&str> {
        self.0.as_deref().map(marks)
    }
}

fn marks(fence: &str) -> &str {
    &fence[..fence.chars().take_while(|c| *c == '`').count()]
}

/// The parts of a text, each no longer than [`LIMIT`]; one empty part for an empty text.
pub(crate) fn split(text: &str) -> Vec<String> {
    if length(text) <= LIMIT {
        return vec![text.to_owned()];
    }
    let mut parts = Parts::default();
    for line in text.lines() {
        let mut rest = line;
        while !parts.fits(rest) {
            if !parts.is_empty() && parts.fits_alone(rest) {
                parts.cut();
                continue;
            }
            let (head, tail) = rest.split_at(parts.room(rest));
            parts.push(head);
            parts.cut();
            rest = tail.trim_start_matches(' ');
        }
        parts.push(rest);
    }
    parts.cut();
    parts.done
}

#[derive(Default)]
struct Parts {
    done: Vec<String>,
    /// The part in work, and how much of it only opens a fence again.
    now: String,
    reopened: usize,
    fence: Fence,
}

impl Parts {
    fn is_empty(&self) -> bool {
        self.now.len() <= self.reopened
    }

    /// Units left for one more line, with room to close a fence that would then be open.
    fn left(&self, line: &str) -> usize {
        let mut fence = self.fence.clone();
        fence.pass(line);
        let open = fence.end().or(self.fence.end()).map_or(0, |end| length(end) + 1);
        LIMIT.saturating_sub(length(&self.now) + usize::from(!self.now.is_empty()) + open)
    }

    fn fits(&self, line: &str) -> bool {
        length(line) <= self.left(line)
    }

    /// Whether a line has room in a part of its own.
    fn fits_alone(&self, line: &str) -> bool {
        let fence = self.fence.0.as_deref();
        let around = fence.map_or(0, |open| length(open) + length(marks(open)) + 2);
        length(line) + around <= LIMIT
    }

    /// Where to cut a line that is too long: after its last space that fits, else anywhere. At least
    /// one character goes, so that a cut always gets on.
    fn room(&self, line: &str) -> usize {
        let left = self.left(line);
        let mut units = 0;
        let mut fits = line.len();
        for (at, c) in line.char_indices() {
            units += c.len_utf16();
            if units > left && at > 0 {
                fits = at;
                break;
            }
        }
        match line[..fits].rfind(' ') {
            Some(space) if space > fits / 2 => space + 1,
            _ => fits,
        }
    }

    fn push(&mut self, line: &str) {
        if !self.now.is_empty() {
            self.now.push('\n');
        }
        self.now.push_str(line);
        self.fence.pass(line);
    }

    fn cut(&mut self) {
        if self.is_empty() {
            return;
        }
        let mut part = std::mem::take(&mut self.now);
        if let Some(end) = self.fence.end() {
            part.push('\n');
            part.push_str(end);
        }
        if !part.trim().is_empty() {
            self.done.push(part.trim_end().to_owned());
        }
        self.now = self.fence.0.clone().unwrap_or_default();
        self.reopened = self.now.len();
    }
}

#[cfg(test)]
mod tests {
    use super::{super::LIMIT, length, split};

    #[test]
    fn a_text_that_fits_stays_whole() {
        assert_eq!(split("short"), ["short"]);
        assert_eq!(split(""), [""]);
        let full = "x".repeat(LIMIT);
        assert_eq!(split(&full), [full.as_str()]);
    }

    #[test]
    fn lines_words_and_characters_are_cut_in_this_order() {
        let lines = format!("{}\n{}", "a".repeat(1500), "b".repeat(900));
        assert_eq!(split(&lines), ["a".repeat(1500), "b".repeat(900)]);
        let words = "word ".repeat(900);
        let parts = split(words.trim_end());
        assert!(parts.iter().all(|part| length(part) <= LIMIT && part.starts_with("word")));
        assert_eq!(parts.join(" "), words.trim_end());
        let faces = "😀".repeat(1500);
        let parts = split(&faces);
        assert!(parts.iter().all(|part| length(part) <= LIMIT), "counted in UTF-16 units");
        assert_eq!(parts.concat(), faces);
    }

    #[test]
    fn a_fence_is_closed_and_opened_again() {
        let code = "let x = 1;\n".repeat(400);
        let parts = split(&format!("see\n```rust\n{code}```\nend"));
        assert!(parts.len() > 2);
        for part in &parts {
            assert!(length(part) <= LIMIT);
            assert_eq!(part.matches("```").count() % 2, 0, "{part}");
        }
        assert!(parts[1].starts_with("```rust\nlet x"));
        assert!(parts.last().unwrap().ends_with("```\nend"));
        let words: String = parts.concat().matches("let x = 1;").collect();
        assert_eq!(words.len(), 400 * "let x = 1;".len(), "no line is lost or doubled");
    }

    #[test]
    fn a_long_line_of_code_is_cut_and_ends() {
        let parts = split(&format!("````\n{}\n```\n````", "x".repeat(5000)));
        assert!(parts.iter().all(|part| length(part) <= LIMIT));
        assert_eq!(parts.concat().matches('x').count(), 5000);
    }
}
