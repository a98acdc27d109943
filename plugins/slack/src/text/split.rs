//! Cuts rendered text that outgrew one message: between lines where it can, with code blocks closed
//! and opened again, never inside an escape or a link.

const FENCE: &str = "```";

/// Pieces of at most `max` characters each; at least one.
pub(crate) fn pieces(text: &str, max: usize) -> Vec<String> {
    let mut cutter =
        Cutter { max, pieces: Vec::new(), piece: String::new(), chars: 0, code: false };
    for line in text.split('\n') {
        cutter.line(line);
    }
    cutter.flush();
    if cutter.pieces.is_empty() {
        cutter.pieces.push(String::new());
    }
    cutter.pieces
}

struct Cutter {
    max: usize,
    pieces: Vec<String>,
    piece: String,
    chars: usize,
    /// The end of the piece stands inside a code block.
    code: bool,
}

impl Cutter {
    fn line(&mut self, line: &str) {
        let mut rest = line;
        loop {
            let room = self.room();
            let needed = rest.chars().count() + usize::from(self.chars > 0);
            if needed <= room {
                self.push(rest);
                return;
            }
            let opened = if self.code { FENCE.len() + 1 } else { 0 };
            if self.chars > opened {
                self.flush();
                continue;
            }
            let (head, tail) = rest.split_at(cut(rest, room.saturating_sub(1).max(1)));
            self.push(head.trim_end());
            self.flush();
            rest = tail.trim_start_matches(' ');
        }
    }

    /// Characters that still fit, with the fence that may have to close the piece.
    fn room(&self) -> usize {
        self.max.saturating_sub(self.chars + FENCE.len() + 1)
    }

    fn push(&mut self, line: &str) {
        if self.chars > 0 {
            self.piece.push('\n');
            self.chars += 1;
        }
        self.piece.push_str(line);
        self.chars += line.chars().count();
        if line.matches(FENCE).count() % 2 == 1 {
            self.code = !self.code;
        }
    }

    fn flush(&mut self) {
        let mut piece = std::mem::take(&mut self.piece);
        self.chars = 0;
        if self.code {
            piece.push('\n');
            piece.push_str(FENCE);
        }
        if !piece.trim().is_empty() && piece.trim() != format!("{FENCE}\n{FENCE}") {
            self.pieces.push(piece.trim_end().to_owned());
        }
        if self.code {
            self.piece.push_str(FENCE);
            self.chars = FENCE.len();
        }
    }
}

/// Where to cut a line so that its head has at most `max` characters: after a space if one is near
/// the end, before an escape or a link that would be torn.
fn cut(line: &str, max: usize) -> usize {
    let end = line.char_indices().nth(max).map_or(line.len(), |(at, _)| at);
    let head = &line[..end];
    let torn = |open: char, close: char, longest: usize| {
        let at = head.rfind(open)?;
        let whole = head[at..].contains(close) || end - at > longest;
        (!whole && at > 0).then_some(at)
    };
    let fit = torn('<', '>', 2000).or_else(|| torn('&', ';', 6)).unwrap_or(end);
    match line[..fit].rfind(' ') {
        Some(space) if space > 0 && space * 4 > fit * 3 => space,
        _ => fit,
    }
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn what_fits_stays_whole() {
        assert_eq!(pieces("a\nb", 100), ["a\nb"]);
        assert_eq!(pieces("", 100), [""]);
    }

    #[test]
    fn lines_go_together_as_long_as_they_fit() {
        let text = (0..10).map(|n| format!("line number {n}")).collect::<Vec<_>>().join("\n");
        let cut = pieces(&text, 40);
        assert!(cut.len() > 2 && cut.iter().all(|piece| piece.chars().count() <= 40), "{cut:?}");
        assert_eq!(cut.join("\n"), text);
    }

    #[test]
    fn code_blocks_are_closed_and_opened_again() {
        let code = (0..20).map(|n| format!("let x{n} = {n};")).collect::<Vec<_>>().join("\n");
        let cut = pieces(&format!("see\n```\n{code}\n```\nend"), 80);
        assert!(cut.len() > 2, "{cut:?}");
        for piece in &cut {
            assert!(piece.chars().count() <= 80, "{piece}");
            assert_eq!(piece.matches("```").count() % 2, 0, "{piece}");
        }
        let all = cut.join("\n");
        assert!((0..20).all(|n| all.contains(&format!("let x{n} = {n};"))), "{all}");
    }

    #[test]
    fn a_long_line_is_cut_at_a_space_and_tears_nothing() {
        let text = format!("{} <https://example.com/a/b/c|here> &amp;&amp;", "word ".repeat(30));
        for max in 30..60 {
            let cut = pieces(&text, max);
            for piece in &cut {
                assert!(piece.chars().count() <= max, "{max}: {piece}");
                let whole = piece.matches('<').count() == piece.matches('>').count();
                assert!(max < 45 || whole, "{max}: {piece}");
                assert!(!piece.ends_with("&am") && !piece.ends_with('&'), "{max}: {piece}");
            }
            let words = cut.join(" ").matches("word").count();
            assert_eq!(words, 30, "{max}: {cut:?}");
        }
        assert_eq!(pieces(&"é".repeat(25), 15).concat().chars().count(), 25);
    }
}
