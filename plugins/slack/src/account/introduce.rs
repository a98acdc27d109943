//! Who an account is: asked of Slack with the bot token, which proves the token as well.

use super::{Workspace, scopes};
use crate::{error::ApiError, inbound::Me};
use jackfield_plugin_api::{tokio::time::timeout, tracing};
use std::{sync::Arc, time::Duration};

/// How long the question for the app waits; without an answer it stays unknown.
const APP_PATIENCE: Duration = Duration::from_secs(3);

impl Workspace {
    /// Asks Slack who this account is: proof that the bot token works.
    pub(crate) async fn introduce(&self) -> Result<Arc<Me>, ApiError> {
        let (answer, scopes) = self.bot.call_with_scopes("auth.test", &Vec::new()).await?;
        let text = |key: &str| answer[key].as_str().map(str::to_owned);
        let bot = text("bot_id");
        let app = match (text("app_id"), self.me().and_then(|me| me.app.clone())) {
            (None, None) => self.app_of_bot(bot.as_deref()).await,
            (told, known) => told.or(known),
        };
        one_app(app.as_deref(), self.settings.app_of_token())?;
        let me = Arc::new(Me {
            user: text("user_id").unwrap_or_default(),
            bot,
            name: text("user").unwrap_or_default(),
            team: text("team").unwrap_or_default(),
            team_id: text("team_id"),
            organisation: text("enterprise_id").filter(|_| answer["is_enterprise_install"] == true),
            app,
        });
        if let Some(scopes) = scopes {
            self.note_scopes(&scopes);
        }
        self.standing().expires = answer["expires_in"].is_number();
        self.me.send_replace(Some(Arc::clone(&me)));
        Ok(me)
    }

    async fn app_of_bot(&self, bot: Option<&str>) -> Option<String> {
        let form = vec![("bot", bot?.to_owned())];
        let answer = timeout(APP_PATIENCE, self.bot.call("bots.info", &form)).await.ok()?.ok()?;
        answer["bot"]["app_id"].as_str().map(str::to_owned)
    }

    fn note_scopes(&self, granted: &str) {
        let lacking = scopes::lacking(granted);
        let names: Vec<_> = lacking.iter().map(|(scope, _)| *scope).collect();
        {
            let mut standing = self.standing();
            if names == standing.lacking {
                return;
            }
            standing.lacking = names;
        }
        for (scope, what) in lacking {
            let account = self.account.id().as_str();
            tracing::warn!(account, scope, "the bot token lacks a scope: {what}");
        }
    }

    /// What a person should know of the bot token, as a part of a sentence.
    pub(crate) fn remarks(&self) -> String {
        let standing = self.standing();
        let mut remarks = String::new();
        if !standing.lacking.is_empty() {
            let lacking = standing.lacking.join(", ");
            remarks = format!("; the bot token lacks {lacking}: add it and install the app again");
        }
        if standing.expires {
            remarks.push_str(
                "; the bot token expires within hours: token rotation is on for this app",
            );
        }
        remarks
    }
}

/// Whether the bot and the way its events come by belong to one app, as far as that is known.
pub(crate) fn one_app(bot: Option<&str>, events: Option<&str>) -> Result<(), ApiError> {
    match (bot, events) {
        (Some(bot), Some(events)) if bot != events => Err(ApiError::Mixed(format!(
            "bot_token belongs to the app {bot}, and app_token to the app {events}: both must come from \
             the settings of one app"
        ))),
        _ => Ok(()),
    }
}
