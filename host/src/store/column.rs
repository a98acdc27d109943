//! Between our types and the database's: whole numbers and JSON text.
//!
//! The database knows signed 64-bit numbers only; all of ours are far below that limit.

use rusqlite::{Error, Row, types::Type};
use serde::{Serialize, de::DeserializeOwned};

/// A number as the database keeps it; values past its range stick at the limit.
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// A number of column `index`; a negative one counts as zero.
pub(super) fn uint(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(index)?).unwrap_or(0))
}

/// As [`uint`], for counters that never pass 32 bits.
pub(super) fn uint32(row: &Row<'_>, index: usize) -> rusqlite::Result<u32> {
    Ok(u32::try_from(row.get::<_, i64>(index)?).unwrap_or(0))
}

/// JSON text for a column.
pub(super) fn to_json<T: Serialize + ?Sized>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value).map_err(|error| Error::ToSqlConversionFailure(error.into()))
}

/// The JSON text of column `index`.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text)
        .map_err(|error| Error::FromSqlConversionFailure(index, Type::Text, error.into()))
}

/// The JSON text of column `index`, where there is one.
pub(super) fn json_opt<T: DeserializeOwned>(
    row: &Row<'_>,
    index: usize,
) -> rusqlite::Result<Option<T>> {
    let text: Option<String> = row.get(index)?;
    text.map(|text| {
        serde_json::from_str(&text)
            .map_err(|error| Error::FromSqlConversionFailure(index, Type::Text, error.into()))
    })
    .transpose()
}

/// A value of ours that has a fixed text form.
pub(super) fn word<T>(
    row: &Row<'_>,
    index: usize,
    parse: fn(&str) -> Option<T>,
) -> rusqlite::Result<T> {
    let text: String = row.get(index)?;
    parse(&text).ok_or_else(|| {
        Error::FromSqlConversionFailure(index, Type::Text, format!("unknown word {text}").into())
    })
}
