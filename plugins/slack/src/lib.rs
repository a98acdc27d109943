//! The Slack channel: one Slack app per account, by Socket Mode or the Events API.
//!
//! `config` is its settings, `client` Slack's API (it knows nothing of the gateway), `account` what one
//! login knows and does, `receive` how events come in, `inbound` and `outbound` the conversions (pure
//! but for the files that say otherwise), `text` the markup both ways, `channel` what the gateway asks.
//!
//! Must not know: the gateway, beyond the plugin contract.

mod account;
mod channel;
mod client;
mod config;
mod directory;
mod error;
mod inbound;
mod outbound;
mod receive;
#[cfg(test)]
mod tests;
mod text;

use jackfield_plugin_api::export_channel;

export_channel!(channel::Slack, id = "slack");
