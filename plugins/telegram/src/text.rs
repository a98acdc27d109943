//! The assistant's Markdown → Telegram's HTML, in pieces that Telegram takes.
//!
//! What Telegram has no markup for is written with plain signs: lists with bullets, tables as
//! fixed-width text. A piece never leaves a tag open; a tag that is cut goes on in the next piece.
//! Pure. Must not know: the network.

mod table;
pub(crate) mod utf16;
mod writer;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use table::Table;
use writer::Writer;

/// A piece of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Piece {
    /// With Telegram's tags.
    pub(crate) html: String,
    /// The same words without tags, for when the tags are not understood.
    pub(crate) plain: String,
}

/// The pieces of a Markdown text, each at most `max` UTF-16 units of visible text. An empty text
/// has none.
pub(crate) fn render(markdown: &str, max: usize) -> Vec<Piece> {
    let options =
        Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TABLES | Options::ENABLE_TASKLISTS;
    let mut renderer = Renderer::new(max);
    for event in Parser::new_ext(markdown, options) {
        renderer.event(event);
    }
    renderer.out.finish()
}

struct Renderer {
    out: Writer,
    /// The number of the next item of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// An item's mark was written and nothing behind it.
    item_is_fresh: bool,
    table: Option<Table>,
    /// Telegram nests no quotes: only the outermost is one.
    quotes: usize,
    /// The address of each open link, empty where it is no link for Telegram.
    links: Vec<String>,
}

impl Renderer {
    fn new(max: usize) -> Self {
        Self {
            out: Writer::new(max),
            lists: Vec::new(),
            item_is_fresh: false,
            table: None,
            quotes: 0,
            links: Vec::new(),
        }
    }

    fn event(&mut self, event: Event<'_>) {
        if let Some(table) = &mut self.table {
            match table.event(&event) {
                table::Step::More => return,
                table::Step::Done => {
                    let text = self.table.take().map(|table| table.text()).unwrap_or_default();
                    self.out.block();
                    self.out.open("pre", "");
                    self.out.text(&text);
                    self.out.close();
                    return;
                }
            }
        }
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Code(code) => {
                self.out.open("code", "");
                self.out.text(&code);
                self.out.close();
            }
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.out.text(&text),
            Event::SoftBreak | Event::HardBreak => self.out.text("\n"),
            Event::Rule => {
                self.out.block();
                self.out.text("———");
            }
            Event::TaskListMarker(done) => self.out.text(if done { "☑ " } else { "☐ " }),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph if self.lists.is_empty() => self.out.block(),
            // The first paragraph of an item stands behind its mark.
            Tag::Paragraph if std::mem::take(&mut self.item_is_fresh) => {}
            Tag::Paragraph => self.out.line(),
            Tag::Heading { level, .. } => {
                self.out.block();
                self.out.open("b", "");
                if level == HeadingLevel::H1 {
                    self.out.open("u", "");
                }
            }
            Tag::BlockQuote(_) => {
                self.out.block();
                if self.quotes == 0 {
                    self.out.open("blockquote", "");
                }
                self.quotes += 1;
            }
            Tag::CodeBlock(kind) => {
                self.out.block();
                self.out.open("pre", "");
                let language = match &kind {
                    CodeBlockKind::Fenced(info) => {
                        info.split([' ', ',', '{']).next().unwrap_or_default().to_owned()
                    }
                    CodeBlockKind::Indented => String::new(),
                };
                if !language.is_empty() {
                    self.out.open("code", &format!(" class=\"language-{}\"", escape(&language)));
                }
            }
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.out.block();
                }
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Table(_) => self.table = Some(Table::default()),
            Tag::Emphasis => self.out.open("i", ""),
            Tag::Strong => self.out.open("b", ""),
            Tag::Strikethrough => self.out.open("s", ""),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => self.link(&dest_url),
            Tag::HtmlBlock => self.out.block(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(level) => {
                if level == HeadingLevel::H1 {
                    self.out.close();
                }
                self.out.close();
            }
            TagEnd::BlockQuote(_) => {
                self.quotes -= 1;
                if self.quotes == 0 {
                    self.out.close();
                }
            }
            TagEnd::CodeBlock => self.out.close_through("pre"),
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => self.out.close(),
            TagEnd::Link | TagEnd::Image => {
                let url = self.links.pop().unwrap_or_default();
                if !url.is_empty() {
                    self.out.close();
                    self.out.aside(&url);
                }
            }
            _ => {}
        }
    }

    fn item(&mut self) {
        let depth = self.lists.len();
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => "• ".to_owned(),
        };
        self.out.line();
        self.item_is_fresh = true;
        self.out.text(&format!("{}{mark}", "   ".repeat(depth.saturating_sub(1))));
    }

    fn link(&mut self, url: &str) {
        let known = ["https://", "http://", "tg://", "mailto:", "tel:"];
        // One inside another is no link.
        let free = self.links.iter().all(String::is_empty);
        if free && known.iter().any(|scheme| url.starts_with(scheme)) {
            self.out.open("a", &format!(" href=\"{}\"", escape(url)));
            self.links.push(url.to_owned());
        } else {
            self.links.push(String::new());
        }
    }
}

/// Text as HTML writes it.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests;
