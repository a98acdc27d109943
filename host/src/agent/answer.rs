//! The answer of a run as it grows: its words, its thoughts, and what its tools did.
//!
//! Everything is bounded: a backend that does not stop talking ends its run, and a long result of a
//! tool is kept in part. Must not know: events, storage.

use super::backend::{Step, ToolPhase, ToolStep, Usage};
use serde_json::{Value, json as value};

/// Longest answer, and longest thought, bytes.
const TEXT_MAX: usize = 4 << 20;
/// Calls of tools that are kept with the answer.
const TOOLS_MAX: usize = 200;
/// Characters of a tool's result that are kept with the answer.
const KEPT_CHARS: usize = 16_000;
/// Bytes of what a tool was given or gave that are passed on as they are.
const SHOWN_BYTES: usize = 256 << 10;

/// The answer so far.
#[derive(Default)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) usage: Usage,
    sent: usize,
    thought: String,
    thought_sent: usize,
    /// A tool was used since the last word.
    interrupted: bool,
    tools: Vec<Used>,
}

/// One call of a tool, for the transcript.
#[derive(Debug, PartialEq)]
pub(super) struct Used {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Value,
    /// Its text and whether it failed; absent while it runs.
    pub(super) result: Option<(String, bool)>,
}

/// What a step asks of the run.
#[derive(Debug, PartialEq)]
pub(super) enum Then {
    /// Nothing at once: it is told with the next words.
    Later,
    /// It is told now, after all words so far.
    Tell(ToolStep),
    /// It is remembered with the conversation.
    Remember(String),
    /// The run must end, and why.
    Stop(&'static str),
}

impl Answer {
    pub(super) fn take(&mut self, step: Step) -> Then {
        match step {
            Step::Text(more) => {
                if std::mem::take(&mut self.interrupted)
                    && !self.text.is_empty()
                    && !self.text.ends_with(char::is_whitespace)
                {
                    self.text.push_str("\n\n");
                }
                self.text.push_str(&more);
            }
            Step::Thought(more) => self.thought.push_str(&more),
            Step::Usage(usage) => self.usage = usage,
            Step::KnownAs(id) => return Then::Remember(id),
            Step::Tool(step) => {
                self.interrupted = true;
                self.note(&step);
                return Then::Tell(shown(step));
            }
        }
        if self.text.len() > TEXT_MAX || self.thought.len() > TEXT_MAX {
            return Then::Stop("the answer became too long and was cut off");
        }
        Then::Later
    }

    /// Whether there are words nobody was told yet.
    pub(super) fn waits(&self) -> bool {
        self.sent < self.text.len() || self.thought_sent < self.thought.len()
    }

    /// The thoughts nobody was told yet, with all so far.
    pub(super) fn next_thought(&mut self) -> Option<(&str, &str)> {
        let from = std::mem::replace(&mut self.thought_sent, self.thought.len());
        (from < self.thought.len()).then(|| (self.thought.as_str(), &self.thought[from..]))
    }

    /// The words nobody was told yet, with all so far.
    pub(super) fn next_text(&mut self) -> Option<(&str, &str)> {
        let from = std::mem::replace(&mut self.sent, self.text.len());
        (from < self.text.len()).then(|| (self.text.as_str(), &self.text[from..]))
    }

    /// What was done with tools, in order.
    pub(super) fn tools(&self) -> &[Used] {
        &self.tools
    }

    fn note(&mut self, step: &ToolStep) {
        let room = self.tools.len() < TOOLS_MAX;
        let known = self.tools.iter_mut().rev().find(|used| used.id == step.id);
        match (&step.phase, known) {
            (ToolPhase::Start(arguments), None) if room => {
                self.tools.push(Used {
                    id: step.id.clone(),
                    name: step.name.clone(),
                    arguments: bounded(arguments.clone(), SHOWN_BYTES),
                    result: None,
                });
            }
            (ToolPhase::End { result, failed }, Some(used)) => {
                used.result = Some((text_of(result).chars().take(KEPT_CHARS).collect(), *failed));
            }
            _ => {}
        }
    }
}

fn shown(step: ToolStep) -> ToolStep {
    let phase = match step.phase {
        ToolPhase::Start(arguments) => ToolPhase::Start(bounded(arguments, SHOWN_BYTES)),
        ToolPhase::Update(partial) => ToolPhase::Update(bounded(partial, SHOWN_BYTES)),
        ToolPhase::End { result, failed } => {
            ToolPhase::End { result: bounded(result, SHOWN_BYTES), failed }
        }
    };
    ToolStep { phase, ..step }
}

/// A value as it is, or the beginning of its text when it is too long.
fn bounded(whole: Value, bytes_max: usize) -> Value {
    if whole.to_string().len() <= bytes_max {
        return whole;
    }
    let text: String = text_of(&whole).chars().take(bytes_max / 4).collect();
    value!({"content": [{"type": "text", "text": format!("{text}…")}], "truncated": true})
}

/// The text of a tool's result: its text blocks, or the whole as JSON.
fn text_of(result: &Value) -> String {
    if let Some(text) = result.as_str() {
        return text.to_owned();
    }
    let blocks = result.get("content").and_then(Value::as_array);
    let texts: Vec<&str> =
        blocks.into_iter().flatten().filter_map(|b| b.get("text")?.as_str()).collect();
    if texts.is_empty() { result.to_string() } else { texts.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(phase: ToolPhase) -> Step {
        Step::Tool(ToolStep { id: "1".into(), name: "bash".into(), phase })
    }

    #[test]
    fn words_before_and_after_a_tool_stand_apart() {
        let mut answer = Answer::default();
        answer.take(Step::Text("Let me look.".into()));
        answer.take(tool(ToolPhase::Start(value!({"command": "ls"}))));
        let result = value!({"content": [{"type": "text", "text": "a\nb"}]});
        answer.take(tool(ToolPhase::End { result, failed: false }));
        answer.take(Step::Text("Two files.".into()));
        assert_eq!(answer.text, "Let me look.\n\nTwo files.");
        assert_eq!(answer.tools()[0].result, Some(("a\nb".to_owned(), false)));
        assert_eq!(answer.tools()[0].arguments, value!({"command": "ls"}));
    }

    #[test]
    fn what_is_told_is_told_once() {
        let mut answer = Answer::default();
        answer.take(Step::Text("a".into()));
        assert_eq!(answer.next_text(), Some(("a", "a")));
        assert!(!answer.waits() && answer.next_text().is_none());
        answer.take(Step::Text("b".into()));
        assert_eq!(answer.next_text(), Some(("ab", "b")));
    }

    #[test]
    fn nothing_grows_without_end() {
        let mut answer = Answer::default();
        let huge = value!("x".repeat(2 * SHOWN_BYTES));
        answer.take(tool(ToolPhase::Start(value!({}))));
        let told = answer.take(tool(ToolPhase::End { result: huge, failed: true }));
        let Then::Tell(ToolStep { phase: ToolPhase::End { result, .. }, .. }) = told else {
            panic!("a tool's end is told: {told:?}")
        };
        assert_eq!(result["truncated"], true);
        assert_eq!(answer.tools()[0].result.as_ref().map(|(text, _)| text.len()), Some(KEPT_CHARS));
        let words = "x".repeat(TEXT_MAX);
        assert_eq!(answer.take(Step::Text(words)), Then::Later);
        assert!(matches!(answer.take(Step::Text("y".into())), Then::Stop(_)));
    }
}
