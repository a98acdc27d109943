//! Places in a text as Telegram counts them: in UTF-16 code units.

use std::ops::Range;

/// Length of a text.
pub(crate) fn len(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// The bytes of a stretch; `None` where it lies outside or cuts a character.
pub(crate) fn range(text: &str, offset: usize, length: usize) -> Option<Range<usize>> {
    let end = offset.checked_add(length)?;
    Some(byte_at(text, offset)?..byte_at(text, end)?)
}

/// The text of a stretch.
pub(crate) fn slice(text: &str, offset: usize, length: usize) -> Option<&str> {
    text.get(range(text, offset, length)?)
}

fn byte_at(text: &str, offset: usize) -> Option<usize> {
    let mut units = 0;
    for (at, c) in text.char_indices() {
        if units == offset {
            return Some(at);
        }
        units += c.len_utf16();
    }
    (units == offset).then_some(text.len())
}

#[cfg(test)]
mod tests {
    use super::{len, range, slice};

    #[test]
    fn places_count_in_utf16() {
        let text = "a😀ü@x";
        assert_eq!(len(text), 6);
        assert_eq!(slice(text, 1, 2), Some("😀"));
        assert_eq!(slice(text, 4, 2), Some("@x"));
        assert_eq!(slice(text, 6, 0), Some(""));
        for (offset, length) in [(2, 1), (0, 2), (6, 1), (usize::MAX, 2)] {
            assert_eq!(range(text, offset, length), None, "{offset} {length}");
        }
    }
}
