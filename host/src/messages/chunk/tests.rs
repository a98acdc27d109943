//! Pieces fit, lose nothing and break nothing.

use super::{measure, settled, split};
use jackfield_plugin_api::manifest::TextUnit;
use proptest::prelude::*;
use unicode_segmentation::UnicodeSegmentation;

const UNITS: [TextUnit; 3] = [TextUnit::Chars, TextUnit::Utf16, TextUnit::Bytes];

fn solid(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

#[test]
fn what_fits_is_not_touched() {
    assert_eq!(split("  a\n\n b ", 8, TextUnit::Chars), ["  a\n\n b "]);
    assert_eq!(split(&"x".repeat(9000), 0, TextUnit::Chars).len(), 1);
    assert_eq!(split("", 10, TextUnit::Chars), [""]);
}

#[test]
fn each_platform_counts_in_its_own_unit() {
    assert_eq!([4, 5, 9].map(|n| split("ab😀cé", n, TextUnit::Chars).len()), [2, 1, 1]);
    assert_eq!([4, 5, 6].map(|n| split("ab😀cé", n, TextUnit::Utf16).len()), [2, 2, 1]);
    assert_eq!([6, 8, 9].map(|n| split("ab😀cé", n, TextUnit::Bytes).len()), [2, 2, 1]);
}

#[test]
fn cuts_prefer_paragraphs_then_lines_then_words() {
    assert_eq!(
        split("one two\n\nthree four\nfive", 16, TextUnit::Chars),
        ["one two", "three four\nfive"]
    );
    assert_eq!(split("one two\nthree", 10, TextUnit::Chars), ["one two", "three"]);
    assert_eq!(split("one two three", 9, TextUnit::Chars), ["one two", "three"]);
    assert_eq!(split("abcdefgh", 3, TextUnit::Chars), ["abc", "def", "gh"]);
}

#[test]
fn a_cut_code_block_is_closed_and_opened_again() {
    let text = "Look:\n\n```rust\nlet a = 1;\nlet b = 2;\nlet c = 3;\n```\n\nDone.";
    assert_eq!(
        split(text, 34, TextUnit::Chars),
        ["Look:\n\n```rust\nlet a = 1;\n```", "```rust\nlet b = 2;\nlet c = 3;\n```", "Done.",]
    );
    let quoted = "> ~~~\n> one\n> two\n> three\n> ~~~\n";
    for piece in split(quoted, 24, TextUnit::Chars) {
        assert!(piece.starts_with("> ~~~\n") && piece.trim_end().ends_with("> ~~~"), "{piece:?}");
    }
}

#[test]
fn links_and_emphasis_stay_whole_where_they_fit() {
    let text = "read [the long manual](https://example.org/a) and **do not forget** it";
    let pieces = split(text, 45, TextUnit::Chars);
    assert_eq!(
        pieces,
        ["read", "[the long manual](https://example.org/a) and", "**do not forget** it"]
    );
    let long = format!("[x]({})", "u".repeat(100));
    assert!(split(&long, 20, TextUnit::Chars).iter().all(|piece| piece.len() <= 20));
}

#[test]
fn characters_as_people_see_them_stay_whole() {
    let family = "👨‍👩‍👧‍👦";
    let pieces = split(&family.repeat(5), 12, TextUnit::Utf16);
    assert_eq!(pieces, vec![family; 5]);
    // Too large for any piece: nothing is lost, whatever it looks like.
    assert_eq!(split(family, 4, TextUnit::Utf16).concat(), family);
}

fn markdown() -> impl Strategy<Value = String> {
    let bit = prop_oneof![
        "[a-zäß😀 ]{1,20}",
        Just("\n".to_owned()),
        Just("\n\n".to_owned()),
        Just("e\u{301}".to_owned()),
        Just("```rs\nlet x = 1;\n\nlet y = 2;\n```\n".to_owned()),
        Just("> ```\n> quoted code\n> more\n> ```\n".to_owned()),
        Just("```\nnever closed\n".to_owned()),
        Just("[text](https://example.org/x?y=z)".to_owned()),
        Just("**bold words here** `code here`".to_owned()),
        Just("- item\n".to_owned()),
        ".{0,30}",
    ];
    proptest::collection::vec(bit, 0..40).prop_map(|bits| bits.concat())
}

proptest! {
    #[test]
    fn pieces_fit(text in markdown(), max in 30_usize..200, unit in 0_usize..3) {
        let unit = UNITS[unit];
        for piece in split(&text, max, unit) {
            let fits = measure(&piece, unit) <= max || piece.graphemes(true).count() == 1;
            prop_assert!(fits, "{} > {max}: {piece:?}", measure(&piece, unit));
        }
    }

    #[test]
    fn without_code_blocks_nothing_but_blanks_is_lost(
        text in "([a-zäß😀👨‍👩‍👧 \n]|e\u{301}|\\*\\*b c\\*\\*|[.] ){0,200}",
        max in 20_usize..100,
    ) {
        let pieces = split(&text, max, TextUnit::Chars);
        prop_assert_eq!(solid(&pieces.concat()), solid(&text));
        let whole: Vec<&str> = text.graphemes(true).collect();
        let cut: Vec<String> = pieces
            .iter()
            .flat_map(|piece| piece.graphemes(true).map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let blank = |g: &str| g.chars().all(char::is_whitespace);
        prop_assert_eq!(
            cut.iter().filter(|g| !blank(g)).map(String::as_str).collect::<Vec<_>>(),
            whole.into_iter().filter(|g| !blank(g)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn code_keeps_its_lines(lines in proptest::collection::vec("[a-z ]{1,12}x", 1..40), max in 40_usize..80) {
        let text = format!("```py\n{}\n```", lines.join("\n"));
        let mut found = Vec::new();
        for piece in split(&text, max, TextUnit::Chars) {
            prop_assert!(piece.starts_with("```py\n") && piece.ends_with("\n```"), "{piece:?}");
            let inner = &piece["```py\n".len()..piece.len() - "\n```".len()];
            found.extend(inner.split('\n').map(str::to_owned));
        }
        prop_assert_eq!(found, lines);
    }
}

#[test]
fn a_growing_text_is_settled_up_to_its_last_paragraph_outside_code() {
    let text = "first\n\nsecond\n\n```\ncode\n\nmore";
    assert_eq!(settled(text, 0, 3), Some("first\n\nsecond\n\n".len()));
    assert_eq!(settled(text, 0, 30), None, "too short to be a message");
    assert_eq!(settled("first\n\nsecond", 7, 1), None, "nothing ended since");
    assert_eq!(settled("no end yet", 0, 1), None);
}
