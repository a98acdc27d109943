//! Telegram by its Bot API.
//!
//! Read in this order: `config` (the table), `channel` (what the gateway asks), `receive` (long
//! polling and webhook), `inbound` (updates → events, pure), `outbound` (things to do → calls,
//! pure), `text` (Markdown → Telegram's HTML, pure), `client` (the API over HTTP), `error` (what its
//! refusals mean).
//!
//! Must not know: the gateway, beyond the plugin contract.

mod channel;
mod client;
mod config;
mod error;
mod inbound;
mod outbound;
mod receive;
#[cfg(test)]
mod tests;
mod text;

use jackfield_plugin_api::export_channel;

export_channel!(channel::Telegram, id = "telegram");
