//! A channel for plays: its platform is the play, and it misbehaves on command.
//!
//! `config` is its settings, `feed` what comes in, `post` what goes out, `channel` what the gateway
//! asks of it, `rude` everything a plugin must not do, the exported symbol included, since the
//! ordinary one would not let a plugin misuse the gateway's functions. Must not know: the gateway,
//! beyond the plugin contract.

mod channel;
mod config;
mod feed;
mod files;
mod post;
mod rude;
