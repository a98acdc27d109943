//! The plugin behind `FakeHost`, over real sockets, against a Slack of a few lines (`slack`); the
//! conversions on payloads made from Slack's documentation (`conversions`).
//!
//! Servers that others wrote are met in the plays of the whole gateway.

mod blocks;
mod conversions;
mod gaps;
mod manifest;
mod receiving;
mod requests;
mod routing;
mod sending;
mod sending_files;
mod settings;
mod slack;
mod troubles;
