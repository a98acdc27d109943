//! The contract between the Jackfield gateway and its channel plugins.
//!
//! Two layers live here. The **frozen layer** ([`abi`], [`frame`] and the data they carry) is what
//! both sides promise for the whole of ABI major 1; the gateway depends on it alone. The **author's
//! layer** (feature `sdk`, on by default) turns it into ordinary async Rust: implement `Channel`,
//! write `export_channel!`, ship one file.
//!
//! Must not know: any platform, the gateway's inner life, the WebSocket protocol.
#![cfg_attr(feature = "sdk", doc = "\n---\n")]
#![cfg_attr(feature = "sdk", doc = include_str!("../README.md"))]

pub mod abi;
pub mod attachment;
pub mod error;
pub mod event;
pub mod fetch;
pub mod frame;
pub mod http;
pub mod id;
pub mod link;
pub mod manifest;
pub mod outbound;

#[cfg(feature = "sdk")]
pub mod channel;
#[cfg(feature = "sdk")]
pub mod export;
#[cfg(feature = "sdk")]
pub mod host;
#[cfg(feature = "sdk")]
mod logging;
#[cfg(feature = "sdk")]
mod runtime;
#[cfg(feature = "sdk")]
pub mod testing;

pub use abi_stable;

#[cfg(feature = "sdk")]
pub use {
    channel::{Channel, Outgoing, Resume},
    error::{PluginError, SendError},
    fetch::{Fetch, Fetched, Reconciled},
    host::{Account, Host, HostGone},
    serde_json, tokio, tracing,
};
