//! Which operating system a node runs, as far as its own words can be believed.
//!
//! What a node says of itself decides only which commands it may offer at all, so anything odd
//! (look-alike letters, a system that does not fit its device) counts as unknown.

/// Operating systems that the command lists know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// iPhone and iPad.
    Ios,
    /// Apple Watch.
    Watchos,
    /// Android.
    Android,
    /// macOS.
    Macos,
    /// Windows.
    Windows,
    /// Linux.
    Linux,
    /// None of them, or contradictory.
    Unknown,
}

impl Platform {
    /// The word in messages.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Watchos => "watchos",
            Self::Android => "android",
            Self::Macos => "macos",
            Self::Windows => "windows",
            Self::Linux => "linux",
            Self::Unknown => "unknown",
        }
    }

    /// The platform behind a node's `platform` and `deviceFamily`.
    #[must_use]
    pub fn of(platform: &str, family: Option<&str>) -> Self {
        let platform = platform.trim().to_ascii_lowercase();
        let family = family.unwrap_or_default().trim().to_ascii_lowercase();
        if platform.is_empty() {
            return Self::of_family(&family);
        }
        if let Some(exact) = Self::parse(&platform) {
            let fits = exact.fits(&family)
                || (family.is_empty() && matches!(exact, Self::Ios | Self::Android));
            return if fits { exact } else { Self::Unknown };
        }
        match Self::label(&platform) {
            Some(label) if label.fits(&family) => label,
            _ => Self::Unknown,
        }
    }

    fn parse(word: &str) -> Option<Self> {
        let all =
            [Self::Ios, Self::Watchos, Self::Android, Self::Macos, Self::Windows, Self::Linux];
        all.into_iter().find(|p| p.word() == word)
    }

    fn fits(self, family: &str) -> bool {
        Self::of_family(family) == self
    }

    fn of_family(family: &str) -> Self {
        match family {
            "iphone" | "ipad" | "ios" => Self::Ios,
            "apple watch" | "watchos" => Self::Watchos,
            "android" => Self::Android,
            "mac" => Self::Macos,
            "windows" => Self::Windows,
            "linux" => Self::Linux,
            _ => Self::Unknown,
        }
    }

    /// A system's own label, such as `ios 18.1` or `android 15 (sdk 35)`.
    fn label(text: &str) -> Option<Self> {
        let (name, rest) = text.split_once(' ')?;
        match name {
            "ios" | "ipados" if is_version(rest) => Some(Self::Ios),
            "watchos" if is_version(rest) => Some(Self::Watchos),
            "macos" if is_version(rest) => Some(Self::Macos),
            "android" => {
                let (version, sdk) = rest.split_once(" (sdk ").unwrap_or((rest, "0)"));
                let sdk = sdk.strip_suffix(')')?;
                (is_number(version) && is_number(sdk)).then_some(Self::Android)
            }
            _ => None,
        }
    }
}

fn is_version(text: &str) -> bool {
    text.split('.').count() <= 3 && text.split('.').all(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_counts_only_with_a_device_that_fits() {
        for (platform, family, expected) in [
            ("linux", "Linux", Platform::Linux),
            ("linux", "", Platform::Unknown),
            ("macos 15.1", "Mac", Platform::Macos),
            ("iOS 18.4.0", "iPhone", Platform::Ios),
            ("ios", "", Platform::Ios),
            ("ios 18.4", "", Platform::Unknown),
            ("android 15 (sdk 35)", "Android", Platform::Android),
            ("android 15", "Android", Platform::Android),
            ("android 15 (sdk )", "Android", Platform::Unknown),
            ("", "Apple Watch", Platform::Watchos),
            ("linux", "Mac", Platform::Unknown),
            ("lіnux", "Linux", Platform::Unknown),
            ("macos 15.1.2.3", "Mac", Platform::Unknown),
            ("plan9", "", Platform::Unknown),
        ] {
            assert_eq!(Platform::of(platform, Some(family)), expected, "{platform} / {family}");
        }
    }
}
