//! What the bot token is asked for, and which of it the token lacks.

/// Scopes, with what fails without them.
const SCOPES: [(&str, &str); 16] = [
    ("chat:write", "sending"),
    ("app_mentions:read", "being called in channels"),
    ("channels:history", "reading public channels"),
    ("groups:history", "reading private channels"),
    ("im:history", "reading direct messages"),
    ("mpim:history", "reading group messages"),
    ("im:write", "beginning direct messages"),
    ("users:read", "names of people"),
    ("channels:read", "names of channels"),
    ("groups:read", "names of private channels"),
    ("im:read", "telling direct messages apart"),
    ("mpim:read", "telling group messages apart"),
    ("reactions:read", "seeing reactions"),
    ("reactions:write", "reacting"),
    ("files:read", "receiving files"),
    ("files:write", "sending files"),
];

/// Names of the scopes that are asked for.
#[cfg(test)]
pub(crate) fn asked_for() -> impl Iterator<Item = &'static str> {
    SCOPES.iter().map(|(scope, _)| *scope)
}

/// The scopes that are missing in what Slack granted, a list with commas, and what fails without.
pub(crate) fn lacking(granted: &str) -> Vec<(&'static str, &'static str)> {
    let granted: Vec<&str> = granted.split(',').map(str::trim).collect();
    SCOPES.into_iter().filter(|(scope, _)| !granted.contains(scope)).collect()
}
