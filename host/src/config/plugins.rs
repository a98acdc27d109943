//! `[plugins]`: where plugins are found and how each is run.

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf};

/// `[plugins]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PluginsSection {
    /// Directories that hold plugin packages, beside the standard ones. Naming a directory here
    /// allows unsigned packages in it that the gateway's own user owns.
    pub dirs: Vec<PathBuf>,
    /// When another version that appears in a plugin directory takes over from a running one.
    pub hot_swap: HotSwap,
    /// Seconds for which the version before stands by, ready to go on, after another one took over.
    #[schemars(range(min = 0, max = 86_400))]
    pub probation_s: u64,
    /// Seconds a plugin may take to start.
    #[schemars(range(min = 1, max = 3600))]
    pub start_s: u64,
    /// What packages need that lie elsewhere.
    pub signatures: SignaturePolicy,
    /// Keys whose packages may run.
    pub trust: Vec<KeySection>,
    /// Names of keys (16 hexadecimal digits) and SHA-256 of files that count for nothing any more.
    pub revoked: Vec<String>,
    /// `[plugins.<id>]`
    #[serde(flatten)]
    pub entries: BTreeMap<String, PluginEntry>,
}

impl Default for PluginsSection {
    fn default() -> Self {
        Self {
            dirs: Vec::new(),
            hot_swap: HotSwap::default(),
            probation_s: 60,
            start_s: 30,
            signatures: SignaturePolicy::default(),
            trust: Vec::new(),
            revoked: Vec::new(),
            entries: BTreeMap::new(),
        }
    }
}

/// When another version takes over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HotSwap {
    /// When `jackfield plugins reload` or `upgrade` says so.
    #[default]
    Manual,
    /// As soon as its files have settled, too.
    Auto,
}

/// `[plugins.<id>]`
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PluginEntry {
    /// False keeps the plugin off whatever its channel says.
    pub enabled: Option<bool>,
    /// Where its code runs.
    pub isolation: IsolationSetting,
    /// How much of the sandbox around its process is wanted.
    pub sandbox: SandboxSetting,
    /// The oldest version that may run; without it the newest signed one that ever ran.
    pub version_min: Option<String>,
}

/// What packages need that lie in no directory the operator named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignaturePolicy {
    /// A signature by a trusted key.
    #[default]
    Require,
    /// That, or to belong to root with the whole path to them: what a distribution installs.
    RootOwned,
    /// Nothing; warns at each start.
    Off,
}

/// `[[plugins.trust]]`
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeySection {
    /// The public key, as the second line of its file has it.
    pub key: PublicKeyLine,
    /// Who it is, for people.
    #[serde(default)]
    pub name: String,
    /// Plugins it may sign: ids, in which `*` stands for any letters.
    #[serde(default = "everything")]
    pub ids: Vec<String>,
    /// Its plugins may run inside the gateway.
    #[serde(default)]
    pub may_run_in_process: bool,
}

fn everything() -> Vec<String> {
    vec!["*".to_owned()]
}

/// A public key in minisign's form.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub struct PublicKeyLine(pub String);

impl TryFrom<String> for PublicKeyLine {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64.decode(text.trim()).unwrap_or_default();
        if bytes.len() == 42 && bytes.starts_with(b"Ed") {
            Ok(Self(text.trim().to_owned()))
        } else {
            Err("must be a minisign public key: the line of its .pub file that begins with RW")
        }
    }
}

/// How much of the sandbox around a plugin's process is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SandboxSetting {
    /// What this kernel can do; `jackfield plugins info` shows what holds.
    #[default]
    BestEffort,
    /// All of it, or the plugin does not start.
    Require,
    /// None: it may do what the gateway's own user may do.
    Off,
}

/// Where a plugin's code runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IsolationSetting {
    /// In a child process of its own.
    #[default]
    Process,
    /// Inside the gateway: this code is then part of the gateway.
    InProcess,
}
