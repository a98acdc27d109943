//! `jackfield canvas`: opens the canvas for a person, for as long as the verb runs.

use super::{
    reach::{Reach, Remote},
    report::Failure,
};
use crate::{canvas::SURFACE, protocol::scope::Scope};
use serde_json::json;
use std::time::Duration;

/// Where the folder is, below the address of a capability.
const PAGE: &str = "/__openclaw__/canvas/";
/// How often the connection is used, so that it stays open.
const STAY_EVERY: Duration = Duration::from_secs(10);

/// Arguments of `jackfield canvas`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The address works while this runs, for whoever has it: show it to nobody else. Ctrl+C closes it.
Files come from the folder `canvas` in the gateway's state directory, or from `canvas.root`.")]
pub struct Args {
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// Prints the address and keeps it open.
///
/// # Errors
/// Of the connection, or that there is no canvas.
pub fn run(args: &Args) -> Result<(), Failure> {
    args.reach.with(async |gateway: &mut Remote| {
        let hello = gateway.hello(&[Scope::Read]).await?;
        let Some(corner) = hello["pluginSurfaceUrls"][SURFACE].as_str() else {
            return Err(Failure::new("this gateway shows no canvas")
                .next("turn it on: jackfield config set canvas.enabled true"));
        };
        let url = format!("{corner}{PAGE}");
        args.reach.form.show(&json!({"url": url}), |_| format!("{url}\nOpen until Ctrl+C."))?;
        loop {
            tokio::time::sleep(STAY_EVERY).await;
            gateway.call(&[Scope::Read], "status", json!({})).await?;
        }
    })
}
