//! Two configurations, one of which cannot be used: what is in force, made as strict as the other asks
//! for wherever that can be told.
//!
//! A slip of the pen must not let somebody in whom the same edit was to keep out. Both tables are as
//! written, `${NAME}` included. What the unusable file does not say counts as its default only when
//! the whole of it could be read. Nothing is ever made wider, and a list that admits everybody when it
//! is empty is closed rather than emptied. Must not know: why the other one cannot be used.

mod doors;
mod lists;

use toml::{Table, Value};

/// What a variable of the environment holds.
type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Narrows a table by another and says which settings changed.
struct Narrowing<'a> {
    /// The table of the files that cannot be used.
    asked: &'a Table,
    /// Every setting of those files is in it; else what is missing may only be unreadable.
    whole: bool,
    env: Env<'a>,
    /// Dotted paths of what became stricter.
    changed: Vec<String>,
}

/// Makes `good` as strict as `asked` wherever `asked` tells; gives the settings that changed.
pub(super) fn narrow(good: &mut Table, asked: &Table, whole: bool, env: Env<'_>) -> Vec<String> {
    let mut narrowing = Narrowing { asked, whole, env, changed: Vec::new() };
    doors::gateway(&mut narrowing, good);
    doors::plugins(&mut narrowing, good);
    doors::nodes(&mut narrowing, good);
    lists::channels(&mut narrowing, good);
    narrowing.changed
}

/// What a file says about one setting.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Said<'a> {
    /// This.
    Value(&'a Value),
    /// Nothing: the default holds.
    Nothing,
    /// It cannot be told.
    Unknown,
}

impl<'a> Said<'a> {
    /// What it comes to, where saying nothing means `default`.
    fn or<T>(self, default: T, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
        match self {
            Self::Value(value) => read(value),
            Self::Nothing => Some(default),
            Self::Unknown => None,
        }
    }
}

impl<'a> Narrowing<'a> {
    fn asked(&self, path: &[&str]) -> Said<'a> {
        let mut table = self.asked;
        for (n, name) in path.iter().enumerate() {
            match table.get(*name) {
                None if self.whole => return Said::Nothing,
                Some(value) if n + 1 == path.len() => return Said::Value(value),
                Some(Value::Table(below)) => table = below,
                None | Some(_) => return Said::Unknown,
            }
        }
        Said::Unknown
    }

    /// Of two words, the one that stands first in `order`; a word of neither is left alone.
    fn word(&mut self, good: &mut Table, path: &[&str], order: &[&str], default: &str) {
        let asked = self.asked(path).or(default, Value::as_str);
        let place = |word: &str| order.iter().position(|known| *known == word);
        let kept = read(good, path).map_or(Some(default), Value::as_str);
        let (Some(asked), Some(kept)) = (asked.and_then(place), kept.and_then(place)) else {
            return;
        };
        if asked < kept {
            self.set(good, path, Value::from(order[asked]));
        }
    }

    /// A switch whose strict side is `strict`.
    fn switch(&mut self, good: &mut Table, path: &[&str], strict: bool, default: bool) {
        let asked = self.asked(path).or(default, Value::as_bool);
        let kept = read(good, path).map_or(Some(default), Value::as_bool);
        if asked == Some(strict) && kept != Some(strict) {
            self.set(good, path, Value::from(strict));
        }
    }

    /// A list that admits what is on it; `star` on one side stands for all that the other side names.
    fn admitted(&mut self, good: &mut Table, path: &[&str], star: Option<&str>) {
        let asked = self.asked(path).or(Vec::new(), list);
        let (Some(asked), Some(kept)) = (asked, read(good, path).and_then(list)) else { return };
        let all = |list: &[String]| star.is_some_and(|star| list.iter().any(|item| item == star));
        let common: Vec<String> = match (all(&kept), all(&asked)) {
            (_, true) => return,
            (true, false) => asked,
            (false, false) => kept.iter().filter(|item| asked.contains(item)).cloned().collect(),
        };
        if common != kept {
            self.set(good, path, common.into());
        }
    }

    /// A list that keeps out what is on it.
    fn banned(&mut self, good: &mut Table, path: &[&str]) {
        let Said::Value(asked) = self.asked(path) else { return };
        let mut all = read(good, path).and_then(list).unwrap_or_default();
        let before = all.len();
        for item in list(asked).unwrap_or_default() {
            if !all.contains(&item) {
                all.push(item);
            }
        }
        if all.len() > before {
            self.set(good, path, all.into());
        }
    }

    fn set(&mut self, good: &mut Table, path: &[&str], value: Value) {
        let Some((last, way)) = path.split_last() else { return };
        let mut table = good;
        for name in way {
            let below =
                table.entry((*name).to_owned()).or_insert_with(|| Value::Table(Table::new()));
            let Value::Table(below) = below else { return };
            table = below;
        }
        table.insert((*last).to_owned(), value);
        let path = path.join(".");
        if !self.changed.contains(&path) {
            self.changed.push(path);
        }
    }
}

fn read<'a>(table: &'a Table, path: &[&str]) -> Option<&'a Value> {
    let (last, way) = path.split_last()?;
    way.iter().try_fold(table, |table, name| table.get(*name)?.as_table())?.get(*last)
}

/// A list of words; `None` when it is anything else.
fn list(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|item| item.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests;
