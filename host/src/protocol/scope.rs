//! Roles and scopes: the words of "may this caller?", without the answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a connection is for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// People and programs that use the gateway.
    Operator,
    /// A device that offers commands to it.
    Node,
}

impl Role {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Node => "node",
        }
    }

    /// Reads the word on the wire.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "operator" => Some(Self::Operator),
            "node" => Some(Self::Node),
            _ => None,
        }
    }
}

/// A right of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Everything an operator can do.
    Admin,
    /// Resolve approvals.
    Approvals,
    /// Pair and unpair devices and senders.
    Pairing,
    /// Answer questions of agents.
    Questions,
    /// See.
    Read,
    /// Talk mode.
    Talk,
    /// Credentials of talk providers.
    TalkSecrets,
    /// Act.
    Write,
}

impl Scope {
    /// Every scope, in the order of their words.
    pub const ALL: [Self; 8] = [
        Self::Admin,
        Self::Approvals,
        Self::Pairing,
        Self::Questions,
        Self::Read,
        Self::Talk,
        Self::TalkSecrets,
        Self::Write,
    ];

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "operator.admin",
            Self::Approvals => "operator.approvals",
            Self::Pairing => "operator.pairing",
            Self::Questions => "operator.questions",
            Self::Read => "operator.read",
            Self::Talk => "operator.talk",
            Self::TalkSecrets => "operator.talk.secrets",
            Self::Write => "operator.write",
        }
    }

    /// Reads the word on the wire; unknown words grant nothing.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == word)
    }

    fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of scopes under implication: admin holds all, write holds read and talk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scopes(u16);

impl Scopes {
    /// No right at all.
    pub const NONE: Self = Self(0);

    /// The set named by `words`; unknown words are skipped.
    pub fn from_words<S: AsRef<str>>(words: &[S]) -> Self {
        Self(words.iter().filter_map(|w| Scope::parse(w.as_ref())).fold(0, |set, s| set | s.bit()))
    }

    /// Whether the set holds `scope`, directly or by implication.
    #[must_use]
    pub fn allows(self, scope: Scope) -> bool {
        self.has(Scope::Admin)
            || self.has(scope)
            || (matches!(scope, Scope::Read | Scope::Talk) && self.has(Scope::Write))
    }

    /// Whether the set names `scope` itself, whatever else implies it.
    #[must_use]
    pub fn holds(self, scope: Scope) -> bool {
        self.has(scope)
    }

    /// Whether every right of `other` is held, directly or by implication.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        Scope::ALL.into_iter().all(|s| !other.has(s) || self.allows(s))
    }

    /// Both sets together.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Rights of both sets that each of them grants, implication included.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        let both = Scope::ALL.into_iter().filter(|s| self.allows(*s) && other.allows(*s));
        Self(both.fold(0, |set, s| set | s.bit()))
    }

    /// The set with what it implies written out, as device records store it: admin adds read and
    /// write, write adds read; sorted.
    #[must_use]
    pub fn normalised(self) -> Self {
        let mut set = self;
        if set.has(Scope::Admin) {
            set.0 |= Scope::Read.bit() | Scope::Write.bit();
        }
        if set.has(Scope::Write) {
            set.0 |= Scope::Read.bit();
        }
        set
    }

    /// Whether no right is held.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The words on the wire, sorted.
    #[must_use]
    pub fn words(self) -> Vec<&'static str> {
        Scope::ALL.into_iter().filter(|s| self.has(*s)).map(Scope::as_str).collect()
    }

    fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |set, s| set | s.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn admin_implies_all_and_write_implies_read() {
        let admin = Scopes::from_words(&["operator.admin"]);
        assert!(Scope::ALL.into_iter().all(|s| admin.allows(s)));
        let write = Scopes::from_words(&["operator.write", "made.up"]);
        assert!(write.allows(Scope::Read) && write.allows(Scope::Talk));
        assert!(!write.allows(Scope::Pairing) && !write.allows(Scope::TalkSecrets));
        assert_eq!(write.normalised().words(), ["operator.read", "operator.write"]);
    }

    #[test]
    fn a_cover_respects_implication() {
        let write = Scopes::from_words(&["operator.write"]);
        let read = Scopes::from_words(&["operator.read"]);
        assert!(write.covers(read) && !read.covers(write));
        assert_eq!(write.intersection(read).words(), ["operator.read"]);
    }
}
