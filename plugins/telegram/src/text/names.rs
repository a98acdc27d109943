//! Names of files in running text. Telegram makes a link of `notes.md`: Moldova's domain. Written as
//! code it stays a name.

/// Ends of file names that are also ends of domains, where an assistant means the file.
const ENDS: [&str; 9] = ["md", "rs", "py", "sh", "pl", "ps", "mk", "zip", "mov"];

/// The text in parts, each with whether it is such a name.
pub(super) fn parts(text: &str) -> Vec<(&str, bool)> {
    let mut parts = Vec::new();
    let mut begin = 0;
    for (at, word) in words(text) {
        let name = word.trim_matches(|c: char| ".,;:!?()[]{}\"'„“”«»".contains(c));
        if is_file(name) {
            let start = at + word.find(name).unwrap_or(0);
            parts.push((&text[begin..start], false));
            parts.push((name, true));
            begin = start + name.len();
        }
    }
    parts.push((&text[begin..], false));
    parts.retain(|(part, _)| !part.is_empty());
    parts
}

fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split_inclusive(char::is_whitespace).map(move |piece| {
        let begin = at;
        at += piece.len();
        (begin, piece.trim_end())
    })
}

fn is_file(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    name.chars().all(plain)
        && !name.contains("//")
        && name.rsplit_once('.').is_some_and(|(stem, end)| {
            !stem.is_empty() && !stem.ends_with('/') && ENDS.contains(&end)
        })
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn names_of_files_are_found_in_sentences() {
        let found = |text| {
            let names = parts(text).into_iter().filter(|(_, is)| *is).map(|(name, _)| name);
            names.collect::<Vec<_>>()
        };
        assert_eq!(
            found("See README.md, src/main.rs and (a_b.py)."),
            ["README.md", "src/main.rs", "a_b.py"]
        );
        assert_eq!(found("example.org, https://e.org/a.md, me@e.md, .md, a.MD, 3.5"), [""; 0]);
        assert_eq!(parts("x notes.md y"), [("x ", false), ("notes.md", true), (" y", false)]);
    }
}
