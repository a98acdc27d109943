//! Slack says that the app was removed, or its token taken back: proves it before the account gives up,
//! for such news may be old, or that of a token which has been replaced.

use crate::account::Workspace;
use jackfield_plugin_api::{link::LinkState, tokio::time::sleep, tracing};
use std::sync::Arc;

/// Slack may take a moment to turn the token away.
const LOOKS: u32 = 4;

pub(super) async fn prove(workspace: Arc<Workspace>) {
    for look in 0..LOOKS {
        match workspace.introduce().await {
            Err(error) if error.is_dead_token() => {
                workspace.end().await;
                let detail = format!("the app was removed from the workspace ({error})");
                workspace.report(LinkState::LoggedOut, detail).await;
                return;
            }
            _ => sleep(workspace.pace.second_look * (1 << look)).await,
        }
    }
    let account = workspace.account.id().as_str();
    tracing::info!(account, "Slack tells of a removal, but the bot token works");
}
