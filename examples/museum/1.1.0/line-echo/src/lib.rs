//! The smallest channel that keeps every promise: people type lines into a TCP connection.
//!
//! `config` is its settings, `line` the text protocol (pure), `channel` what the gateway asks of it,
//! `receive` the connections. Read them in that order; the README describes the protocol.
//!
//! Must not know: the gateway, beyond the plugin contract.

mod channel;
mod config;
mod line;
mod receive;

use jackfield_plugin_api::export_channel;

export_channel!(channel::Line, id = "line-echo");
