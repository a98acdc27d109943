//! Finding the row that a person means by an id, the beginning of one, or a name.

use super::{
    print,
    report::{Failure, USAGE},
};
use serde_json::Value;

/// Shortest beginning of an id that is taken for the id.
const PREFIX_MIN: usize = 4;
/// Letters of an id shown in tables; enough to type.
const SHORT: usize = 12;

/// The one row that `given` names: by `id`, or by one of `names`, of which those that are ids too may
/// be cut short. `what` is the word for it, `list` the command that shows all.
///
/// # Errors
/// When no row is meant, or several are.
pub fn pick<'a>(
    rows: &'a [Value],
    given: &str,
    id: &str,
    names: &[&str],
    (what, list): (&str, &str),
) -> Result<&'a Value, Failure> {
    let is = |row: &Value, field: &str| {
        row[field].as_str().is_some_and(|text| text.eq_ignore_ascii_case(given))
    };
    if let Some(exact) = rows.iter().find(|row| is(row, id)) {
        return Ok(exact);
    }
    let begins = |row: &Value, field: &str| {
        field.to_ascii_lowercase().ends_with("id")
            && given.len() >= PREFIX_MIN
            && row[field].as_str().is_some_and(|text| text.starts_with(given))
    };
    let named = |row: &&Value| {
        let mut fields = names.iter().chain(std::iter::once(&id));
        fields.any(|field| is(row, field) || begins(row, field))
    };
    let found: Vec<&Value> = rows.iter().filter(named).collect();
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Failure::new(format!("there is no {what} `{}`", print::line(given)))
            .next(format!("see which there are: {list}"))),
        several => {
            let ids: Vec<&str> = several.iter().filter_map(|row| row[id].as_str()).collect();
            Err(Failure::new(format!(
                "`{}` could be {} of them: {}",
                print::line(given),
                several.len(),
                ids.join(", ")
            ))
            .code(USAGE)
            .next("give more of the id"))
        }
    }
}

/// The beginning of a long id, for tables; [`pick`] takes it.
#[must_use]
pub fn short(row: &Value, id: &str) -> String {
    let text = print::cell(row, id);
    if text.len() == 64 { text.chars().take(SHORT).collect() } else { text }
}

/// The name people gave or the device gives itself, else the short id.
#[must_use]
pub fn name(row: &Value, id: &str) -> String {
    let named = ["operatorLabel", "displayName"].into_iter().find_map(|f| row[f].as_str());
    named.map_or_else(|| short(row, id), print::line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_is_found_by_id_beginning_or_name_and_never_by_guess() {
        let rows = [
            json!({"id": "abcdef01", "name": "desk"}),
            json!({"id": "abcdef02", "name": "Phone"}),
            json!({"id": "desk"}),
        ];
        let find = |given: &str| pick(&rows, given, "id", &["name"], ("thing", "list"));
        assert_eq!(find("abcdef02").unwrap(), &rows[1]);
        assert_eq!(find("phone").unwrap(), &rows[1]);
        assert_eq!(find("abcdef01").unwrap(), &rows[0]);
        assert_eq!(find("desk").unwrap(), &rows[2], "an id before a name");
        assert!(find("abcdef").unwrap_err().text.contains("could be 2"));
        assert!(find("abc").unwrap_err().text.contains("no thing"), "too short to be sure");
    }
}
