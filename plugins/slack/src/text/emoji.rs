//! Emoji: Slack names them, most others write the character.

/// Slack's name of an emoji given as a character, as a name, or as a name between colons.
pub(crate) fn name(emoji: &str) -> Option<String> {
    let bare = emoji.trim().trim_matches(':');
    if bare.is_empty() {
        return None;
    }
    if let Some(known) = emojis::get(bare) {
        return known.shortcode().map(str::to_owned);
    }
    // Names of a workspace's own are lower case, digits and a few signs.
    let named = bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+:'".contains(&b));
    named.then(|| bare.to_lowercase())
}

/// The character of a name of Slack's; the name itself where there is none, as for a workspace's own.
pub(crate) fn character(name: &str) -> String {
    // The tone of the skin is said after two more colons.
    let plain = name.split("::").next().unwrap_or(name);
    emojis::get_by_shortcode(plain).map_or_else(|| name.to_owned(), |e| e.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::{character, name};

    #[test]
    fn characters_and_names_find_each_other() {
        for (emoji, slack) in
            [("👀", "eyes"), ("✅", "white_check_mark"), ("👍", "+1"), ("❤️", "heart")]
        {
            assert_eq!(name(emoji).as_deref(), Some(slack), "{emoji}");
            assert_eq!(character(slack), emoji, "{slack}");
        }
        assert_eq!(name(":tada:").as_deref(), Some("tada"));
        assert_eq!(name("partyparrot").as_deref(), Some("partyparrot"));
        assert_eq!(name("not a name"), None);
        assert_eq!(name(""), None);
        assert_eq!(character("+1::skin-tone-2"), "👍");
        assert_eq!(character("partyparrot"), "partyparrot");
    }
}
