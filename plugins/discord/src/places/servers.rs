//! What is known of one server beside its channels: its roles, and which of them are the bot's.

use crate::inbound::wire::{Guild, Role, RoleChange};
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Server {
    name: Option<String>,
    roles: HashMap<String, String>,
    /// The role that Discord made for the bot, and those that people gave it.
    own_roles: Vec<String>,
    /// The first of them, which no change of the bot's roles takes away.
    of_bot: Vec<String>,
}

impl Server {
    pub(super) fn new(guild: &Guild, own: &str) -> Self {
        let mut server = Self { name: guild.name.clone(), ..Self::default() };
        for role in &guild.roles {
            server.take(role, own);
        }
        let given = guild.members.iter().filter(|m| m.user.as_ref().is_some_and(|u| u.id == own));
        server.note_own(given.flat_map(|member| member.roles.iter().cloned()).collect());
        server
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn own_roles(&self) -> &[String] {
        &self.own_roles
    }

    pub(super) fn role_name(&self, role: &str) -> Option<&str> {
        self.roles.get(role).map(String::as_str)
    }

    pub(super) fn note_role(&mut self, change: RoleChange, own: &str) {
        if let Some(role) = &change.role {
            self.take(role, own);
        }
        if let Some(gone) = change.role_id {
            self.roles.remove(&gone);
            self.own_roles.retain(|role| *role != gone);
            self.of_bot.retain(|role| *role != gone);
        }
    }

    pub(super) fn note_own(&mut self, given: Vec<String>) {
        self.own_roles.clone_from(&self.of_bot);
        for role in given {
            if !self.own_roles.contains(&role) {
                self.own_roles.push(role);
            }
        }
    }

    fn take(&mut self, role: &Role, own: &str) {
        if let Some(name) = &role.name {
            self.roles.insert(role.id.clone(), name.clone());
        }
        if role.tags.bot_id.as_deref() == Some(own) && !self.of_bot.contains(&role.id) {
            self.of_bot.push(role.id.clone());
            self.own_roles.push(role.id.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Server;
    use crate::tests::fixture;
    use jackfield_plugin_api::serde_json::{from_value, json};

    #[test]
    fn roles_come_change_and_go() {
        let own = "80351110224678912";
        let mut server = Server::new(&fixture("guild_create"), own);
        assert_eq!(server.own_roles(), ["41771983423143936", "5"]);
        let change = |role| from_value(json!({"guild_id": "1", "role": role})).unwrap();
        server.note_role(change(json!({"id": "6", "name": "Helpers"})), own);
        server.note_own(vec!["6".to_owned()]);
        assert_eq!(server.own_roles(), ["41771983423143936", "6"], "the bot's own role stays");
        assert_eq!(server.role_name("6"), Some("Helpers"));
        let gone = json!({"guild_id": "1", "role_id": "6"});
        server.note_role(from_value(gone).unwrap(), own);
        assert_eq!(server.own_roles(), ["41771983423143936"]);
        assert_eq!(server.role_name("6"), None);
    }
}
