//! A channel for Jackfield: people write lines over TCP.
//!
//! `channel` is what the gateway asks, `receive` what people say, `config` the settings.

mod channel;
mod config;
mod receive;
#[cfg(test)]
mod tests;

jackfield_plugin_api::export_channel!(channel::Adapter, id = "my-channel");
