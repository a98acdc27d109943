//! One message that grows with the answer: sent once there are words, then edited as often as the
//! platform likes. The last edit is the stored answer's, made by [`crate::messages::delivery`].
//!
//! Only the first chunk of a long answer is shown this way. Drafts are not retried: the next one says
//! more.

use super::{
    Progress,
    shown::{self, Shown},
};
use crate::{
    clock,
    messages::chunk,
    plugins::Attempt,
    store::{StoreError, outbox},
};
use jackfield_plugin_api::{
    error::{FailureClass, SendError},
    id::MessageId,
    outbound::Outbound,
};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// Least time before the first draft and between edits; a quick answer needs none.
const INTERVAL_MIN: Duration = Duration::from_millis(if cfg!(test) { 10 } else { 1000 });
/// Time one draft may take.
const DRAFT_TIME: Duration = Duration::from_secs(10);
/// Longest wait a platform may ask for before drafts are given up.
const WAIT_MAX: Duration = Duration::from_mins(2);

/// What follows a draft.
enum Next {
    After(Duration),
    /// No more drafts; the stored answer follows anyway.
    Enough,
}

impl Progress {
    pub(super) async fn draft_until(&self, over: &CancellationToken) {
        let every = Duration::from_millis(self.facts.limits.edit_interval_ms.into());
        let every = every.max(INTERVAL_MIN);
        let Ok(mut message) = self.found().await else { return };
        let (mut said, mut wait) = (String::new(), every);
        loop {
            tokio::select! {
                biased;
                () = over.cancelled() => return,
                () = tokio::time::sleep(wait) => wait = every,
            }
            let text = self.first_chunk();
            if text.trim().is_empty() || text == said {
                continue;
            }
            let free = self.pipe.turnstiles.pass(&self.channel, self.account(), &self.lane);
            let _free = tokio::select! {
                biased;
                () = over.cancelled() => return,
                free = free => free,
            };
            // Not called off by the end of the run: the last edit must come after this one.
            let next = match &message {
                Some(message) => self.edit(message, &text).await,
                // The parts of an answer pause between each other; nothing begins among them.
                None if self.among_parts().await => continue,
                None => self.begin(&text, &mut message).await.unwrap_or(Next::Enough),
            };
            match next {
                Next::After(more) => wait = every.max(more),
                Next::Enough => return,
            }
            said = text;
        }
    }

    /// Whether the answer before is out in part only.
    async fn among_parts(&self) -> bool {
        let target = [&self.channel, self.account(), &self.lane].map(str::to_owned);
        let halfway = move |c: &rusqlite::Connection| {
            let [channel, account, lane] = &target;
            outbox::halfway(c, channel, account, lane)
        };
        self.pipe.store.read(halfway).await.unwrap_or(true)
    }

    fn first_chunk(&self) -> String {
        let limits = &self.facts.limits;
        let words = self.words();
        let mut chunks = chunk::split(words.trim(), limits.text_max as usize, limits.text_unit);
        chunks.swap_remove(0)
    }

    /// The draft that an earlier attempt at this turn left behind.
    async fn found(&self) -> Result<Option<MessageId>, StoreError> {
        let key = self.key.clone();
        let known = self.pipe.store.read(move |c| shown::get(c, &key)).await?;
        Ok(match known {
            Some(Shown::Draft { message: Some(message), .. }) => Some(message),
            Some(Shown::Draft { asked, text, message: None }) => {
                let found = self.pipe.find_draft(&self.channel, asked, self.message(&text)).await;
                self.note(found.clone(), &text).await?;
                found
            }
            _ => None,
        })
    }

    async fn begin(&self, text: &str, message: &mut Option<MessageId>) -> Result<Next, StoreError> {
        let asked = format!("draft-{}", clock::uuid());
        let begun = Shown::Draft { asked: asked.clone(), text: text.to_owned(), message: None };
        let (key, now_ms) = (self.key.clone(), self.pipe.clock.now_ms());
        self.pipe.store.write(move |c| shown::put(c, &key, &begun, now_ms)).await?;
        let body = self.message(text);
        let attempt = Attempt {
            idem_key: asked.clone(),
            attempt: 1,
            timeout: DRAFT_TIME,
            body: body.clone(),
        };
        let found = match self.pipe.senders.send(&self.channel, attempt).await {
            Ok(receipt) => receipt.message,
            Err(error) => match error.class {
                FailureClass::Retryable => {
                    self.note(None, text).await?;
                    return Ok(after(&error));
                }
                FailureClass::Permanent => None,
                FailureClass::Uncertain | FailureClass::Unknown => {
                    self.pipe.find_draft(&self.channel, asked, body).await
                }
            },
        };
        self.note(found.clone(), text).await?;
        message.clone_from(&found);
        Ok(if found.is_some() { Next::After(Duration::ZERO) } else { Next::Enough })
    }

    /// Keeps the draft's id, or that there is no draft to go on with.
    async fn note(&self, message: Option<MessageId>, text: &str) -> Result<(), StoreError> {
        let (key, now_ms) = (self.key.clone(), self.pipe.clock.now_ms());
        let what = message.map(|message| Shown::Draft {
            asked: String::new(),
            text: text.to_owned(),
            message: Some(message),
        });
        let write = self.pipe.store.write(move |c| match &what {
            Some(what) => shown::put(c, &key, what, now_ms),
            None => shown::forget(c, &key),
        });
        write.await
    }

    async fn edit(&self, message: &MessageId, text: &str) -> Next {
        let body = Outbound::Edit {
            to: self.target.clone(),
            message: message.clone(),
            text: text.to_owned(),
        };
        match self.delivery.signal(&self.channel, body, DRAFT_TIME).await {
            Ok(_) => Next::After(Duration::ZERO),
            Err(error) if error.class == FailureClass::Permanent => Next::Enough,
            Err(error) => after(&error),
        }
    }
}

fn after(error: &SendError) -> Next {
    let wait = Duration::from_millis(error.retry_after_ms.unwrap_or(5_000));
    if wait > WAIT_MAX { Next::Enough } else { Next::After(wait) }
}
