//! The certificate's life: made once, kept, renewed, and never lost to a bad renewal.

use super::*;
use std::fs;

fn own(state: &Path) -> Tls {
    Tls::open(&TlsSection::default(), state, &["localhost".to_owned(), "127.0.0.1".to_owned()])
        .unwrap()
}

#[test]
fn an_own_certificate_is_made_once_and_kept_for_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let state = tempfile::tempdir().unwrap();
    let first = own(state.path()).fingerprint();
    assert!(first.is_some());
    assert_eq!(own(state.path()).fingerprint(), first);
    let key = fs::metadata(state.path().join("tls/key.pem")).unwrap();
    assert_eq!(key.permissions().mode() & 0o077, 0);
    let other = tempfile::tempdir().unwrap();
    assert_ne!(own(other.path()).fingerprint(), first);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let state = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    own(state.path());
    own(other.path());
    let at = |dir: &Path, name: &str| Some(dir.join("tls").join(name));
    let open = |cert, key| Tls::open(&TlsSection { enabled: true, cert, key }, state.path(), &[]);
    let foreign = open(at(state.path(), "cert.pem"), at(other.path(), "key.pem"));
    assert!(matches!(foreign, Err(TlsError::Pair { .. })), "{foreign:?}");
    let empty = state.path().join("empty.pem");
    fs::write(&empty, "nothing\n").unwrap();
    let none = open(Some(empty), at(state.path(), "key.pem"));
    assert!(none.unwrap_err().to_string().contains("empty.pem: holds no certificate"));
    let absent = open(at(state.path(), "absent.pem"), at(state.path(), "key.pem"));
    assert!(absent.unwrap_err().to_string().contains("absent.pem"));
}

#[tokio::test]
async fn a_renewal_is_shown_without_a_restart_and_a_bad_one_is_not() {
    let (state, next) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let tls = own(state.path());
    let (first, second) = (tls.fingerprint(), own(next.path()).fingerprint());
    fs::write(state.path().join("tls/cert.pem"), "half\n").unwrap();
    assert!(tls.reload().is_err());
    assert_eq!(tls.fingerprint(), first);
    let fresh = tls.clone();
    let renewed = async {
        loop {
            // Again and again, for the watch may begin after the first time.
            for name in ["key.pem", "cert.pem"] {
                let (from, to) = (next.path().join("tls"), state.path().join("tls"));
                fs::copy(from.join(name), to.join(name)).unwrap();
            }
            tokio::time::sleep(2 * QUIET).await;
            if tls.fingerprint() == second {
                return;
            }
        }
    };
    tokio::select! {
        ended = fresh.keep_fresh() => panic!("the watch ended: {ended:?}"),
        () = renewed => {}
        () = tokio::time::sleep(Duration::from_mins(1)) => panic!("the renewal was not seen"),
    }
}
