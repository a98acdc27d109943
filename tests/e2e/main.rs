//! The plays: a real gateway, real libraries, real clients. Each file is one topic.
//!
//! Build first (`cargo build --workspace`), since the gateway's binary is run, not linked;
//! `make test` does.

mod agent;
mod agents;
mod approvals;
mod c_plugin;
mod canvas;
mod channel_discord;
mod channel_slack;
mod channel_telegram;
mod channels;
mod chat;
mod cli;
mod cli_devices;
mod cli_doors;
mod cli_settings;
mod coders;
mod config_rpc;
mod crash;
mod cron;
mod dead_letters;
mod disk;
mod doors;
mod durability;
mod handshake;
mod hostile;
mod models;
mod nodes;
mod openclaw_cli;
mod openclaw_node;
mod openclaw_screens;
mod pairing;
mod plugins;
mod refclient;
mod reload;
mod sandbox;
mod schemas;
mod service;
mod startup;
mod swap;
mod tls;
mod transcripts;
mod walk;
mod webchat;
