//! What becomes of the bot itself in a chat. Nobody said it, so it is no event; the operator reads
//! it in the log, with the number that the settings want.

use super::wire::MemberChange;

/// The news in one line; `None` where nothing changed that matters.
pub(super) fn told(change: &MemberChange) -> Option<String> {
    let (id, title) = (change.chat.id, change.chat.title.as_deref().unwrap_or("no title"));
    let (old, new) =
        (change.old_chat_member.status.as_str(), change.new_chat_member.status.as_str());
    let inside = |status: &str| matches!(status, "member" | "administrator" | "restricted");
    if change.chat.kind == "private" {
        let blocked = new == "kicked";
        return blocked.then(|| format!("person {id} blocked the bot"));
    }
    match (inside(old), inside(new)) {
        (false, true) => Some(format!(
            "the bot was added to `{title}`: [channels.telegram.groups.\"{id}\"] lets it listen there"
        )),
        (true, false) => Some(format!("the bot was removed from `{title}` ({id})")),
        (true, true) if new == "restricted" && old != new => {
            Some(format!("the bot's rights in `{title}` ({id}) were restricted"))
        }
        (true, true) if new == "administrator" && old != new => {
            Some(format!("the bot is now an administrator of `{title}` ({id})"))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{MemberChange, told};
    use jackfield_plugin_api::serde_json::{self, json};

    #[test]
    fn the_operator_learns_where_the_bot_is() {
        let line = |kind: &str, old: &str, new: &str| {
            let change = json!({
                "chat": {"id": -100, "type": kind, "title": "Tea"}, "from": {"id": 42}, "date": 1,
                "old_chat_member": {"status": old, "user": {"id": 77}},
                "new_chat_member": {"status": new, "user": {"id": 77}},
            });
            told(&serde_json::from_value::<MemberChange>(change).unwrap())
        };
        let added = line("supergroup", "left", "member").unwrap();
        assert!(added.contains("[channels.telegram.groups.\"-100\"]"), "{added}");
        assert!(line("channel", "kicked", "administrator").unwrap().contains("added"));
        assert!(line("group", "administrator", "kicked").unwrap().contains("removed"));
        assert!(line("group", "member", "administrator").unwrap().contains("administrator"));
        assert!(line("group", "member", "restricted").unwrap().contains("restricted"));
        assert_eq!(line("group", "member", "member"), None);
        assert!(line("private", "member", "kicked").unwrap().contains("blocked"));
        assert_eq!(line("private", "kicked", "member"), None);
    }
}
