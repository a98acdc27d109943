//! The core of the Jackfield gateway, in reading order. It names no platform.
//!
//! Rooms may use only rooms above them in this list; `host/ARCHITECTURE.md` has the map.

pub mod clock;
pub mod config;
pub mod protocol;
pub mod watch;

pub mod events;
pub mod store;

pub mod canvas;
pub mod devices;
pub mod plugins;

pub mod agent;
pub mod approvals;
pub mod auth;
pub mod isolate;
pub mod messages;
pub mod nodes;
pub mod tls;

pub mod cron;

pub mod methods;

pub mod connection;

pub mod server;

pub mod gateway;

pub mod cli;
pub mod schemas;
