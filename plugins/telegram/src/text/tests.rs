//! Markdown as assistants write it, and what Telegram gets.

use super::{Piece, render, utf16};

fn html(markdown: &str) -> String {
    let mut pieces = render(markdown, 4096);
    assert_eq!(pieces.len(), 1, "{pieces:?}");
    pieces.remove(0).html
}

#[test]
fn inline_markup() {
    for (markdown, expected) in [
        ("plain & <simple>", "plain &amp; &lt;simple&gt;"),
        ("**bold** and *italic* and ~~gone~~", "<b>bold</b> and <i>italic</i> and <s>gone</s>"),
        ("**bold *and italic***", "<b>bold <i>and italic</i></b>"),
        ("`a < b`", "<code>a &lt; b</code>"),
        (
            "[tea](https://e.org/?a=1&b=\"2\")",
            "<a href=\"https://e.org/?a=1&amp;b=&quot;2&quot;\">tea</a>",
        ),
        ("[odd](javascript:alert(1))", "odd"),
        // Telegram makes no link of these and would drop the address.
        ("[home](http://nas:8080/x)", "home (http://nas:8080/x)"),
        ("[write](mailto:ada@e.org) <ada@e.org>", "write (ada@e.org) ada@e.org"),
        ("[call](tel:+4930123)", "call (+4930123)"),
        ("see my_notes.md", "see <code>my_notes.md</code>"),
        ("[a.md](https://e.org)", "<a href=\"https://e.org\">a.md</a>"),
        ("![a cup](https://e.org/cup.png)", "<a href=\"https://e.org/cup.png\">a cup</a>"),
        ("one\ntwo  \nthree", "one\ntwo\nthree"),
        ("a <b>tag</b> of HTML", "a &lt;b&gt;tag&lt;/b&gt; of HTML"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        ("**never closed", "**never closed"),
    ] {
        assert_eq!(html(markdown), expected, "{markdown}");
    }
}

#[test]
fn blocks() {
    for (markdown, expected) in [
        ("one\n\ntwo", "one\n\ntwo"),
        ("# Big\ntext", "<b><u>Big</u></b>\n\ntext"),
        ("## Small\n\ntext", "<b>Small</b>\n\ntext"),
        ("> a\n> b\n\nc", "<blockquote>a\nb</blockquote>\n\nc"),
        ("> a\n>\n> > b", "<blockquote>a\n\nb</blockquote>"),
        ("- a\n- b\n  - c\n\nafter", "• a\n• b\n   • c\n\nafter"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("- a\n\n  more\n\n- b", "• a\nmore\n• b"),
        ("- [x] done\n- [ ] open", "• ☑ done\n• ☐ open"),
        ("a\n\n---\n\nb", "a\n\n———\n\nb"),
        (
            "```rust\nlet x = 1 < 2;\n```\nafter",
            "<pre><code class=\"language-rust\">let x = 1 &lt; 2;</code></pre>\n\nafter",
        ),
        ("```\n  two\n\n  lines\n```", "<pre>  two\n\n  lines</pre>"),
        ("text\n```\nnever closed", "text\n\n<pre>never closed</pre>"),
        (
            "| a | b |\n|---|---|\n| 1 | `22` |\n\nafter",
            "<pre>a | b\n--|---\n1 | 22</pre>\n\nafter",
        ),
    ] {
        assert_eq!(html(markdown), expected, "{markdown}");
    }
}

#[test]
fn the_plain_form_keeps_words_and_addresses() {
    let plain = |markdown: &str| render(markdown, 4096).remove(0).plain;
    assert_eq!(plain("**a** [tea](https://e.org) `b`"), "a tea (https://e.org) b");
    assert_eq!(plain("<https://e.org>"), "https://e.org", "an address is not said twice");
    assert_eq!(plain("- a\n- b"), "• a\n• b");
}

#[test]
fn nothing_comes_of_nothing() {
    for nothing in ["", "  \n\n ", "[empty]: https://e.org"] {
        assert_eq!(render(nothing, 10), []);
    }
}

fn visible(piece: &Piece) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in piece.html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn is_balanced(html: &str) -> bool {
    let mut open = Vec::new();
    for tag in html.split('<').skip(1) {
        let name = tag.split(['>', ' ']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) if open.pop() != Some(name) => return false,
            Some(_) => {}
            None => open.push(name),
        }
    }
    open.is_empty()
}

#[test]
fn a_long_text_is_cut_between_words_and_its_markup_goes_on() {
    let words = "wörd 😀 ".repeat(40);
    let markdown =
        format!("intro\n\n**{}**\n\n```sh\n{}```\n", words.trim(), "line of code\n".repeat(30));
    let pieces = render(&markdown, 100);
    assert!(pieces.len() > 5);
    for piece in &pieces {
        assert!(is_balanced(&piece.html), "{}", piece.html);
        let text = visible(piece);
        assert!(utf16::len(text.trim_end()) <= 100, "{text:?}");
        assert_eq!(text.trim_end(), piece.plain.trim_end());
        assert!(!piece.html.is_empty());
    }
    let all: Vec<&str> = pieces.iter().map(|piece| piece.plain.as_str()).collect();
    let all = all.join(" ");
    assert_eq!(all.matches("wörd").count(), 40);
    assert_eq!(all.matches("line of code").count(), 30);
    let code: Vec<_> = pieces.iter().filter(|p| p.html.contains("line of code")).collect();
    assert!(code.iter().all(|piece| piece.html.contains("<code class=\"language-sh\">")));
}

#[test]
fn a_word_longer_than_a_piece_is_cut_between_characters() {
    let pieces = render(&"😀".repeat(25), 20);
    let lengths: Vec<usize> = pieces.iter().map(|piece| utf16::len(&piece.plain)).collect();
    assert_eq!(lengths, [20, 20, 10]);
}
