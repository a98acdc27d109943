//! The settings: the table `[channels.telegram]`, one login an account.
//!
//! Keys that are the gateway's pass by unread. Must not know: the network.

use jackfield_plugin_api::{PluginError, id::DEFAULT_ACCOUNT};
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// Telegram's own server.
const API_BASE: &str = "https://api.telegram.org";

/// The table as it is written.
#[derive(Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    shared: Settings,
    #[serde(default)]
    accounts: BTreeMap<String, Settings>,
}

/// What may stand in the table itself and in each account's; an account inherits what it lacks.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Settings {
    enabled: Option<bool>,
    bot_token: Option<Secret>,
    api_base: Option<String>,
    local_files: Option<PathBuf>,
    webhook_url: Option<String>,
    webhook_secret: Option<Secret>,
    link_preview: Option<bool>,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// One bot.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    /// The account's name.
    pub(crate) account: String,
    /// Its token: a number, a colon, a secret.
    pub(crate) token: Secret,
    /// The server, without a slash at the end.
    pub(crate) api_base: String,
    /// Below this folder a local Bot API server's files may be read.
    pub(crate) local_files: Option<PathBuf>,
    /// Updates come by webhook; without it they are polled.
    pub(crate) webhook: Option<Webhook>,
    /// Links in messages get a preview.
    pub(crate) link_preview: bool,
}

/// Where Telegram delivers to.
#[derive(Clone, Debug)]
pub(crate) struct Webhook {
    /// The whole address of this account.
    pub(crate) url: String,
    /// What Telegram has to say in its header; `None` = one derived from the token.
    pub(crate) secret: Option<Secret>,
}

impl Login {
    /// A setting of this account as the operator would write it, for messages.
    pub(crate) fn setting(&self, key: &str) -> String {
        match self.account.as_str() {
            DEFAULT_ACCOUNT => format!("channels.telegram.{key}"),
            account => format!("channels.telegram.accounts.{account}.{key}"),
        }
    }

    /// The number before the token's colon: the bot's own id.
    pub(crate) fn bot_id(&self) -> &str {
        self.token.reveal().split(':').next().unwrap_or_default()
    }
}

impl Config {
    /// Every enabled account, checked as far as it can be without asking Telegram.
    pub(crate) fn logins(self) -> Result<Vec<Login>, PluginError> {
        let Self { shared, accounts } = self;
        let mut logins: Vec<Login> = Vec::new();
        if accounts.is_empty() {
            logins.push(login(DEFAULT_ACCOUNT.to_owned(), shared, "")?);
        } else {
            for (name, own) in accounts {
                if own.enabled == Some(false) {
                    continue;
                }
                let path = format!("/accounts/{}", name.replace('~', "~0").replace('/', "~1"));
                let login = login(name, own.or(&shared), &path)?;
                // Two pollers of one bot would throw each other out for ever.
                if let Some(other) = logins.iter().find(|l| l.bot_id() == login.bot_id()) {
                    let text = format!(
                        "is the token of the same bot as account `{}`: give each account a bot of \
                         its own",
                        other.account
                    );
                    return Err(PluginError::config(format!("{path}/bot_token"), text));
                }
                logins.push(login);
            }
        }
        if logins.is_empty() {
            let text = "every account is switched off: enable one, or the channel is not needed";
            return Err(PluginError::config("/accounts", text));
        }
        Ok(logins)
    }
}

impl Settings {
    fn or(self, shared: &Self) -> Self {
        Self {
            enabled: self.enabled,
            bot_token: self.bot_token.or_else(|| shared.bot_token.clone()),
            api_base: self.api_base.or_else(|| shared.api_base.clone()),
            local_files: self.local_files.or_else(|| shared.local_files.clone()),
            webhook_url: self.webhook_url.or_else(|| shared.webhook_url.clone()),
            webhook_secret: self.webhook_secret.or_else(|| shared.webhook_secret.clone()),
            link_preview: self.link_preview.or(shared.link_preview),
        }
    }
}

fn login(account: String, settings: Settings, path: &str) -> Result<Login, PluginError> {
    let wrong = |key: &str, text: &str| Err(PluginError::config(format!("{path}/{key}"), text));
    let token = settings.bot_token.filter(|token| !token.reveal().trim().is_empty());
    let Some(token) = token.map(|token| Secret(token.reveal().trim().to_owned())) else {
        return wrong(
            "bot_token",
            "is missing: write to @BotFather on Telegram, /newbot or /token",
        );
    };
    if !is_token(token.reveal()) {
        return wrong("bot_token", "is not a bot's token, which looks like 123456789:AAF3b…");
    }
    let api_base = settings.api_base.unwrap_or_else(|| API_BASE.to_owned());
    let api_base = api_base.trim_end_matches('/').to_owned();
    if !is_web_address(&api_base) {
        return wrong("api_base", "must be an address that begins with https:// or http://");
    }
    if api_base.contains("/bot") {
        return wrong("api_base", "ends before `/bot`: give the server's address alone");
    }
    let webhook = match settings.webhook_url.filter(|url| !url.is_empty()) {
        Some(_) if !is_path_part(&account) => {
            let text = "needs an account whose name has only letters, digits and - _ .";
            return wrong("webhook_url", text);
        }
        Some(url) if is_web_address(&url) => Some(Webhook {
            url: format!("{}/{account}", url.trim_end_matches('/')),
            secret: settings.webhook_secret.filter(|secret| !secret.reveal().is_empty()),
        }),
        Some(_) => {
            let text = "must be the public address of the gateway's `/telegram/`, \
                        such as https://gateway.example.org/telegram";
            return wrong("webhook_url", text);
        }
        None => None,
    };
    let secret = webhook.as_ref().and_then(|webhook| webhook.secret.as_ref());
    if secret.is_some_and(|secret| !is_webhook_secret(secret.reveal())) {
        return wrong("webhook_secret", "takes 1 to 256 of the characters A-Z a-z 0-9 _ and -");
    }
    let local_files = settings.local_files;
    if local_files.as_ref().is_some_and(|folder| !folder.is_absolute()) {
        return wrong("local_files", "must be an absolute path");
    }
    let link_preview = settings.link_preview == Some(true);
    Ok(Login { account, token, api_base, local_files, webhook, link_preview })
}

fn is_token(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    text.split_once(':').is_some_and(|(id, secret)| {
        !id.is_empty()
            && id.bytes().all(|b| b.is_ascii_digit())
            && !secret.is_empty()
            && secret.chars().all(plain)
    })
}

fn is_web_address(text: &str) -> bool {
    ["https://", "http://"].iter().any(|scheme| {
        text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    })
}

fn is_path_part(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
}

fn is_webhook_secret(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=256).contains(&text.len()) && text.bytes().all(plain)
}

#[cfg(test)]
mod tests;
