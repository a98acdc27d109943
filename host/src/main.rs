//! The `jackfield` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    jackfield::cli::run()
}
