//! The Discord channel: one bot, or several, over the gateway and the REST API.
//!
//! `channel` is what the gateway asks of it. `receive` holds the socket and carries what comes in to
//! the gateway, by way of `inbound` (pure); `deliver` makes attempts of what goes out, by way of
//! `outbound` and `text` (pure). `client` speaks REST, `places` remembers channels, `account` is what
//! the tasks of one bot share, `config` the settings, `error` what can go wrong.
//!
//! Must not know: the Jackfield gateway, beyond the plugin contract.

mod account;
mod channel;
mod client;
mod config;
mod deliver;
mod error;
mod inbound;
mod outbound;
mod places;
mod receive;
#[cfg(test)]
mod tests;
mod text;

use jackfield_plugin_api::export_channel;

export_channel!(channel::Discord, id = "discord");
