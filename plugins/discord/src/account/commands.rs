//! Commands whose users wait for an answer, by channel.

use super::Recent;
use crate::inbound::wire::Interaction;
use jackfield_plugin_api::tokio::time::Instant;
use std::time::Duration;

const CHANNELS_MAX: usize = 256;
/// Discord takes an answer to a command for a quarter of an hour.
const LIFE: Duration = Duration::from_mins(14);

/// A command that somebody waits for an answer to.
#[derive(Clone)]
pub(crate) struct Command {
    id: String,
    pub(crate) application: String,
    /// Answers are signed with it; never print it.
    pub(crate) token: String,
    until: Instant,
}

pub(super) struct Commands {
    /// Channel → the commands used there, oldest first.
    waiting: Recent<Vec<Command>>,
}

impl Default for Commands {
    fn default() -> Self {
        Self { waiting: Recent::new(CHANNELS_MAX) }
    }
}

impl Commands {
    pub(super) fn note(&mut self, channel: &str, interaction: &Interaction) {
        let command = Command {
            id: interaction.id.clone(),
            application: interaction.application_id.clone(),
            token: interaction.token.clone(),
            until: Instant::now() + LIFE,
        };
        match self.waiting.of_mut(channel) {
            Some(waiting) => waiting.push(command),
            None => self.waiting.put(channel, vec![command]),
        }
    }

    /// Takes the command with the number `of`, or the oldest where none is named.
    pub(super) fn take(&mut self, channel: &str, of: Option<&str>) -> Option<Command> {
        let waiting = self.waiting.of_mut(channel)?;
        waiting.retain(|command| command.until > Instant::now());
        let fits = |command: &Command| of.is_none_or(|id| command.id == id);
        let at = waiting.iter().position(fits)?;
        Some(waiting.remove(at))
    }
}

#[cfg(test)]
mod tests {
    use super::Commands;
    use crate::{inbound::wire::Interaction, tests::fixture};

    #[test]
    fn a_reply_answers_its_command_and_anything_else_the_oldest() {
        let mut commands = Commands::default();
        for id in ["1", "2", "3"] {
            let used: Interaction = fixture("interaction_command");
            commands.note("c", &Interaction { id: id.to_owned(), ..used });
        }
        let mut taken = |of| commands.take("c", of).map(|command| command.id);
        assert_eq!(taken(Some("2")).as_deref(), Some("2"));
        assert_eq!(taken(Some("2")), None, "answered, or no command");
        assert_eq!(taken(None).as_deref(), Some("1"));
        assert_eq!(taken(None).as_deref(), Some("3"));
        assert_eq!(taken(None), None);
    }
}
