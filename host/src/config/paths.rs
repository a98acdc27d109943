//! Where things are: configuration, state and plugin directories.

use std::path::{Path, PathBuf};

/// The configuration file of a system-wide installation.
const SYSTEM_CONFIG: &str = "/etc/jackfield/jackfield.toml";
/// The state directory of a system-wide installation.
const SYSTEM_STATE: &str = "/var/lib/jackfield";
/// Where distribution packages put plugins.
const SYSTEM_PLUGINS: [&str; 2] =
    ["/usr/local/lib/jackfield/plugins", "/usr/lib/jackfield/plugins"];

/// Where this gateway keeps things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The configuration file, whether it exists or not.
    pub config: PathBuf,
    /// The state directory.
    pub state: PathBuf,
    /// The user's own plugin directory.
    pub user_plugins: PathBuf,
}

impl Paths {
    /// Decides the paths from flags and the environment. A flag wins over `JACKFIELD_CONFIG` and
    /// `JACKFIELD_STATE_DIR`, these over the user's directories, these over the system's; a
    /// configuration below `/etc` brings the system's state directory with it.
    #[must_use]
    pub fn resolve(
        config: Option<PathBuf>,
        state: Option<PathBuf>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let set = |name: &str| env(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let home = set("HOME").unwrap_or_else(|| PathBuf::from("/"));
        let xdg = |name: &str, fallback: &str| {
            set(name).unwrap_or_else(|| home.join(fallback)).join("jackfield")
        };
        let user_config = xdg("XDG_CONFIG_HOME", ".config").join("jackfield.toml");
        let config = config.or_else(|| set("JACKFIELD_CONFIG")).unwrap_or_else(|| {
            let system = Path::new(SYSTEM_CONFIG);
            if !user_config.exists() && system.exists() { system.to_owned() } else { user_config }
        });
        let state = state.or_else(|| set("JACKFIELD_STATE_DIR")).unwrap_or_else(|| {
            if config.starts_with("/etc") {
                PathBuf::from(SYSTEM_STATE)
            } else {
                xdg("XDG_STATE_HOME", ".local/state")
            }
        });
        // Others get these paths, some of them with another working directory.
        let whole = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
        let (config, state) = (whole(config), whole(state));
        let user_plugins = xdg("XDG_DATA_HOME", ".local/share").join("plugins");
        Self { config, state, user_plugins }
    }

    /// The standard plugin directories, the nearest first.
    #[must_use]
    pub fn plugin_dirs(&self) -> Vec<PathBuf> {
        let system = SYSTEM_PLUGINS.iter().map(PathBuf::from);
        std::iter::once(self.user_plugins.clone()).chain(system).collect()
    }

    /// The log file that `logs.tail` reads.
    #[must_use]
    pub fn log_file(&self) -> PathBuf {
        self.state.join("logs").join("gateway.log")
    }

    /// Where a generated token is kept, mode 0600.
    #[must_use]
    pub fn token_file(&self) -> PathBuf {
        self.state.join("gateway.token")
    }
}
