//! Writes tagged text into pieces of a limited length.
//!
//! Blank space between blocks is written late, so that no piece begins or ends with it. Where a
//! piece is full, the cut falls after a line or a word; a longer word is cut between characters.

use super::{Piece, escape, utf16};

pub(super) struct Writer {
    max: usize,
    done: Vec<Piece>,
    piece: Piece,
    /// Visible UTF-16 units in the piece.
    units: usize,
    /// Open tags, outermost first.
    open: Vec<Tag>,
    /// How many of them are written in this piece. The others wait for text: a tag around nothing
    /// is never written.
    written: usize,
    /// Line ends due before the next text.
    due: usize,
}

struct Tag {
    name: &'static str,
    attributes: String,
}

impl Writer {
    pub(super) fn new(max: usize) -> Self {
        let piece = Piece::default();
        Self { max, done: Vec::new(), piece, units: 0, open: Vec::new(), written: 0, due: 0 }
    }

    /// A new block begins: a blank line is due.
    pub(super) fn block(&mut self) {
        self.breaks(2);
    }

    /// A new line begins.
    pub(super) fn line(&mut self) {
        self.breaks(1);
    }

    fn breaks(&mut self, count: usize) {
        if self.units > 0 {
            let there = self.piece.plain.bytes().rev().take_while(|b| *b == b'\n').count();
            self.due = self.due.max(count.saturating_sub(there));
        }
    }

    pub(super) fn open(&mut self, name: &'static str, attributes: &str) {
        self.open.push(Tag { name, attributes: attributes.to_owned() });
    }

    /// Closes the innermost tag.
    pub(super) fn close(&mut self) {
        if let Some(tag) = self.open.pop()
            && self.written > self.open.len()
        {
            self.written = self.open.len();
            self.end_tag(tag.name);
        }
    }

    /// Closes tags up to and with the innermost of this name. Its last line end is dropped: the
    /// block ends there anyway.
    pub(super) fn close_through(&mut self, name: &str) {
        if self.piece.html.ends_with('\n') {
            self.piece.html.pop();
            self.piece.plain.pop();
            self.units -= 1;
        }
        while let Some(tag) = self.open.last() {
            let last = tag.name == name;
            self.close();
            if last {
                return;
            }
        }
    }

    /// Something that only the plain form needs, such as a link's address.
    pub(super) fn aside(&mut self, text: &str) {
        if self.units > 0 && !self.piece.plain.ends_with(text) {
            self.piece.plain.push_str(" (");
            self.piece.plain.push_str(text);
            self.piece.plain.push(')');
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        for word in text.split_inclusive([' ', '\n']) {
            self.word(word);
        }
    }

    fn word(&mut self, word: &str) {
        let blank = word.chars().all(char::is_whitespace);
        if blank && self.units == 0 && !self.is_code() {
            return;
        }
        let length = utf16::len(word.trim_end());
        if self.units > 0 && self.units + self.due + length > self.max {
            self.cut();
            if blank && !self.is_code() {
                return;
            }
        }
        if length <= self.max {
            self.put(word);
            return;
        }
        for c in word.chars() {
            if self.units + c.len_utf16() > self.max {
                self.cut();
            }
            self.put(c.encode_utf8(&mut [0; 4]));
        }
    }

    fn put(&mut self, text: &str) {
        for _ in 0..std::mem::take(&mut self.due) {
            self.raw("\n");
        }
        while let Some(tag) = self.open.get(self.written) {
            for part in ["<", tag.name, &tag.attributes, ">"] {
                self.piece.html.push_str(part);
            }
            self.written += 1;
        }
        self.raw(text);
    }

    fn raw(&mut self, text: &str) {
        self.piece.html.push_str(&escape(text));
        self.piece.plain.push_str(text);
        self.units += utf16::len(text);
    }

    fn end_tag(&mut self, name: &str) {
        for part in ["</", name, ">"] {
            self.piece.html.push_str(part);
        }
    }

    /// Whether what was written last is this.
    pub(super) fn ends_with(&self, text: &str) -> bool {
        self.due == 0 && self.piece.plain.ends_with(text)
    }

    pub(super) fn is_code(&self) -> bool {
        self.open.iter().any(|tag| tag.name == "pre")
    }

    /// Ends the piece; tags that are open go on in the next one.
    fn cut(&mut self) {
        self.trim();
        for at in (0..self.written).rev() {
            let name = self.open[at].name;
            self.end_tag(name);
        }
        (self.written, self.due, self.units) = (0, 0, 0);
        let piece = std::mem::take(&mut self.piece);
        if !piece.plain.trim().is_empty() {
            self.done.push(piece);
        }
    }

    /// Drops blank space at the end. Only where no tag was closed behind it: inside the markup it
    /// does no harm.
    fn trim(&mut self) {
        for text in [&mut self.piece.html, &mut self.piece.plain] {
            text.truncate(text.trim_end().len());
        }
    }

    pub(super) fn finish(mut self) -> Vec<Piece> {
        self.cut();
        self.done
    }
}
