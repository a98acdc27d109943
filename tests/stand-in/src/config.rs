//! The channel's settings, and what this version does wrong.

use serde::Deserialize;
use std::hint::black_box;

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Config {
    /// Address of the platform.
    pub(crate) server: String,
}

/// The letter in the version of this library. Read from memory each time: the harness changes it in
/// the built file, behind the compiler's back.
pub(crate) fn letter() -> char {
    let version: &'static str = black_box(env!("CARGO_PKG_VERSION"));
    version.chars().nth("1.0.0-".len()).unwrap_or('a')
}
