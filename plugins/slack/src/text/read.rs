//! Slack's markup to Markdown: what a person wrote, as others would write it.

use super::{character, unescape};

/// Converts a message; `name_of` knows people by their id.
pub(crate) fn to_markdown(text: &str, name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 0 {
            let lines: Vec<String> = part.split('\n').map(|line| prose(line, name_of)).collect();
            out.push_str(&lines.join("\n"));
        } else {
            let code = plain(part, name_of);
            if !out.is_empty() && !out.ends_with('\n') {
                out.push('\n');
            }
            for part in ["```\n", code.trim_matches('\n'), "\n```\n"] {
                out.push_str(part);
            }
        }
    }
    out.trim_end_matches('\n').to_owned()
}

/// Tokens and escapes resolved, nothing else: for code.
fn plain(text: &str, name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    for piece in split(text) {
        out.push_str(&match piece {
            Piece::Text(text) => unescape(text),
            Piece::Token(token) => match token.split_once('|') {
                Some((address, _)) if !token.starts_with(['@', '#', '!']) => unescape(address),
                None if !token.starts_with(['@', '#', '!']) => unescape(token),
                _ => resolve(token, name_of),
            },
        });
    }
    out
}

/// One line outside code blocks.
fn prose(line: &str, name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut out = String::new();
    let spans: Vec<&str> = line.split('`').collect();
    let closed = spans.len() % 2 == 1;
    for (index, span) in spans.iter().enumerate() {
        let code = index % 2 == 1 && (closed || index + 1 < spans.len());
        if code {
            for part in ["`", &plain(span, name_of), "`"] {
                out.push_str(part);
            }
        } else {
            if index % 2 == 1 {
                out.push('`'); // one that was never closed
            }
            out.push_str(&styled(span, name_of));
        }
    }
    out
}

enum Piece<'a> {
    Text(&'a str),
    /// What stood between angle brackets, which Slack never leaves unescaped.
    Token(&'a str),
}

fn split(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        let Some((token, tail)) = after.split_once('>') else { break };
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Token(token));
        rest = tail;
    }
    pieces.push(Piece::Text(rest));
    pieces
}

/// Bold and struck text get Markdown's doubled marks; tokens are out of reach of that.
fn styled(text: &str, name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let mut cells: Vec<String> = Vec::new();
    for piece in split(text) {
        match piece {
            Piece::Text(text) => cells.extend(unescape(text).chars().map(String::from)),
            Piece::Token(token) => cells.push(resolve(token, name_of)),
        }
    }
    for mark in ["*", "~"] {
        double(&mut cells, mark);
    }
    emoji(&cells.concat())
}

/// Doubles the marks of every pair that Slack would show as one: the opening one after a space or a
/// sign and before a letter, the closing one the other way round.
fn double(cells: &mut [String], mark: &str) {
    let edge = |cell: Option<&String>| {
        cell.is_none_or(|c| c.chars().all(|c| !c.is_alphanumeric() && c != '\u{fffc}'))
    };
    let blank = |cell: Option<&String>| cell.is_none_or(|c| c.chars().all(char::is_whitespace));
    let mut open: Option<usize> = None;
    for at in 0..cells.len() {
        if cells[at] != mark {
            continue;
        }
        let (before, after) = (at.checked_sub(1).map(|b| &cells[b]), cells.get(at + 1));
        match open {
            Some(from) if !blank(before) && edge(after) && at > from + 1 => {
                cells[from] = mark.repeat(2);
                cells[at] = mark.repeat(2);
                open = None;
            }
            _ if edge(before) && !blank(after) => open = Some(at),
            _ => {}
        }
    }
}

/// What a token between angle brackets says to a person.
fn resolve(token: &str, name_of: &dyn Fn(&str) -> Option<String>) -> String {
    let (head, label) = match token.split_once('|') {
        Some((head, label)) => (head, Some(unescape(label)).filter(|label| !label.is_empty())),
        None => (token, None),
    };
    if let Some(id) = head.strip_prefix('@') {
        return format!("@{}", label.or_else(|| name_of(id)).unwrap_or_else(|| id.to_owned()));
    }
    if let Some(id) = head.strip_prefix('#') {
        return format!("#{}", label.or_else(|| name_of(id)).unwrap_or_else(|| id.to_owned()));
    }
    if let Some(special) = head.strip_prefix('!') {
        let word = special.split('^').next().unwrap_or(special);
        return match (word, label) {
            (_, Some(label)) if label.starts_with('@') || word == "date" => label,
            (_, Some(label)) => format!("@{label}"),
            // A group of people, which Slack names by its id alone.
            ("subteam", None) => format!("@{}", special.split('^').nth(1).unwrap_or(word)),
            (word, None) => format!("@{word}"),
        };
    }
    let address = unescape(head);
    match label {
        Some(label) if address.strip_prefix("mailto:") == Some(label.as_str()) => label,
        Some(label) if label == address => address,
        // Slack makes links of bare names such as `example.com`; they read as they were written.
        Some(label) if address.split_once("://").is_some_and(|(_, rest)| rest == label) => label,
        Some(label) => format!("[{label}]({address})"),
        None => address.strip_prefix("mailto:").unwrap_or(&address).to_owned(),
    }
}

/// `:name:` to its character, where the name is a known one.
fn emoji(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(':') {
        out.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && !"_-+".contains(c));
        let name = end.filter(|end| after[*end..].starts_with(':')).map(|end| &after[..end]);
        let found = name.filter(|name| name.bytes().any(|b| b.is_ascii_alphabetic() || b == b'+'));
        match found.map(|name| (name, character(name))) {
            Some((name, found)) if found != name => {
                out.push_str(&found);
                rest = &after[name.len() + 1..];
                if let Some(tone) = rest.strip_prefix(":skin-tone-") {
                    rest = tone.split_once(':').map_or(rest, |(_, tail)| tail);
                }
            }
            _ => {
                out.push(':');
                rest = after;
            }
        }
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::to_markdown;

    fn read(text: &str) -> String {
        to_markdown(text, &|id| (id == "U0123ABCD").then(|| "Ada".to_owned()))
    }

    #[test]
    fn markup_becomes_markdown() {
        for (slack, markdown) in [
            ("*bold* _soft_ ~gone~", "**bold** _soft_ ~~gone~~"),
            ("2 * 3 * 4 and a*b*c", "2 * 3 * 4 and a*b*c"),
            ("(*bold*), *two words*.", "(**bold**), **two words**."),
            ("a &lt;b&gt; &amp; c &amp;lt;", "a <b> & c &lt;"),
            ("`*code* &amp; <https://a.b>`", "`*code* & https://a.b`"),
            ("see ```*x*\n&lt;y&gt;``` end", "see \n```\n*x*\n<y>\n```\n end"),
            ("<https://a.b/c|here> <https://a.b>", "[here](https://a.b/c) https://a.b"),
            ("<http://a.b|a.b>", "a.b"),
            ("<mailto:ada@a.b|ada@a.b>", "ada@a.b"),
            ("<@U0123ABCD> <@U9|bob> <@U8>", "@Ada @bob @U8"),
            ("<#C1|general> <#C2> <#C3|>", "#general #C2 #C3"),
            ("<!subteam^S2>", "@S2"),
            ("<!here> <!subteam^S1|@team> <!date^1^{date}|May 1>", "@here @team May 1"),
            ("*<https://a.b|x*y>*", "**[x*y](https://a.b)**"),
            (":+1::skin-tone-3: :tada: 12:30:45 :nope_nope:", "👍 🎉 12:30:45 :nope_nope:"),
            ("an open ` tick and *mark", "an open ` tick and *mark"),
        ] {
            assert_eq!(read(slack), markdown, "{slack}");
        }
    }
}
