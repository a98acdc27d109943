//! What the ordinary tool wrote, and what it would not have.

use super::*;

/// Made by minisign 0.11 with `-G -W` and `-S -W`, over `hello\n`; the second with `-l`.
const PUBLIC: &str = "RWQBGasdQCak5M7XXRzE3SZAbHOd7e95ucLf7d5NrCFMuHWdJWLfGXbP";
const SECRET: &str = "untrusted comment: minisign encrypted secret key\nRWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAARmrHUAmpOSk6gSvJy9i9pRDpon1YiDHDBbYDfVMCMNrjAuc3x5bSs7XXRzE3SZAbHOd7e95ucLf7d5NrCFMuHWdJWLfGXbPAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";
const HASHED: &str = "untrusted comment: signature from minisign secret key\nRUQBGasdQCak5P/ed+lPbhaGL2lFttugBzr6lp5C7cifPK8ZQ+yy5LxMqkxVaCP9zy2GNiUS+aHDwj7aYAdJlhNZSEw7UUx29A0=\ntrusted comment: id=x version=1\ndqgNM18D65T4RCyKCWdQQ0PYJVLN1gX3GFH/1b06+qzE9/UT6cstrxyIBWObutfozyka5TqmoOLZmoHWQi4ECQ==\n";
const LEGACY: &str = "untrusted comment: signature from minisign secret key\nRWQBGasdQCak5ISFlN1fi6rG9c9avB5Xsqv/qYodcL0PuLLc1YpmBwPg4ZI+H6kb905ikEO+sWjZkaVoarj+dRyV0G6ze3zYdAo=\ntrusted comment: timestamp:1795553467\tfile:f\nNPjwStWfcuvyGoZxpw0AMEjAEq2DpvzhukjqAGAxVRplAlPQtAKW5CUdG5vZQ2vBpXtwvx9sa8yp89qxy7heBw==\n";

#[test]
fn what_the_tool_signed_is_verified_in_both_forms() {
    let key = PublicKey::parse(PUBLIC).unwrap();
    assert_eq!(key.id().to_string(), "E4A426401DAB1901");
    for text in [HASHED, LEGACY] {
        let signature = Signature::parse(text).unwrap();
        assert_eq!(signature.verify(&key, b"hello\n"), Ok(()));
        assert_eq!(signature.verify(&key, b"hello"), Err(SignatureError::Mismatch));
    }
    assert_eq!(Signature::parse(HASHED).unwrap().comment(), "id=x version=1");
    assert_eq!(PublicKey::parse(&key.file()), Ok(key));
}

#[test]
fn the_tools_key_signs_here() {
    let secret = SecretKey::parse(SECRET).unwrap();
    assert_eq!(secret.public().line(), PUBLIC);
    assert_eq!(secret.file(), SECRET);
    let signature = secret.sign(b"text", "id=a version=1.0.0").unwrap();
    let read = Signature::parse(&signature.file()).unwrap();
    assert_eq!(read.verify(&secret.public(), b"text"), Ok(()));
    assert!(secret.sign(b"text", "two\nlines").is_err());
}

#[test]
fn a_changed_comment_an_exchanged_algorithm_and_another_key_are_found() {
    let key = PublicKey::parse(PUBLIC).unwrap();
    let verify = |text: &str, key| Signature::parse(text).unwrap().verify(key, b"hello\n");
    let other = HASHED.replace("version=1", "version=2");
    assert_eq!(verify(&other, &key), Err(SignatureError::Mismatch));
    let swapped = HASHED.replace("RUQB", "RWQB");
    assert_eq!(verify(&swapped, &key), Err(SignatureError::Mismatch));
    let stranger = SecretKey::generate().public();
    assert_eq!(verify(HASHED, &stranger), Err(SignatureError::OtherKey(key.id())));
}

#[test]
fn what_is_in_another_form_is_named() {
    for text in ["", "untrusted comment: x\n", "nonsense", "untrusted comment: x\nAAAA\n"] {
        assert!(matches!(PublicKey::parse(text), Err(SignatureError::Form(_))), "{text}");
        assert!(matches!(Signature::parse(text), Err(SignatureError::Form(_))), "{text}");
        assert!(matches!(SecretKey::parse(text), Err(SignatureError::Form(_))), "{text}");
    }
    // The first bytes of a key with a password say `Sc` where an open one has zeros.
    let locked = SECRET.replace("RWQAAEIy", "RWRTY0Iy");
    assert_eq!(SecretKey::parse(&locked).unwrap_err(), SignatureError::Locked);
}
