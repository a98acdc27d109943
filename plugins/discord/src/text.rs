//! Text both ways: Discord's marks made readable, Markdown fitted to what Discord draws, and cut at
//! its limit without breaking a fence. Pure.
//!
//! Discord draws most of Markdown itself. It has no tables, no pictures in text and three sizes of
//! headings; those are replaced.

mod split;
mod table;

pub(crate) use split::split;

use crate::inbound::{Me, wire::User};
use std::borrow::Cow;

/// Discord counts characters; UTF-16 units are never fewer, so a text of these many fits.
pub(crate) const LIMIT: usize = 2000;

/// How long a text is, in the units of [`LIMIT`].
pub(crate) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Whom and what a text can mention.
pub(crate) struct Mentions<'a> {
    pub(crate) people: &'a [User],
    pub(crate) me: Me<'a>,
}

impl Mentions<'_> {
    /// What stands for the inside of `<…>`; `None` leaves it as it is.
    fn written(&self, mark: &str) -> Option<String> {
        if let Some(id) = mark.strip_prefix("@&") {
            if self.me.roles.iter().any(|role| role == id) {
                return Some(String::new());
            }
            return (self.me.role_name)(id).map(|name| format!("@{name}"));
        }
        if let Some(id) = mark.strip_prefix("@!").or_else(|| mark.strip_prefix('@')) {
            if id == self.me.id {
                return Some(String::new());
            }
            let user = self.people.iter().find(|user| user.id == id)?;
            let name = user.global_name.as_ref().or(user.username.as_ref())?;
            return Some(format!("@{name}"));
        }
        if let Some(id) = mark.strip_prefix('#') {
            return (self.me.channel_name)(id).map(|name| format!("#{name}"));
        }
        // A command is told of with its number.
        if let Some((name, _)) = mark.strip_prefix('/').and_then(|mark| mark.rsplit_once(':')) {
            return Some(format!("/{name}"));
        }
        let emoji = mark.strip_prefix("a:").or_else(|| mark.strip_prefix(':'))?;
        let (name, id) = emoji.split_once(':')?;
        (!name.is_empty() && id.bytes().all(|c| c.is_ascii_digit())).then(|| format!(":{name}:"))
    }
}

/// A text with names instead of numbers. The mention that addresses us says nothing more and goes.
pub(crate) fn readable(text: &str, mentions: &Mentions<'_>) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let mark = rest[1..].find(['>', '<']).filter(|end| rest[1 + end..].starts_with('>'));
        let written = mark.and_then(|end| Some((mentions.written(&rest[1..=end])?, end + 2)));
        let Some((name, past)) = written else {
            plain.push('<');
            rest = &rest[1..];
            continue;
        };
        plain.push_str(&name);
        rest = &rest[past..];
        if name.is_empty() && (plain.is_empty() || plain.ends_with(char::is_whitespace)) {
            rest = rest.trim_start_matches([' ', ',', ':']);
        }
    }
    plain.push_str(rest);
    plain.trim().to_owned()
}

/// Markdown as Discord draws it.
pub(crate) fn render(markdown: &str) -> String {
    let mut lines = Vec::new();
    let mut rows: Vec<&str> = Vec::new();
    let mut fence = split::Fence::default();
    for line in markdown.lines() {
        let inside = fence.is_open();
        fence.pass(line);
        if inside || fence.is_open() {
            table::close(&mut rows, &mut lines);
            lines.push(line.to_owned());
        } else if table::is_row(line, &rows) {
            rows.push(line);
        } else {
            table::close(&mut rows, &mut lines);
            lines.push(fitted(line));
        }
    }
    table::close(&mut rows, &mut lines);
    lines.join("\n")
}

/// One line outside of code.
fn fitted(line: &str) -> String {
    let hashes = line.chars().take_while(|c| *c == '#').count();
    if (4..=6).contains(&hashes) && line[hashes..].starts_with(' ') {
        return format!("**{}**", line[hashes..].trim().trim_end_matches('#').trim_end());
    }
    without_pictures(&bare_links(&tasks(line)))
}

/// Discord draws no boxes to tick.
fn tasks(line: &str) -> Cow<'_, str> {
    let item = line.trim_start();
    let indent = &line[..line.len() - item.len()];
    for (mark, drawn) in [("[ ] ", '☐'), ("[x] ", '☑'), ("[X] ", '☑')] {
        let words =
            ["- ", "* ", "+ "].iter().find_map(|b| item.strip_prefix(b)?.strip_prefix(mark));
        if let Some(words) = words {
            return Cow::Owned(format!("{indent}- {drawn} {words}"));
        }
    }
    Cow::Borrowed(line)
}

/// A link whose words are an address is shown raw by Discord, brackets and all; the address says it.
fn bare_links(line: &str) -> Cow<'_, str> {
    let mut plain = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("[http") {
        let link = &rest[at + 1..];
        let cut =
            link.split_once("](").and_then(|(words, tail)| Some((words, tail.split_once(')')?)));
        let (head, code) = (&rest[..at], |text: &str| text.matches('`').count() % 2 == 1);
        match cut {
            Some((words, (address, tail)))
                if !words.contains([' ', '[', ']', '(']) && !code(&(plain.clone() + head)) =>
            {
                plain.push_str(head);
                plain.push_str(address);
                rest = tail;
            }
            _ => {
                plain.push_str(&rest[..=at]);
                rest = link;
            }
        }
    }
    if plain.is_empty() {
        return Cow::Borrowed(line);
    }
    Cow::Owned(plain + rest)
}

/// `![words](address)` becomes a link: Discord shows pictures only as files.
fn without_pictures(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut code = false;
    let mut chars = line.chars().peekable();
    let mut before = ' ';
    while let Some(c) = chars.next() {
        code ^= c == '`';
        let picture = c == '!' && !code && before != '\\' && chars.peek() == Some(&'[');
        if !picture {
            plain.push(c);
        }
        before = c;
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::{Mentions, readable, render};
    use crate::inbound::{Me, wire::User};

    fn read(text: &str) -> String {
        let people = [User {
            id: "7".to_owned(),
            username: Some("ada".to_owned()),
            global_name: Some("Ada".to_owned()),
            ..User::default()
        }];
        let name = |id: &str| (id == "5").then(|| "general".to_owned());
        let role = |id: &str| (id == "6").then(|| "Mods".to_owned());
        let roles = ["8".to_owned()];
        let me = Me { id: "1", roles: &roles, channel_name: &name, role_name: &role };
        readable(text, &Mentions { people: &people, me })
    }

    #[test]
    fn marks_become_names() {
        for (text, plain) in [
            ("<@1> hi", "hi"),
            ("<@!1>, hi <@7>", "hi @Ada"),
            ("hi <@1>", "hi"),
            ("hi <@1> you", "hi you"),
            ("see <#5> and <#6>", "see #general and <#6>"),
            ("<@&8>: ask <@&6> or <@&7>", "ask @Mods or <@&7>"),
            ("try </ask all:33>", "try /ask all"),
            ("<:smile:33> <a:dance:44>", ":smile: :dance:"),
            ("1 < 2 > 0 <@9> <t:1:R> <", "1 < 2 > 0 <@9> <t:1:R> <"),
            ("<<@7>>", "<@Ada>"),
        ] {
            assert_eq!(read(text), plain, "{text}");
        }
    }

    #[test]
    fn what_discord_does_not_draw_is_replaced() {
        for (markdown, drawn) in [
            ("# One\n#### Four ##\n#no", "# One\n**Four**\n#no"),
            ("![a cat](https://x/y.png) `![no](x)`", "[a cat](https://x/y.png) `![no](x)`"),
            ("```md\n#### same\n![same](x)\n```", "```md\n#### same\n![same](x)\n```"),
            ("**b** _i_ ~~s~~ > q", "**b** _i_ ~~s~~ > q"),
            (
                "- [ ] one\n  * [x] two\n- [link](https://x)",
                "- ☐ one\n  - ☑ two\n- [link](https://x)",
            ),
            ("see [https://x/y](https://x/y), [http://z](http://z)!", "see https://x/y, http://z!"),
            ("`[https://x](https://x)` [https://x and", "`[https://x](https://x)` [https://x and"),
        ] {
            assert_eq!(render(markdown), drawn);
        }
    }

    #[test]
    fn a_table_becomes_code_with_even_columns() {
        let markdown = "before\n| a | long |\n|---|:-:|\n| 1 | **2** |\n| only |\nafter";
        let drawn = "before\n```\na     long\n----  -----\n1     **2**\nonly\n```\nafter";
        assert_eq!(render(markdown), drawn);
        let escaped = "| a \\| b | c |\n|---|---|\n| d | e |";
        assert_eq!(render(escaped), "```\na | b  c\n-----  -\nd      e\n```");
        assert_eq!(render("a | b"), "a | b", "a line with a stroke is no table");
        assert_eq!(render("```\n| a |\n|---|\n```"), "```\n| a |\n|---|\n```");
    }
}
