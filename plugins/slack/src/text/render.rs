//! Markdown to Slack's markup ("mrkdwn").
//!
//! Everything is escaped; only mentions of a person or a channel (`<@U…>`, `<#C…>`) pass, so no text
//! can call a whole channel. What Slack cannot show becomes what comes nearest: headings bold, tables
//! code, pictures links.

use super::{escape, table::Table};
use pulldown_cmark::{
    CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd, TextMergeStream,
};

const BULLET: &str = "• ";
const RULE: &str = "———";

/// Renders a whole message.
pub(crate) fn to_mrkdwn(markdown: &str) -> String {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let mut writer = Writer::default();
    for event in TextMergeStream::new(Parser::new_ext(markdown, options)) {
        writer.take(event);
    }
    writer.finish()
}

#[derive(Default)]
struct Writer {
    /// What is being written: the message, and inside it quotes, items and cells that are not closed.
    buffers: Vec<String>,
    out: String,
    /// Open marks, to close them before a line ends and open them after.
    marks: Vec<char>,
    /// The next number of each open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    /// Address and text of an open link or picture.
    link: Option<(String, String)>,
    table: Option<Table>,
    code: Option<String>,
    heading: bool,
}

impl Writer {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Code(code) => self.inline_code(&code),
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.text(&text),
            Event::SoftBreak | Event::HardBreak => self.line_end(),
            Event::Rule => {
                self.block();
                self.out.push_str(RULE);
            }
            Event::TaskListMarker(done) => self.out.push_str(if done { "☑ " } else { "☐ " }),
            _ => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Paragraph | Tag::HtmlBlock => self.block(),
            Tag::Heading { .. } => {
                self.block();
                self.heading = true;
                self.mark('*');
            }
            Tag::BlockQuote(_) => {
                self.block();
                self.nest();
            }
            Tag::CodeBlock(CodeBlockKind::Fenced(_) | CodeBlockKind::Indented) => {
                self.block();
                self.code = Some(String::new());
            }
            Tag::List(first) => {
                if self.lists.is_empty() {
                    self.block();
                }
                self.lists.push(first);
            }
            Tag::Emphasis => self.mark('_'),
            Tag::Strong if !self.heading => self.mark('*'),
            Tag::Strikethrough => self.mark('~'),
            Tag::Link { link_type: LinkType::Email, dest_url, .. } if self.link.is_none() => {
                self.link = Some((format!("mailto:{dest_url}"), String::new()));
            }
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } if self.link.is_none() => {
                self.link = Some((dest_url.into_string(), String::new()));
            }
            Tag::Table(_) => {
                self.block();
                self.table = Some(Table::default());
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.begin_row();
                }
            }
            Tag::Item | Tag::TableCell => self.nest(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.unmark('*');
                self.heading = false;
            }
            TagEnd::BlockQuote(_) => {
                let quoted = self.unnest();
                // Slack knows one level.
                let lines = quoted.trim_end().lines().map(|line| line.trim_start_matches("> "));
                let lines: Vec<String> = lines.map(|line| format!("> {line}")).collect();
                self.out.push_str(&lines.join("\n"));
            }
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                self.fence(&code);
            }
            TagEnd::List(_) => {
                self.lists.pop();
            }
            TagEnd::Item => self.item(),
            TagEnd::Emphasis => self.unmark('_'),
            TagEnd::Strong if !self.heading => self.unmark('*'),
            TagEnd::Strikethrough => self.unmark('~'),
            TagEnd::Link | TagEnd::Image => {
                if let Some((address, label)) = self.link.take() {
                    self.out.push_str(&link(&address, &label));
                }
            }
            TagEnd::TableCell => {
                let cell = self.unnest();
                if let Some(table) = &mut self.table {
                    table.cell(&cell);
                }
            }
            TagEnd::Table => {
                let lines = self.table.take().map(|table| table.lines()).unwrap_or_default();
                // Its cells are escaped already.
                self.fenced(&lines);
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            code.push_str(text);
        } else if let Some((_, label)) = &mut self.link {
            label.push_str(text);
        } else {
            self.out.push_str(&with_mentions(text));
        }
    }

    fn inline_code(&mut self, code: &str) {
        if let Some((_, label)) = &mut self.link {
            label.push_str(code);
        } else if self.table.is_some() || code.contains('`') {
            // Marks mean nothing inside a code block, and Slack has no way to write this one.
            self.out.push_str(&escape(code));
        } else {
            for part in ["`", &escape(code), "`"] {
                self.out.push_str(part);
            }
        }
    }

    fn fence(&mut self, code: &str) {
        // A zero-width space keeps a fence inside the code from ending it.
        let code = escape(code.trim_end_matches('\n')).replace("```", "`\u{200b}``");
        self.fenced(&code);
    }

    fn fenced(&mut self, escaped: &str) {
        for part in ["```\n", escaped, "\n```"] {
            self.out.push_str(part);
        }
    }

    /// Slack ends bold and the like with the line.
    fn line_end(&mut self) {
        if let Some((_, label)) = &mut self.link {
            label.push(' ');
            return;
        }
        self.out.extend(self.marks.iter().rev());
        self.out.push('\n');
        self.out.extend(&self.marks);
    }

    fn mark(&mut self, mark: char) {
        if self.link.is_none() && self.table.is_none() {
            self.marks.push(mark);
            self.out.push(mark);
        }
    }

    fn unmark(&mut self, mark: char) {
        if self.link.is_none() && self.table.is_none() && self.marks.last() == Some(&mark) {
            self.marks.pop();
            self.out.push(mark);
        }
    }

    /// Begins a block: an empty line after the one before, or a mere line end within a list.
    fn block(&mut self) {
        if self.out.is_empty() || !self.lists.is_empty() && self.out.ends_with("☐ ") {
            return;
        }
        let gap = if self.lists.is_empty() { "\n\n" } else { "\n" };
        let bare = self.out.trim_end_matches('\n').len();
        self.out.truncate(bare);
        self.out.push_str(gap);
    }

    fn item(&mut self) {
        let text = self.unnest();
        let lead = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{}. ", *number - 1)
            }
            _ => BULLET.to_owned(),
        };
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
        let mut lines = text.trim_end().lines();
        self.out.push_str(&lead);
        self.out.push_str(lines.next().unwrap_or_default());
        for line in lines {
            self.out.push_str("\n    ");
            self.out.push_str(line);
        }
    }

    fn nest(&mut self) {
        self.buffers.push(std::mem::take(&mut self.out));
    }

    fn unnest(&mut self) -> String {
        let outer = self.buffers.pop().unwrap_or_default();
        std::mem::replace(&mut self.out, outer)
    }

    fn finish(self) -> String {
        self.out.trim_end().to_owned()
    }
}

/// A link that Slack shows as one; addresses of other kinds stay text.
fn link(address: &str, label: &str) -> String {
    let label = label.trim();
    let known =
        ["https://", "http://", "mailto:", "tel:"].iter().any(|kind| address.starts_with(kind));
    if !known {
        let shown = if label.is_empty() || label == address {
            address.to_owned()
        } else {
            format!("{label} ({address})")
        };
        return escape(&shown);
    }
    let target = address.replace('|', "%7C").replace('<', "%3C").replace('>', "%3E");
    let target = target.replace('&', "&amp;").replace(char::is_whitespace, "%20");
    let bare = address.trim_start_matches("mailto:");
    if label.is_empty() || label == address || label == bare && bare != address {
        return format!("<{target}>");
    }
    format!("<{target}|{}>", escape(label))
}

/// Escaped text in which mentions of a person or a channel still work.
fn with_mentions(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let (before, token) = rest.split_at(at);
        out.push_str(&escape(before));
        let end = token.find('>').filter(|end| is_mention(&token[1..*end]));
        let (taken, after) = token.split_at(end.map_or(1, |end| end + 1));
        out.push_str(&if end.is_some() { taken.to_owned() } else { escape(taken) });
        rest = after;
    }
    out + &escape(rest)
}

fn is_mention(token: &str) -> bool {
    let id = token.strip_prefix("@U").or_else(|| token.strip_prefix("@W"));
    let id = id.or_else(|| token.strip_prefix("#C"));
    id.is_some_and(|id| {
        id.len() >= 6 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::to_mrkdwn;

    #[test]
    fn markup_is_slacks_own() {
        for (markdown, slack) in [
            ("**bold** and *soft* and ~~gone~~", "*bold* and _soft_ and ~gone~"),
            ("***both***", "_*both*_"),
            ("# A **loud** title\n\ntext", "*A loud title*\n\ntext"),
            ("a `b < c` d", "a `b &lt; c` d"),
            ("``a ` b``", "a ` b"),
            ("[site](https://example.com/?a=1&b=2)", "<https://example.com/?a=1&amp;b=2|site>"),
            ("<https://example.com>", "<https://example.com>"),
            ("<ada@example.com>", "<mailto:ada@example.com>"),
            ("[x](javascript:alert(1))", "x (javascript:alert(1))"),
            ("![a cat](https://example.com/c.png)", "<https://example.com/c.png|a cat>"),
            ("one\ntwo\n\nthree", "one\ntwo\n\nthree"),
            ("**two\nlines**", "*two*\n*lines*"),
            ("---", "———"),
            ("> said\n> twice\n\nand", "> said\n> twice\n\nand"),
            ("> a\n>> b", "> a\n> \n> b"),
        ] {
            assert_eq!(to_mrkdwn(markdown), slack, "{markdown}");
        }
    }

    #[test]
    fn lists_keep_their_shape() {
        assert_eq!(to_mrkdwn("- a\n- b\n  - c\n\nend"), "• a\n• b\n    • c\n\nend");
        assert_eq!(to_mrkdwn("3. a\n4. b"), "3. a\n4. b");
        assert_eq!(to_mrkdwn("- [x] done\n- [ ] open"), "• ☑ done\n• ☐ open");
        assert_eq!(to_mrkdwn("- a\n\n  more\n- b"), "• a\n    more\n• b");
        assert_eq!(to_mrkdwn("1. a\n   ```\n   x\n   ```"), "1. a\n    ```\n    x\n    ```");
    }

    #[test]
    fn code_is_left_as_it_is() {
        assert_eq!(
            to_mrkdwn("```rust\nlet a = b && *c;\n```"),
            "```\nlet a = b &amp;&amp; *c;\n```"
        );
        let inner = to_mrkdwn("````\n```\n````");
        assert_eq!(inner.matches("```").count(), 2, "{inner:?}");
    }

    #[test]
    fn tables_become_columns() {
        let table = "| name | n |\n|---|---|\n| ada & co | 1 |\n| `b` | 22 |";
        let slack =
            "```\nname         | n\n-------------|---\nada &amp; co | 1\nb            | 22\n```";
        assert_eq!(to_mrkdwn(table), slack);
    }

    #[test]
    fn nobody_can_call_a_whole_channel() {
        assert_eq!(to_mrkdwn("<!channel> hi"), "&lt;!channel&gt; hi");
        assert_eq!(to_mrkdwn("a < b & c > d"), "a &lt; b &amp; c &gt; d");
        assert_eq!(
            to_mrkdwn("ask <@U0123ABCD> in <#C0123ABCD>"),
            "ask <@U0123ABCD> in <#C0123ABCD>"
        );
        assert_eq!(to_mrkdwn("<@U0123ABCD|x> <@UX>"), "&lt;@U0123ABCD|x&gt; &lt;@UX&gt;");
        assert_eq!(to_mrkdwn("<b>html</b>"), "&lt;b&gt;html&lt;/b&gt;");
    }
}
