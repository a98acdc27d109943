//! The settings: the table `[channels.telegram]`, one login an account.
//!
//! Keys that are the gateway's pass by unread. Must not know: the network.

use jackfield_plugin_api::{PluginError, id::DEFAULT_ACCOUNT, serde_json::Value};
use reqwest::Url;
use serde::Deserialize;
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// Telegram's own server.
const API_BASE: &str = "https://api.telegram.org";
/// Where Telegram's own server delivers to.
const WEBHOOK_PORTS: [u16; 4] = [443, 80, 88, 8443];

/// The table as it is written.
#[derive(Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    shared: Settings,
    #[serde(default)]
    accounts: BTreeMap<String, Settings>,
    /// The gateway's own keys, read to know what is wanted of Telegram.
    #[serde(flatten)]
    groups: Groups,
}

/// What the gateway listens to in groups. It has checked these keys itself, so nothing here may fail.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Groups {
    group_policy: Value,
    require_mention: Value,
    groups: Value,
}

impl Groups {
    /// Whether messages that address nobody are wanted in some group.
    fn want_all(&self) -> bool {
        let single = self.groups.as_object().into_iter().flat_map(|groups| groups.values());
        let mut asked = std::iter::once(&self.require_mention)
            .chain(single.map(|group| &group["require_mention"]));
        self.group_policy != "disabled" && asked.any(|needed| *needed == false)
    }
}

/// What may stand in the table itself and in each account's; an account inherits what it lacks.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct Settings {
    enabled: Option<bool>,
    bot_token: Option<Secret>,
    api_base: Option<String>,
    proxy: Option<Secret>,
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
    /// The way to the server; may hold a password.
    pub(crate) proxy: Option<Secret>,
    /// Messages of groups that address nobody are wanted.
    pub(crate) wants_all: bool,
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

    /// The server is Telegram's.
    pub(crate) fn is_telegrams_own(&self) -> bool {
        self.api_base == API_BASE
    }

    /// The number before the token's colon: the bot's own id.
    pub(crate) fn bot_id(&self) -> &str {
        self.token.reveal().split(':').next().unwrap_or_default()
    }
}

impl Config {
    /// Every enabled account, checked as far as it can be without asking Telegram.
    pub(crate) fn logins(self) -> Result<Vec<Login>, PluginError> {
        let Self { shared, accounts, groups } = self;
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
        let wants_all = groups.want_all();
        Ok(logins.into_iter().map(|login| Login { wants_all, ..login }).collect())
    }
}

impl Settings {
    fn or(self, shared: &Self) -> Self {
        Self {
            enabled: self.enabled,
            bot_token: self.bot_token.or_else(|| shared.bot_token.clone()),
            api_base: self.api_base.or_else(|| shared.api_base.clone()),
            proxy: self.proxy.or_else(|| shared.proxy.clone()),
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
    let api_base = api_base.trim().trim_end_matches('/').to_owned();
    let Some(address) = address(&api_base, &["https", "http"]) else {
        return wrong("api_base", "must be an address that begins with https:// or http://");
    };
    if address.path().split('/').any(|part| part == "bot" || is_bot_part(part)) {
        return wrong("api_base", "ends before `/bot`: give the server's address alone");
    }
    let proxy = settings.proxy.filter(|proxy| !proxy.reveal().is_empty());
    if proxy.as_ref().is_some_and(|proxy| address_of_proxy(proxy).is_none()) {
        return wrong(
            "proxy",
            "must be an address that begins with http://, https://, socks5:// or socks5h://",
        );
    }
    let webhook = match settings.webhook_url.filter(|url| !url.is_empty()) {
        Some(_) if !is_path_part(&account) => {
            let text = "needs an account whose name has only letters, digits and - _ .";
            return wrong("webhook_url", text);
        }
        Some(url) => match address_of_webhook(&url, api_base == API_BASE) {
            Ok(url) => Some(Webhook {
                url: format!("{url}/{account}"),
                secret: settings.webhook_secret.filter(|secret| !secret.reveal().is_empty()),
            }),
            Err(text) => return wrong("webhook_url", text),
        },
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
    let wants_all = false;
    Ok(Login { account, token, api_base, proxy, wants_all, local_files, webhook, link_preview })
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

fn address(text: &str, schemes: &[&str]) -> Option<Url> {
    Url::parse(text).ok().filter(|url| url.has_host() && schemes.contains(&url.scheme()))
}

fn address_of_proxy(proxy: &Secret) -> Option<Url> {
    address(proxy.reveal(), &["http", "https", "socks5", "socks5h"])
}

/// The beginning of a method's address, such as `bot123:secret`.
fn is_bot_part(part: &str) -> bool {
    part.strip_prefix("bot").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// The address without a slash at its end. Telegram's own server delivers by TLS, to four ports.
fn address_of_webhook(text: &str, telegrams: bool) -> Result<&str, &'static str> {
    let Some(url) = address(text, &["https", "http"]) else {
        return Err("must be the public address of the gateway's `/telegram/`, \
                    such as https://gateway.example.org/telegram");
    };
    if telegrams && url.scheme() != "https" {
        return Err("must begin with https://: Telegram delivers nothing in the clear");
    }
    let port = url.port_or_known_default().unwrap_or_default();
    if telegrams && !WEBHOOK_PORTS.contains(&port) {
        return Err("has a port that Telegram does not deliver to: it takes 443, 80, 88 and 8443");
    }
    Ok(text.trim_end_matches('/'))
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
