//! `jackfield completions`: completion of verbs and options for a shell.

use super::{Cli, print, report::Failure};
use clap::CommandFactory as _;

/// Arguments of `jackfield completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jackfield completions bash > ~/.local/share/bash-completion/completions/jackfield
  jackfield completions zsh > \"${fpath[1]}/_jackfield\"
  jackfield completions fish > ~/.config/fish/completions/jackfield.fish")]
pub struct Args {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

/// Prints the completion script.
///
/// # Errors
/// As [`print::text`].
pub fn run(args: &Args) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "jackfield", &mut script);
    print::text(&String::from_utf8_lossy(&script))
}
