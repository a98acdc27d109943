//! Emoji: Slack names them, most others write the character.
//!
//! The names stand in `emoji.txt`, one a line, an emoji's usual name first. They come from the crate
//! `emojis`, which a test holds them against; linked in, its tables would be a sixth of the library.

/// `name character` a line.
const NAMES: &str = include_str!("emoji.txt");

/// Slack's name of an emoji given as a character, as a name, or as a name between colons.
pub(crate) fn name(emoji: &str) -> Option<String> {
    let bare = emoji.trim().trim_matches(':');
    if bare.is_empty() {
        return None;
    }
    let plain = plain(bare);
    if let Some((name, _)) = names().find(|(_, character)| self::plain(character) == plain) {
        return Some(name.to_owned());
    }
    // Names of a workspace's own are lower case, digits and a few signs.
    let named = bare.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-+:'".contains(&b));
    named.then(|| bare.to_lowercase())
}

/// The character of a name of Slack's; the name itself where there is none, as for a workspace's own.
pub(crate) fn character(name: &str) -> String {
    // The tone of the skin is said after two more colons.
    let plain = name.split("::").next().unwrap_or(name);
    let found = names().find(|(known, _)| *known == plain);
    found.map_or(name, |(_, character)| character).to_owned()
}

fn names() -> impl Iterator<Item = (&'static str, &'static str)> {
    NAMES.lines().filter_map(|line| line.split_once(' '))
}

/// Without the tone of the skin and the sign that asks for a picture: those have no names.
fn plain(emoji: &str) -> String {
    emoji.chars().filter(|c| !matches!(c, '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')).collect()
}

#[cfg(test)]
mod tests {
    use super::{NAMES, character, name};
    use std::{env, fs, path::Path};

    #[test]
    fn characters_and_names_find_each_other() {
        for (emoji, slack) in [
            ("👀", "eyes"),
            ("✅", "white_check_mark"),
            ("👍", "+1"),
            ("❤️", "heart"),
            ("🇩🇪", "de"),
        ] {
            assert_eq!(name(emoji).as_deref(), Some(slack), "{emoji}");
            assert_eq!(character(slack), emoji, "{slack}");
        }
        assert_eq!(name("👍🏽").as_deref(), Some("+1"));
        assert_eq!(name("❤").as_deref(), Some("heart"));
        assert_eq!(name(":tada:").as_deref(), Some("tada"));
        assert_eq!(name("partyparrot").as_deref(), Some("partyparrot"));
        assert_eq!(name("not a name"), None);
        assert_eq!(name(""), None);
        assert_eq!(character("+1::skin-tone-2"), "👍");
        assert_eq!(character("partyparrot"), "partyparrot");
    }

    /// With `UPDATE=1` in the environment the file is written anew.
    #[test]
    fn the_names_are_those_of_the_crate() {
        let lines = emojis::iter().flat_map(|emoji| {
            emoji.shortcodes().map(move |name| format!("{name} {}\n", emoji.as_str()))
        });
        let names: String = lines.collect();
        if env::var_os("UPDATE").is_some() {
            let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/text/emoji.txt");
            fs::write(file, &names).unwrap();
        } else {
            assert!(names == NAMES, "emoji.txt is not what the crate says: run with UPDATE=1");
        }
    }
}
