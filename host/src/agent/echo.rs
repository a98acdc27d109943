//! The built-in backend: answers with what it was told, word by word. Needs nothing.

use super::backend::{Backend, BackendError, Model, Prompt, STEPS_MAX, Step, Usage};
use futures_util::future::BoxFuture;
use std::time::Duration;
use tokio::sync::mpsc;

/// The echo.
#[derive(Clone, Debug)]
pub struct Echo {
    /// Pause before each further word.
    pub pace: Duration,
}

impl Backend for Echo {
    fn run(
        &self,
        prompt: Prompt,
        steps: mpsc::Sender<Step>,
    ) -> BoxFuture<'static, Result<(), BackendError>> {
        let pace = self.pace;
        Box::pin(async move {
            debug_assert!(steps.max_capacity() <= STEPS_MAX, "the queue of steps is bounded");
            let words = prompt.text.split_inclusive(char::is_whitespace);
            let mut count = 0;
            for (n, word) in words.enumerate() {
                if n > 0 && !pace.is_zero() {
                    tokio::time::sleep(pace).await;
                }
                count += 1;
                steps.send(Step::Text(word.to_owned())).await.map_err(|_| BackendError::Unheard)?;
            }
            let usage = Usage { input: count, output: count, total: 2 * count, ..Usage::default() };
            steps.send(Step::Usage(usage)).await.map_err(|_| BackendError::Unheard)
        })
    }

    fn model(&self) -> Model {
        Model {
            id: "echo".to_owned(),
            name: "Echo (built in)".to_owned(),
            provider: "jackfield".to_owned(),
            context_window: Some(32_768),
            reasoning: false,
            available: true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_says_every_word_back_with_its_spaces() {
        let (out, mut steps) = mpsc::channel(STEPS_MAX);
        let prompt = Prompt { text: "a  b\nc".into(), ..Prompt::default() };
        Echo { pace: Duration::ZERO }.run(prompt, out).await.unwrap();
        let mut text = String::new();
        while let Some(step) = steps.recv().await {
            if let Step::Text(word) = step {
                text.push_str(&word);
            }
        }
        assert_eq!(text, "a  b\nc");
    }
}
