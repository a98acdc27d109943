//! The assistant's Markdown → Telegram's HTML, in pieces that Telegram takes.
//!
//! What Telegram has no markup for is written with plain signs: lists with bullets, tables as
//! fixed-width text. A piece never leaves a tag open; a tag that is cut goes on in the next piece.
//! Pure. Must not know: the network.

mod names;
mod table;
pub(crate) mod utf16;
mod writer;

use pulldown_cmark::{
    CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd, TextMergeStream,
};
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
    for event in TextMergeStream::new(Parser::new_ext(markdown, options)) {
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
    links: Vec<Link>,
}

/// An open link.
enum Link {
    /// One for Telegram too.
    Tag(String),
    /// An address that Telegram makes no link of, so it is written out.
    Shown(String),
    /// Words alone.
    Nothing,
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
            Event::Text(text) => self.words(&text),
            Event::Html(text) | Event::InlineHtml(text) => self.out.text(&text),
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
            TagEnd::Link | TagEnd::Image => match self.links.pop() {
                Some(Link::Tag(url)) => {
                    self.out.close();
                    self.out.aside(&url);
                }
                Some(Link::Shown(address)) if !self.out.ends_with(&address) => {
                    self.out.text(&format!(" ({address})"));
                }
                _ => {}
            },
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

    fn words(&mut self, text: &str) {
        if self.out.is_code() || !self.links.is_empty() {
            return self.out.text(text);
        }
        for (part, is_file) in names::parts(text) {
            if is_file {
                self.out.open("code", "");
            }
            self.out.text(part);
            if is_file {
                self.out.close();
            }
        }
    }

    fn link(&mut self, url: &str) {
        // One inside another is no link.
        let free = self.links.iter().all(|link| matches!(link, Link::Nothing));
        let link = if free { Link::read(url) } else { Link::Nothing };
        if let Link::Tag(url) = &link {
            self.out.open("a", &format!(" href=\"{}\"", escape(url)));
        }
        self.links.push(link);
    }
}

impl Link {
    fn read(url: &str) -> Self {
        if let Some(address) = url.strip_prefix("mailto:").or_else(|| url.strip_prefix("tel:")) {
            return Self::Shown(address.to_owned());
        }
        let Some((scheme, rest)) = url.split_once("://") else { return Self::Nothing };
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        match scheme {
            // A machine at home, such as http://nas:8080.
            "https" | "http" if !host.contains('.') => Self::Shown(url.to_owned()),
            "https" | "http" | "tg" => Self::Tag(url.to_owned()),
            _ => Self::Nothing,
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
