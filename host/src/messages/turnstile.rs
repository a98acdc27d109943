//! One thing at a time towards one target: what the outbox sends and what shows a growing answer
//! pass here, so that a plugin never has two attempts for one conversation at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};
use tokio::sync::{Mutex as FairMutex, OwnedMutexGuard};

/// A turnstile for each target in use.
#[derive(Default)]
pub(super) struct Turnstiles {
    by_target: Mutex<HashMap<[String; 3], Weak<FairMutex<()>>>>,
}

impl Turnstiles {
    /// Waits for the target to be free and holds it until the guard is dropped.
    pub(super) async fn pass(
        &self,
        channel: &str,
        account: &str,
        lane: &str,
    ) -> OwnedMutexGuard<()> {
        self.of(channel, account, lane).lock_owned().await
    }

    /// Holds the target if it is free now.
    pub(super) fn try_pass(
        &self,
        channel: &str,
        account: &str,
        lane: &str,
    ) -> Option<OwnedMutexGuard<()>> {
        self.of(channel, account, lane).try_lock_owned().ok()
    }

    fn of(&self, channel: &str, account: &str, lane: &str) -> Arc<FairMutex<()>> {
        let name = [channel, account, lane].map(str::to_owned);
        let mut all = self.by_target.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&name).and_then(Weak::upgrade).unwrap_or_else(|| {
            all.retain(|_, one| one.strong_count() > 0);
            let one = Arc::new(FairMutex::new(()));
            all.insert(name, Arc::downgrade(&one));
            one
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Turnstiles;

    #[tokio::test]
    async fn a_target_is_held_by_one_and_others_are_free() {
        let all = Turnstiles::default();
        let held = all.pass("line", "default", "a").await;
        assert!(all.try_pass("line", "default", "a").is_none());
        assert!(all.try_pass("line", "default", "b").is_some());
        drop(held);
        assert!(all.try_pass("line", "default", "a").is_some());
        assert!(all.by_target.lock().unwrap().len() <= 2, "what nobody holds is forgotten");
    }
}
