//! What was said before, put before what is said now: for an agent that keeps conversations itself
//! and does not know this one any more.

use super::backend::{Prompt, Said};

/// Characters of the past that are told; the newest count.
const CHARS_MAX: usize = 24_000;

/// The prompt's text, with the conversation so far before it.
pub(super) fn of(prompt: &Prompt) -> String {
    let mut room = CHARS_MAX;
    let mut lines: Vec<String> = prompt
        .history
        .iter()
        .rev()
        .map(line)
        .take_while(|line| {
            let fits = line.chars().count() <= room;
            room = room.saturating_sub(line.chars().count());
            fits
        })
        .collect();
    if lines.is_empty() {
        return prompt.text.clone();
    }
    lines.reverse();
    format!(
        "The conversation so far, which you took part in:\n\n{}\n\nThe message to answer now:\n\n{}",
        lines.join("\n\n"),
        prompt.text
    )
}

fn line(said: &Said) -> String {
    let who = if said.by_agent { "You" } else { "Person" };
    format!("{who}: {}", said.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(history: &[(bool, &str)]) -> Prompt {
        let history = history
            .iter()
            .map(|(by_agent, text)| Said { by_agent: *by_agent, text: (*text).into() });
        Prompt { history: history.collect(), text: "now".into(), ..Prompt::default() }
    }

    #[test]
    fn the_newest_are_told_in_order() {
        assert_eq!(of(&prompt(&[])), "now");
        let long = "x".repeat(CHARS_MAX);
        let text = of(&prompt(&[(false, &long), (false, "a"), (true, "b")]));
        let (a, b) = (text.find("Person: a").expect("told"), text.find("You: b").expect("told"));
        assert!(a < b && !text.contains(&long) && text.ends_with("now"), "{text}");
    }
}
