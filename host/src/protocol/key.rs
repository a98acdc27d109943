//! Conversation keys, called session keys on the wire: `agent:<agent>:<rest>`.
//!
//! Clients compare canonical keys, so every payload carries the canonical form.

/// Longest key accepted, bytes.
pub const KEY_BYTES_MAX: usize = 512;
/// What `main` stands for within an agent.
pub const MAIN: &str = "main";

/// The canonical form of a key a client gave: lower-case agent, aliases resolved. `None` when it
/// is no key: empty, too long, or with control characters.
#[must_use]
pub fn canonical(key: &str, default_agent: &str) -> Option<String> {
    let key = key.trim();
    if key.is_empty() || key.len() > KEY_BYTES_MAX || key.chars().any(char::is_control) {
        return None;
    }
    if key == MAIN {
        return Some(main_key(default_agent));
    }
    if let Some(rest) = key.strip_prefix("agent:") {
        let (agent, rest) = rest.split_once(':')?;
        if agent.is_empty() || rest.is_empty() {
            return None;
        }
        return Some(format!("agent:{}:{rest}", agent.to_ascii_lowercase()));
    }
    if key == "global" || key == "unknown" || key.starts_with("cron:") {
        return Some(key.to_owned());
    }
    Some(format!("agent:{default_agent}:{key}"))
}

/// The agent a canonical key belongs to.
#[must_use]
pub fn agent_of<'a>(key: &'a str, default_agent: &'a str) -> &'a str {
    key.strip_prefix("agent:").and_then(|rest| rest.split(':').next()).unwrap_or(default_agent)
}

/// The main conversation of an agent.
#[must_use]
pub fn main_key(agent: &str) -> String {
    format!("agent:{agent}:{MAIN}")
}

/// What kind of conversation a canonical key names, in the wire's words.
#[must_use]
pub fn kind_of(key: &str) -> &'static str {
    let parts = || key.split(':');
    if key == "global" {
        "global"
    } else if parts().any(|p| p == "group") || parts().any(|p| p == "channel") {
        "group"
    } else if key.starts_with("cron:") || parts().any(|p| p == "cron") {
        "cron"
    } else {
        "direct"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_become_canonical() {
        assert_eq!(canonical("main", "main").as_deref(), Some("agent:main:main"));
        assert_eq!(canonical("agent:MAIN:x:Y", "main").as_deref(), Some("agent:main:x:Y"));
        assert_eq!(canonical("notes-1", "ops").as_deref(), Some("agent:ops:notes-1"));
        assert_eq!(canonical("global", "main").as_deref(), Some("global"));
        assert_eq!(canonical("", "main"), None);
        assert_eq!(canonical("agent::x", "main"), None);
        assert_eq!(canonical("a\nb", "main"), None);
    }

    #[test]
    fn kinds_follow_the_key() {
        assert_eq!(kind_of("agent:main:line:group:7"), "group");
        assert_eq!(kind_of("agent:main:main"), "direct");
        assert_eq!(kind_of("cron:daily"), "cron");
    }
}
