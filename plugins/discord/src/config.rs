//! The settings: the table `[channels.discord]`, and `[channels.discord.accounts.<name>]` which
//! inherits from it. Keys that are the gateway's pass by unread.
//!
//! Every complaint names the key and the fix, and none repeats a token.

use jackfield_plugin_api::{
    PluginError,
    id::DEFAULT_ACCOUNT,
    serde_json::{Map, Value},
};
use serde::Deserialize;
use std::fmt;

const API_BASE: &str = "https://discord.com";

/// The table as it came; [`Config::accounts`] reads it, so that a complaint can name an account.
#[derive(Deserialize)]
pub(crate) struct Config(Map<String, Value>);

/// What one account needs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) token: Token,
    /// Scheme and host, without a slash at the end.
    pub(crate) api_base: String,
    pub(crate) gateway_url: Option<String>,
    pub(crate) message_content: bool,
    pub(crate) slash_command: Option<String>,
}

/// A bot token. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Token(String);

impl Token {
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[derive(Default, Deserialize)]
struct Keys {
    enabled: Option<bool>,
    bot_token: Option<String>,
    api_base: Option<String>,
    gateway_url: Option<String>,
    message_content: Option<bool>,
    slash_command: Option<String>,
}

impl Config {
    /// The accounts that are on, by name.
    pub(crate) fn accounts(&self) -> Result<Vec<(String, Settings)>, PluginError> {
        let shared = keys(&self.0, "")?;
        let named = match self.0.get("accounts") {
            None => return Ok(vec![(DEFAULT_ACCOUNT.to_owned(), shared.settings(None, "")?)]),
            Some(Value::Object(named)) => named,
            Some(_) => return Err(wrong("/accounts", "must be tables, one for each account")),
        };
        if named.is_empty() {
            return Ok(vec![(DEFAULT_ACCOUNT.to_owned(), shared.settings(None, "")?)]);
        }
        let mut accounts: Vec<(String, Settings)> = Vec::new();
        for (name, table) in named {
            let path = format!("/accounts/{name}");
            let table = table.as_object().ok_or_else(|| wrong(&path, "must be a table"))?;
            let own = keys(table, &path)?;
            if own.enabled == Some(false) {
                continue;
            }
            let settings = own.settings(Some(&shared), &path)?;
            // Discord would tell both of everything, and everything would be answered twice.
            if let Some((other, _)) = accounts.iter().find(|(_, s)| s.token == settings.token) {
                let text = format!("is the token of account `{other}` too: each bot has its own");
                return Err(wrong(&format!("{path}/bot_token"), &text));
            }
            accounts.push((name.clone(), settings));
        }
        Ok(accounts)
    }
}

fn keys(table: &Map<String, Value>, path: &str) -> Result<Keys, PluginError> {
    let text = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(wrong(&format!("{path}/{key}"), "must be a text")),
    };
    let flag = |key: &str| match table.get(key) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(wrong(&format!("{path}/{key}"), "must be true or false")),
    };
    Ok(Keys {
        enabled: flag("enabled")?,
        bot_token: text("bot_token")?,
        api_base: text("api_base")?,
        gateway_url: text("gateway_url")?,
        message_content: flag("message_content")?,
        slash_command: text("slash_command")?,
    })
}

impl Keys {
    fn settings(self, shared: Option<&Keys>, path: &str) -> Result<Settings, PluginError> {
        let none = Keys::default();
        let shared = shared.unwrap_or(&none);
        let api_base = self.api_base.or_else(|| shared.api_base.clone());
        let gateway_url = self.gateway_url.or_else(|| shared.gateway_url.clone());
        let slash_command = self.slash_command.or_else(|| shared.slash_command.clone());
        Ok(Settings {
            token: token(self.bot_token.or_else(|| shared.bot_token.clone()), path)?,
            api_base: api_base.map_or_else(
                || Ok(API_BASE.to_owned()),
                |base| address(&base, &["https", "http"], &format!("{path}/api_base")),
            )?,
            gateway_url: gateway_url
                .map(|url| address(&url, &["wss", "ws"], &format!("{path}/gateway_url")))
                .transpose()?,
            message_content: self.message_content.or(shared.message_content).unwrap_or(true),
            slash_command: slash_command.map(|name| command(name, path)).transpose()?,
        })
    }
}

fn token(token: Option<String>, path: &str) -> Result<Token, PluginError> {
    let path = format!("{path}/bot_token");
    let token = token.unwrap_or_default();
    let bare = token.strip_prefix("Bot ").unwrap_or(&token).trim();
    if bare.is_empty() {
        return Err(wrong(
            &path,
            "is missing: in Discord's Developer Portal open your application, page Bot, press Reset \
             Token and put the token here, best as \"${DISCORD_BOT_TOKEN}\"",
        ));
    }
    let printable = bare.bytes().all(|byte| byte.is_ascii_graphic());
    if !printable {
        return Err(wrong(
            &path,
            "holds spaces or characters that no bot token has: copy it again",
        ));
    }
    Ok(Token(bare.to_owned()))
}

/// An address without what the adapter adds itself.
fn address(text: &str, schemes: &[&str], path: &str) -> Result<String, PluginError> {
    let complaint = || {
        let text = format!("must begin with {}:// and name a host", schemes.join(":// or "));
        wrong(path, &text)
    };
    let url = reqwest::Url::parse(text).map_err(|_| complaint())?;
    if !schemes.contains(&url.scheme()) || url.host_str().is_none() {
        return Err(complaint());
    }
    let bare = text.trim_end_matches('/');
    let versioned = bare.rsplit_once("/api/v").filter(|(_, v)| v.parse::<u8>().is_ok());
    let bare = versioned.map_or(bare, |(bare, _)| bare);
    Ok(bare.trim_end_matches("/api").to_owned())
}

fn command(name: String, path: &str) -> Result<String, PluginError> {
    let fits = (1..=32).contains(&name.len())
        && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-".contains(&c));
    if fits {
        return Ok(name);
    }
    let text = "must be 1 to 32 lower-case letters, digits, _ or -, without the slash";
    Err(wrong(&format!("{path}/slash_command"), text))
}

fn wrong(path: &str, text: &str) -> PluginError {
    PluginError::config(path, text)
}

#[cfg(test)]
mod tests {
    use super::Config;
    use jackfield_plugin_api::serde_json::{Value, from_value, json};

    fn read(table: Value) -> Result<Vec<(String, super::Settings)>, String> {
        let config: Config = from_value(table).unwrap();
        config.accounts().map_err(|error| error.to_string())
    }

    #[test]
    fn one_account_is_called_default() {
        let accounts =
            read(json!({"enabled": true, "dm_policy": "open", "bot_token": "Bot abc.d-e_f "}));
        let [(name, settings)] = &accounts.unwrap()[..] else { panic!("one account") };
        assert_eq!((name.as_str(), settings.token.secret()), ("default", "abc.d-e_f"));
        assert_eq!(settings.api_base, "https://discord.com");
        assert!(settings.message_content && settings.gateway_url.is_none());
    }

    #[test]
    fn accounts_inherit_and_can_be_off() {
        let accounts = read(json!({
            "bot_token": "shared",
            "api_base": "http://127.0.0.1:9/api/v10/",
            "gateway_url": "ws://127.0.0.1:9/gateway/",
            "accounts": {
                "a": {"bot_token": "own", "message_content": false},
                "b": {},
                "c": {"enabled": false, "bot_token": ""},
            },
        }))
        .unwrap();
        let told: Vec<_> = accounts
            .iter()
            .map(|(name, s)| (name.as_str(), s.token.secret(), s.message_content))
            .collect();
        assert_eq!(told, [("a", "own", false), ("b", "shared", true)]);
        assert_eq!(accounts[1].1.api_base, "http://127.0.0.1:9");
        assert_eq!(accounts[1].1.gateway_url.as_deref(), Some("ws://127.0.0.1:9/gateway"));
    }

    #[test]
    fn complaints_name_the_key_and_the_fix_and_no_token() {
        for (table, words) in [
            (json!({}), ["/bot_token", "Reset Token"]),
            (json!({"bot_token": "s3cret with space"}), ["/bot_token", "copy it again"]),
            (json!({"bot_token": "x", "api_base": "discord.com"}), ["/api_base", "https://"]),
            (json!({"bot_token": "x", "gateway_url": "https://h"}), ["/gateway_url", "wss://"]),
            (json!({"bot_token": "x", "slash_command": "/Ask"}), ["/slash_command", "lower-case"]),
            (json!({"bot_token": 7}), ["/bot_token", "text"]),
            (json!({"accounts": {"w": {}}}), ["/accounts/w/bot_token", "missing"]),
            (json!({"accounts": {"w": 1}}), ["/accounts/w", "table"]),
            (
                json!({"bot_token": "x", "accounts": {"a": {}, "b": {}}}),
                ["/accounts/b/bot_token", "`a`"],
            ),
        ] {
            let error = read(table).unwrap_err();
            assert!(words.iter().all(|word| error.contains(word)), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_token_is_never_printed() {
        let accounts = read(json!({"bot_token": "s3cret"})).unwrap();
        assert!(!format!("{accounts:?}").contains("s3cret"));
    }
}
