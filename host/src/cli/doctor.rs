//! `jackfield doctor`: looks at everything a gateway needs, and says what to do about what is wrong.

pub mod checks;

use super::{
    print,
    reach::Reach,
    report::{FAILED, Failure},
};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `jackfield doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Changes nothing. Exit code 0 means that nothing is wrong; 1 that something is, with a line that
says what to do about it. A gateway that does not run is nothing wrong.")]
pub struct Args {
    /// Further directory with plugin packages, as given to the gateway (repeatable)
    #[arg(long = "plugin-dir", value_name = "DIR")]
    plugin_dirs: Vec<PathBuf>,
    /// The gateway.
    #[command(flatten)]
    reach: Reach,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Works, but look at it.
    Doubtful,
    /// Will not work.
    Bad,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Doubtful => "warning",
            Self::Bad => "problem",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub check: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// In words.
    pub text: String,
    /// What to do; empty when nothing is to be done.
    pub fix: String,
}

impl Finding {
    /// As it should be.
    pub fn good(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Good, text: text.into(), fix: String::new() }
    }

    /// Works, but.
    pub fn doubtful(check: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Doubtful, text: text.into(), fix: fix.into() }
    }

    /// Will not work.
    pub fn bad(check: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Bad, text: text.into(), fix: fix.into() }
    }

    fn document(&self) -> Value {
        json!({"check": self.check, "state": self.verdict.word(), "text": self.text, "fix": self.fix})
    }
}

/// Looks at everything.
///
/// # Errors
/// Silently, when something is wrong.
pub fn run(args: &Args) -> Result<(), Failure> {
    let paths = args.reach.place.paths();
    let mut findings = checks::configuration(&paths);
    findings.extend(checks::state(&paths.state));
    let (answered, served) = checks::gateway(&args.reach);
    findings.extend(checks::plugins(&paths, &args.plugin_dirs, &served));
    findings.extend(answered);
    let bad = findings.iter().filter(|f| f.verdict == Verdict::Bad).count();
    let document = json!({
        "ok": bad == 0, "problems": bad,
        "checks": findings.iter().map(Finding::document).collect::<Vec<_>>(),
    });
    args.reach.form.show(&document, |_| words(&findings, bad))?;
    if bad == 0 { Ok(()) } else { Err(Failure::told(FAILED)) }
}

fn words(findings: &[Finding], bad: usize) -> String {
    let mut lines = vec![match bad {
        0 => "Nothing is wrong.".to_owned(),
        1 => "One problem.".to_owned(),
        many => format!("{many} problems."),
    }];
    let mut sorted: Vec<&Finding> = findings.iter().collect();
    let rank =
        |f: &&Finding| [Verdict::Bad, Verdict::Doubtful].iter().position(|v| *v == f.verdict);
    sorted.sort_by_key(|f| rank(f).unwrap_or(2));
    for finding in sorted {
        lines.push(format!("{:<8} {}: {}", finding.verdict.word(), finding.check, finding.text));
        lines.extend(finding.fix.lines().map(|fix| format!("         -> {fix}")));
    }
    print::lines(&lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_comes_first_with_its_remedy() {
        let findings = [
            Finding::good("a", "fine"),
            Finding::doubtful("b", "odd", "look"),
            Finding::bad("c", "broken", "mend it"),
        ];
        assert_eq!(
            words(&findings, 1),
            "One problem.\nproblem  c: broken\n         -> mend it\n\
             warning  b: odd\n         -> look\nok       a: fine"
        );
    }
}
