//! The settings: the table `[channels.slack]`. Keys that are the gateway's pass by unread.

use jackfield_plugin_api::{
    PluginError,
    id::{AccountId, DEFAULT_ACCOUNT},
};
use serde::Deserialize;
use std::{collections::BTreeMap, net::IpAddr};

const API_BASE: &str = "https://slack.com/api";
/// Slack allows an app ten connections.
const CONNECTIONS_MAX: usize = 10;

/// What tokens begin with.
const KINDS: [(&str, &str); 7] = [
    ("xoxb-", "a bot token"),
    ("xoxe.xoxb-", "a bot token that expires"),
    ("xoxe.xoxp-", "a user's token that expires"),
    ("xapp-", "an app-level token"),
    ("xoxp-", "a user's token"),
    ("xoxe-", "a refresh token"),
    ("https://", "an address"),
];

/// Text that must not be shown: it has no `Debug` and no `Display`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// The text, for the one place that sends or compares it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

#[derive(Deserialize)]
pub(crate) struct Config {
    bot_token: Option<Secret>,
    app_token: Option<Secret>,
    signing_secret: Option<Secret>,
    api_base: Option<String>,
    num_connections: Option<usize>,
    reply_in_thread: Option<bool>,
    /// Further logins; each takes what it leaves out from the keys above.
    #[serde(default)]
    accounts: BTreeMap<String, Own>,
}

/// The keys of one account.
#[derive(Clone, Default, Deserialize)]
struct Own {
    enabled: Option<bool>,
    bot_token: Option<Secret>,
    app_token: Option<Secret>,
    signing_secret: Option<Secret>,
    api_base: Option<String>,
    num_connections: Option<usize>,
    reply_in_thread: Option<bool>,
}

/// One login, checked.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) account: AccountId,
    pub(crate) bot_token: Secret,
    /// With it events come over Socket Mode.
    pub(crate) app_token: Option<Secret>,
    /// With it events come as requests.
    pub(crate) signing_secret: Option<Secret>,
    /// Without a slash at its end.
    pub(crate) api_base: String,
    pub(crate) num_connections: usize,
    /// A message in a channel begins a thread.
    pub(crate) reply_in_thread: bool,
}

impl Config {
    /// Every login, or what is wrong with which key.
    pub(crate) fn logins(self) -> Result<Vec<Settings>, PluginError> {
        let top = Own {
            enabled: None,
            bot_token: self.bot_token,
            app_token: self.app_token,
            signing_secret: self.signing_secret,
            api_base: self.api_base,
            num_connections: self.num_connections,
            reply_in_thread: self.reply_in_thread,
        };
        if self.accounts.is_empty() {
            return Ok(vec![check(DEFAULT_ACCOUNT, top, "")?]);
        }
        let on = self.accounts.into_iter().filter(|(_, own)| own.enabled != Some(false));
        let checked = on.map(|(name, own)| {
            let path = format!("/accounts/{name}");
            check(&name, own.over(&top), &path)
        });
        let logins: Vec<Settings> = checked.collect::<Result<_, _>>()?;
        once_each(&logins)?;
        Ok(logins)
    }
}

/// Two accounts with one bot token would take every message twice.
fn once_each(logins: &[Settings]) -> Result<(), PluginError> {
    for (index, login) in logins.iter().enumerate() {
        let twin = logins[..index].iter().find(|other| other.bot_token.0 == login.bot_token.0);
        if let Some(twin) = twin {
            let path = format!("/accounts/{}/bot_token", login.account);
            let text = format!(
                "is that of the account `{}` as well; each workspace has a bot token of its own",
                twin.account
            );
            return Err(PluginError::config(path, text));
        }
    }
    Ok(())
}

impl Settings {
    /// Whether both are installations of one Slack app, so that an event of either may come on the
    /// way of the other.
    pub(crate) fn shares_app(&self, other: &Self) -> bool {
        let same = |ours: &Option<Secret>, theirs: &Option<Secret>| {
            ours.is_some()
                && ours.as_ref().map(Secret::reveal) == theirs.as_ref().map(Secret::reveal)
        };
        same(&self.signing_secret, &other.signing_secret)
            || same(&self.app_token, &other.app_token)
            || self.app_of_token().is_some_and(|app| Some(app) == other.app_of_token())
    }

    /// The app that the app-level token names: `xapp-1-A0123ABCD-…`.
    pub(crate) fn app_of_token(&self) -> Option<&str> {
        let app = self.app_token.as_ref()?.0.split('-').nth(2)?;
        let is_id = app.len() >= 9
            && app.starts_with('A')
            && app.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        is_id.then_some(app)
    }
}

impl Own {
    fn over(self, top: &Self) -> Self {
        let top = top.clone();
        Self {
            enabled: self.enabled,
            bot_token: self.bot_token.or(top.bot_token),
            app_token: self.app_token.or(top.app_token),
            signing_secret: self.signing_secret.or(top.signing_secret),
            api_base: self.api_base.or(top.api_base),
            num_connections: self.num_connections.or(top.num_connections),
            reply_in_thread: self.reply_in_thread.or(top.reply_in_thread),
        }
    }
}

fn check(name: &str, own: Own, path: &str) -> Result<Settings, PluginError> {
    let wrong = |key: &str, text: String| PluginError::config(format!("{path}/{key}"), text);
    // A line end that came along from a file would make every call fail.
    let filled = |secret: Option<Secret>| {
        secret.map(|text| Secret(text.0.trim().to_owned())).filter(|text| !text.0.is_empty())
    };
    let Some(bot_token) = filled(own.bot_token) else {
        let text = "is missing: the bot token of your Slack app, xoxb-…, from OAuth & Permissions";
        return Err(wrong("bot_token", text.to_owned()));
    };
    if let Some(kind) = token_kind(&bot_token, &["xoxb-", "xoxe.xoxb-"]) {
        return Err(wrong("bot_token", format!("holds {kind}; a bot token begins with xoxb-")));
    }
    let (app_token, signing_secret) = (filled(own.app_token), filled(own.signing_secret));
    if let Some(kind) = app_token.as_ref().and_then(|token| token_kind(token, &["xapp-"])) {
        return Err(wrong(
            "app_token",
            format!("holds {kind}; an app-level token begins with xapp-"),
        ));
    }
    if app_token.is_none() && signing_secret.is_none() {
        let text = "is missing: give app_token (xapp-…, for Socket Mode) or signing_secret (for the \
                    Events API), or nothing can come in";
        return Err(wrong("app_token", text.to_owned()));
    }
    let api_base = own.api_base.unwrap_or_else(|| API_BASE.to_owned());
    let api_base = api_base.trim_end_matches('/').to_owned();
    if !is_fit(&api_base) {
        let text = format!("`{api_base}` must be https:// (http:// only on this machine)");
        return Err(wrong("api_base", text));
    }
    let num_connections = own.num_connections.unwrap_or(1);
    if !(1..=CONNECTIONS_MAX).contains(&num_connections) {
        let text = format!("must be 1 to {CONNECTIONS_MAX}, as many as Slack allows an app");
        return Err(wrong("num_connections", text));
    }
    Ok(Settings {
        account: name.into(),
        bot_token,
        app_token,
        signing_secret,
        api_base,
        num_connections,
        reply_in_thread: own.reply_in_thread.unwrap_or(true),
    })
}

/// What a token is that does not begin as it should; `None` when it does, or when its kind cannot be
/// told.
fn token_kind(token: &Secret, expected: &[&str]) -> Option<&'static str> {
    if expected.iter().any(|prefix| token.0.starts_with(prefix)) {
        return None;
    }
    KINDS.iter().find(|(prefix, _)| token.0.starts_with(prefix)).map(|(_, kind)| *kind)
}

/// Tokens go there, so the way must be private.
fn is_fit(base: &str) -> bool {
    let Ok(url) = reqwest::Url::parse(base) else { return false };
    let host = url.host_str().unwrap_or_default();
    let bare = url.query().is_none() && url.username().is_empty() && url.password().is_none();
    let private = url.scheme() == "https" || url.scheme() == "http" && is_this_machine(host);
    bare && !host.is_empty() && private
}

/// Whether a host's name or address is this machine's own.
pub(crate) fn is_this_machine(host: &str) -> bool {
    let host = host.trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}
