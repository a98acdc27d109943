//! The page's files, compiled in, each under its path with its type and a tag of its content.
//!
//! The files are the committed output of `web/`; their names never change, so browsers must ask each
//! time whether the content did.

use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::LazyLock};

/// The route's prefix, as in the manifest; also the address of the page.
pub(crate) const PREFIX: &str = "/webchat/";

pub(crate) struct Asset {
    /// Path below [`PREFIX`].
    name: &'static str,
    pub(crate) mime: &'static str,
    pub(crate) bytes: &'static [u8],
    /// Strong entity tag, with its quotes.
    pub(crate) etag: String,
}

macro_rules! asset {
    ($name:literal, $mime:literal) => {
        asset($name, $mime, include_bytes!(concat!("../assets/", $name)))
    };
}

static ASSETS: LazyLock<[Asset; 6]> = LazyLock::new(|| {
    [
        asset!("index.html", "text/html; charset=utf-8"),
        asset!("app.js", "text/javascript; charset=utf-8"),
        asset!("app.css", "text/css; charset=utf-8"),
        asset!("highlight.js", "text/javascript; charset=utf-8"),
        asset!("favicon.svg", "image/svg+xml"),
        asset!("LEGAL.txt", "text/plain; charset=utf-8"),
    ]
});

/// The file at `path`; the prefix itself is the page.
pub(crate) fn find(path: &str) -> Option<&'static Asset> {
    let name = match path.strip_prefix(PREFIX)? {
        "" => "index.html",
        name => name,
    };
    ASSETS.iter().find(|asset| asset.name == name)
}

impl Asset {
    /// How long a browser may keep it: for ever, but it must ask before each use.
    pub(crate) fn cache_control(&self) -> &'static str {
        if self.name == "index.html" { "no-cache" } else { "max-age=0, must-revalidate" }
    }
}

fn asset(name: &'static str, mime: &'static str, bytes: &'static [u8]) -> Asset {
    let mut etag = String::from("\"");
    for byte in &Sha256::digest(bytes)[..16] {
        write!(etag, "{byte:02x}").expect("a string takes everything");
    }
    etag.push('"');
    Asset { name, mime, bytes, etag }
}
