//! `jackfield schema`: writes the generated schemas; the types are the source.

use super::report::Failure;
use crate::schemas;
use std::path::PathBuf;

/// Arguments of `jackfield schema`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory to write into
    #[arg(long, value_name = "DIR", default_value = "schemas")]
    out: PathBuf,
}

/// Writes every schema file.
///
/// # Errors
/// When a file cannot be written.
pub fn run(args: &Args) -> Result<(), Failure> {
    let write = || -> std::io::Result<()> {
        std::fs::create_dir_all(&args.out)?;
        for (name, text) in schemas::files() {
            std::fs::write(args.out.join(name), text)?;
        }
        Ok(())
    };
    write()
        .map_err(|error| Failure::new(format!("cannot write into {}: {error}", args.out.display())))
}
