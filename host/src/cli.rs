//! The command line. Every verb but `gateway` and the hidden ones is a client of the protocol or
//! works on files of its own; none opens the gateway's store.

pub mod config;
pub mod gateway;
pub mod plugins;
pub mod report;
pub mod schema;

use crate::isolate;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A gateway for a personal assistant: small core, every messaging channel a plugin.
#[derive(Debug, Parser)]
#[command(
    name = "jackfield",
    version,
    about,
    arg_required_else_help = true,
    propagate_version = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway in the foreground; logs go to standard output
    Gateway(gateway::Args),
    /// Look at plugin packages and make them
    #[command(subcommand)]
    Plugins(plugins::Verb),
    /// Make and check the configuration file
    #[command(subcommand)]
    Config(config::Verb),
    /// Write the JSON Schemas of the protocol, the manifest and the frames
    Schema(schema::Args),
    /// Host one plugin; the gateway starts this itself
    #[command(name = "__plugin-runner", hide = true)]
    PluginRunner(isolate::RunnerArgs),
}

/// Runs the command line to its end.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Gateway(args) => gateway::run(args),
        Command::Plugins(verb) => plugins::run(verb),
        Command::Config(verb) => config::run(verb),
        Command::Schema(args) => schema::run(&args),
        Command::PluginRunner(args) => return isolate::run(&args),
    };
    done.map_or_else(|failure| report::show(&failure), |()| ExitCode::SUCCESS)
}
