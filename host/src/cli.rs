//! The command line. Every verb but `gateway` and the hidden ones is a client of the protocol or
//! works on files of its own; none opens the gateway's store.

// What the verbs are made of.
pub mod client;
pub mod pick;
pub mod print;
pub mod reach;
pub mod report;
// The verbs.
pub mod agent;
pub mod call;
pub mod canvas;
pub mod channels;
pub mod completions;
pub mod config;
pub mod cron;
pub mod devices;
pub mod doctor;
pub mod gateway;
pub mod logs;
pub mod message;
pub mod messages;
pub mod nodes;
pub mod plugins;
pub mod qr;
pub mod schema;
pub mod sessions;
pub mod status;

use crate::isolate;
use clap::{Parser, Subcommand};
use report::{Failure, USAGE};
use std::process::ExitCode;

const AFTER: &str = "\
Exit codes:
  0  done                       3  no gateway answers
  1  failed, or not well        4  not paired, or the token is missing or wrong
  2  wrong usage or settings

Verbs that talk to a gateway find this machine's own by its configuration, and its token there or
in its state directory; --url and --token name another. Each is a paired device with a key of its
own, and asks for no more rights than it needs. With --json a verb prints one JSON document, also
when it fails.

JACKFIELD_CONFIG and JACKFIELD_STATE_DIR stand for --config and --state-dir.";

/// A gateway for a personal assistant: small core, every messaging channel a plugin.
#[derive(Debug, Parser)]
#[command(
    name = "jackfield",
    version,
    about,
    after_help = AFTER,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the gateway in the foreground; logs go to standard output
    Gateway(gateway::Args),
    /// Show how the gateway and its channels are; exit code 1 when a channel is down
    Status(status::StatusArgs),
    /// Show the health snapshot, which needs no right
    Health(status::HealthArgs),
    /// Look at everything a gateway needs and say what is wrong
    Doctor(doctor::Args),
    /// Print the gateway's log
    Logs(logs::Args),
    /// Ask the agent, and print its answer as it comes
    Agent(agent::Args),
    /// Send messages on channels
    #[command(subcommand)]
    Message(message::Verb),
    /// See messages that were accepted and could not be worked off
    #[command(subcommand)]
    Messages(messages::Verb),
    /// See conversations, and begin them anew
    #[command(subcommand)]
    Sessions(sessions::Verb),
    /// See channels, and let strangers in who wrote to them
    #[command(subcommand)]
    Channels(channels::Verb),
    /// See, check and reload plugins, and make packages of them
    #[command(subcommand)]
    Plugins(plugins::Verb),
    /// Pair devices with the gateway
    #[command(subcommand)]
    Devices(devices::Verb),
    /// Open the canvas that the agent draws on, and print its address
    Canvas(canvas::Args),
    /// Show a code that pairs a phone, to scan or to type
    Qr(qr::Args),
    /// See nodes and the commands they offer, and run these
    #[command(subcommand)]
    Nodes(nodes::Verb),
    /// Have the gateway do things by the clock
    #[command(subcommand)]
    Cron(cron::Verb),
    /// Make, check, read and change the configuration
    #[command(subcommand)]
    Config(config::Verb),
    /// Call any method of the protocol and print its result
    Call(call::Args),
    /// Print a completion script for a shell
    Completions(completions::Args),
    /// Write the JSON Schemas of the protocol, the manifest and the frames
    Schema(schema::Args),
    /// Host one plugin; the gateway starts this itself
    #[command(name = "__plugin-runner", hide = true)]
    PluginRunner(isolate::RunnerArgs),
}

/// Runs the command line to its end.
#[must_use]
pub fn run() -> ExitCode {
    // Asked before parsing: what cannot be parsed is reported in the same form.
    let as_json = std::env::args_os().any(|word| word == "--json");
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if as_json && error.use_stderr() => {
            let text = error.render().to_string();
            let text = text.trim().trim_start_matches("error: ");
            return report::show(&Failure::new(text).code(USAGE), true);
        }
        Err(error) => error.exit(),
    };
    let done = match cli.command {
        Command::Gateway(args) => gateway::run(args),
        Command::Status(args) => status::status(&args),
        Command::Health(args) => status::health(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Logs(args) => logs::run(&args),
        Command::Agent(args) => agent::run(&args),
        Command::Message(verb) => message::run(&verb),
        Command::Messages(verb) => messages::run(&verb),
        Command::Sessions(verb) => sessions::run(&verb),
        Command::Channels(verb) => channels::run(&verb),
        Command::Plugins(verb) => plugins::run(verb),
        Command::Devices(verb) => devices::run(&verb),
        Command::Canvas(args) => canvas::run(&args),
        Command::Qr(args) => qr::run(&args),
        Command::Nodes(verb) => nodes::run(&verb),
        Command::Cron(verb) => cron::run(&verb),
        Command::Config(verb) => config::run(&verb),
        Command::Call(args) => call::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::PluginRunner(args) => return isolate::run(&args),
    };
    done.map_or_else(|failure| report::show(&failure, as_json), |()| ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound_and_every_verb_says_what_it_does() {
        let mut cli = Cli::command();
        cli.clone().debug_assert();
        cli.build();
        let mut open = vec![&cli];
        while let Some(verb) = open.pop() {
            assert!(verb.get_about().is_some(), "{} says nothing", verb.get_name());
            open.extend(verb.get_subcommands());
        }
    }
}
