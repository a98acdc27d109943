//! Pages of a list, by the rule that clients check: all of the numbers, and they agree.

use schemars::JsonSchema;
use serde::Serialize;

/// Where a page stands in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    total: usize,
    offset: usize,
    limit: usize,
    has_more: bool,
    next_offset: Option<usize>,
}

/// Cuts a page out of a list.
#[must_use]
pub fn cut<T>(mut all: Vec<T>, offset: usize, limit: usize) -> (Vec<T>, Page) {
    let total = all.len();
    let mut rows = all.split_off(offset.min(total));
    rows.truncate(limit);
    let end = offset + rows.len();
    let has_more = end < total;
    let page = Page { total, offset, limit, has_more, next_offset: has_more.then_some(end) };
    (rows, page)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn the_numbers_agree(total in 0_usize..50, offset in 0_usize..60, limit in 1_usize..20) {
            let (rows, page) = cut((0..total).collect(), offset, limit);
            proptest::prop_assert!(rows.len() <= limit);
            proptest::prop_assert_eq!(page.total, total);
            proptest::prop_assert_eq!(page.offset, offset);
            proptest::prop_assert_eq!(page.has_more, page.next_offset.is_some());
            if offset <= total {
                proptest::prop_assert_eq!(!page.has_more, offset + rows.len() == total);
            }
            if let Some(next) = page.next_offset {
                proptest::prop_assert_eq!(next, offset + rows.len());
                proptest::prop_assert!(next > offset, "the next page is another one");
            }
        }
    }

    #[test]
    fn pages_in_a_row_are_the_list() {
        let mut seen = Vec::new();
        let mut next = Some(0);
        while let Some(offset) = next {
            let (rows, page) = cut((0..7).collect::<Vec<u32>>(), offset, 3);
            seen.extend(rows);
            next = page.next_offset;
        }
        assert_eq!(seen, [0, 1, 2, 3, 4, 5, 6]);
    }
}
