//! A small file of the plugin's own, for what must outlive a crash. Where the gateway gives no folder,
//! nothing is kept, and that is as good as a new beginning.
//!
//! Written whole, beside the old one and over it, so that it is never half.

use jackfield_plugin_api::{
    serde_json::{self, Value},
    tokio::{fs, sync::Mutex},
    tracing,
};
use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

/// Larger ones are not ours.
const BYTES_MAX: u64 = 1 << 20;

pub(crate) struct Kept {
    file: Option<PathBuf>,
    writing: Mutex<()>,
}

impl Kept {
    /// What a thing of an account is kept in.
    pub(crate) fn new(folder: Option<&Path>, thing: &str, account: &str) -> Self {
        let file = folder.map(|folder| folder.join(format!("{thing}-{}.json", as_name(account))));
        Self { file, writing: Mutex::default() }
    }

    /// What was kept last; `Null` for nothing, or nothing of use.
    pub(crate) fn read(&self) -> Value {
        let Some(file) = &self.file else { return Value::Null };
        let fits = std::fs::metadata(file).is_ok_and(|about| about.len() <= BYTES_MAX);
        let bytes = if fits { std::fs::read(file).unwrap_or_default() } else { Vec::new() };
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Keeps what `value` is once it is this one's turn; false when it could not be kept.
    pub(crate) async fn write(&self, value: impl FnOnce() -> Value) -> bool {
        let Some(file) = &self.file else { return false };
        let _turn = self.writing.lock().await;
        let beside = file.with_extension("new");
        let written = async {
            fs::write(&beside, value().to_string()).await?;
            fs::rename(&beside, file).await
        };
        match written.await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "a note cannot be kept");
                false
            }
        }
    }
}

/// Accounts are named as people like, files are not.
fn as_name(account: &str) -> String {
    let mut name = String::new();
    for byte in account.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'_' {
            name.push(char::from(byte));
        } else {
            let _ = write!(name, "%{byte:02x}"); // a String takes every write
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::Kept;
    use jackfield_plugin_api::{
        serde_json::{Value, json},
        testing::run,
    };
    use std::fs;

    #[test]
    fn what_is_kept_is_found_by_the_next_life_of_that_account_alone() {
        run(async {
            let folder = tempfile::tempdir().unwrap();
            let kept = Kept::new(Some(folder.path()), "threads", "a/b");
            assert_eq!(kept.read(), Value::Null);
            assert!(kept.write(|| json!([1])).await && kept.write(|| json!([1, 2])).await);
            assert_eq!(Kept::new(Some(folder.path()), "threads", "a/b").read(), json!([1, 2]));
            assert_eq!(Kept::new(Some(folder.path()), "threads", "ab").read(), Value::Null);
            fs::write(folder.path().join("threads-a%2fb.json"), "[1").unwrap();
            assert_eq!(kept.read(), Value::Null, "half a file is none");
            assert!(!Kept::new(None, "threads", "a").write(|| json!(1)).await);
        });
    }
}
