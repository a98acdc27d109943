//! The life of a plugin's code, as one enum and its legal moves.
//!
//! The platform's life is another enum ([`LinkState`](jackfield_plugin_api::link::LinkState)): a
//! running plugin may have lost its platform. Must not know: why a move happens.

use serde::Serialize;

/// Where a plugin stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PluginState {
    /// On disk, not enabled: not opened, not running.
    Installed,
    /// Will not run until its files or settings change, or a restart is asked for.
    Refused,
    /// Being staged, loaded or started.
    Starting,
    /// Said `ready`; takes work.
    Running,
    /// Ended against its will; the next start is scheduled.
    Restarting,
    /// Ended too often in a short time, or the gateway with it; still tried, at the longest interval.
    Quarantined,
    /// Ended on purpose.
    Stopped,
}

impl PluginState {
    /// Whether a plugin may go from here to `next`.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use PluginState::{
            Installed, Quarantined, Refused, Restarting, Running, Starting, Stopped,
        };
        match self {
            Installed => matches!(next, Starting | Refused | Quarantined | Stopped),
            Stopped => matches!(next, Starting | Refused | Stopped),
            Refused | Restarting | Quarantined => matches!(next, Starting | Stopped),
            Starting => matches!(next, Running | Refused | Restarting | Quarantined | Stopped),
            Running => matches!(next, Restarting | Quarantined | Stopped),
        }
    }

    /// Whether a short wait cannot find it running.
    #[must_use]
    pub fn is_down(self) -> bool {
        matches!(self, Self::Refused | Self::Quarantined | Self::Stopped)
    }
}

#[cfg(test)]
mod tests {
    use super::PluginState::{
        self, Installed, Quarantined, Refused, Restarting, Running, Starting, Stopped,
    };

    const ALL: [PluginState; 7] =
        [Installed, Refused, Starting, Running, Restarting, Quarantined, Stopped];

    #[test]
    fn running_is_only_reached_by_starting() {
        for state in ALL {
            assert_eq!(state.may_become(Running), state == Starting, "{state:?}");
        }
    }

    #[test]
    fn nothing_becomes_merely_installed_again() {
        assert!(ALL.iter().all(|state| !state.may_become(Installed)));
    }

    #[test]
    fn every_state_but_installed_can_be_left_by_stopping() {
        assert!(ALL.iter().all(|state| state.may_become(Stopped)));
    }
}
