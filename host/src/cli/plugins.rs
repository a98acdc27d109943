//! `jackfield plugins`: packages on this machine's disk.

use super::report::Failure;
use crate::plugins::pack::{PackPlan, pack};
use std::path::PathBuf;

/// What can be done with packages.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
    /// Make a package directory: the manifest with the hash of every file, and the files
    Pack {
        /// The author's plugin.toml
        #[arg(long, value_name = "FILE")]
        manifest: PathBuf,
        /// The built library
        #[arg(long, value_name = "FILE")]
        library: PathBuf,
        /// Further files to pack, such as licences (repeatable)
        #[arg(long, value_name = "FILE")]
        extra: Vec<PathBuf>,
        /// Directory to write, usually named after the plugin
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}

/// Runs a verb.
///
/// # Errors
/// What went wrong, by file.
pub fn run(verb: Verb) -> Result<(), Failure> {
    match verb {
        Verb::Pack { manifest, library, extra, out } => {
            let plan = PackPlan { manifest, library, extra, out };
            let packed = pack(&plan).map_err(|error| Failure::new(error.to_string()))?;
            println!("packed {} {} into {}", packed.id, packed.version, plan.out.display());
            Ok(())
        }
    }
}
