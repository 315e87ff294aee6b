//! What could not be done, why, and what to type now: the only way a command fails.

pub mod api;
pub mod code;

use std::fmt::Write as _;
use std::io;

pub use self::code::Code;
use crate::exit::Exit;

/// An error as a person reads it, and the exit code that goes with it.
///
/// `what` is in the user's words and names no type of ours, `why` is one cause, `fix` a command that can be pasted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    blocks: Vec<Block>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Block {
    /// None only for the end that the user wished.
    code: Option<Code>,
    what: String,
    /// Labelled lines below the headline, in order.
    rows: Vec<(String, String)>,
    /// Every cause, outermost first; shown with `-v`.
    chain: Vec<String>,
}

/// A required value that was not given: the flag, what it means, and an example or what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The flag, with its dashes.
    pub flag: &'static str,
    /// What the value means.
    pub meaning: &'static str,
    /// An example, or what exists in the cluster.
    pub hint: String,
}

impl Failure {
    /// A failure of this kind; the kind says how the command ends.
    #[must_use]
    pub fn new(code: Code, what: impl Into<String>) -> Self {
        Self { exit: code.exit(), blocks: vec![Block::new(Some(code), what)] }
    }

    /// A value that was typed and cannot be used: the most frequent kind, [`Code::ValueInvalid`].
    #[must_use]
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(Code::ValueInvalid, what)
    }

    /// The user ended it, by Ctrl-C, by SIGTERM or by an answer: no error, and without an id.
    #[must_use]
    pub fn stopped(exit: Exit, what: impl Into<String>) -> Self {
        Self { exit, blocks: vec![Block::new(None, what)] }
    }

    /// An end that was already told (a failed backup's final frame): nothing more is printed.
    #[must_use]
    pub fn told(exit: Exit) -> Self {
        Self { exit, blocks: Vec::new() }
    }

    /// All required values that are missing, at once.
    #[must_use]
    pub fn missing(missing: &[Missing], because: &str) -> Self {
        let (number, verb) = match missing.len() {
            1 => ("1 required value".to_owned(), "is"),
            many => (format!("{many} required values"), "are"),
        };
        let mut failure = Self::new(Code::ValueMissing, format!("{number} {verb} missing{because}"));
        for Missing { flag, meaning, hint } in missing {
            let text = if hint.is_empty() { (*meaning).to_owned() } else { format!("{meaning}   ({hint})") };
            failure = failure.row(*flag, text);
        }
        failure
    }

    /// Several independent failures, all of which are told; the exit code is the first one's.
    #[must_use]
    pub fn several(failures: Vec<Self>) -> Option<Self> {
        failures.into_iter().reduce(|mut first, next| {
            first.blocks.extend(next.blocks);
            first
        })
    }

    /// The same failure with another exit code.
    #[must_use]
    pub fn ending(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Adds the cause.
    #[must_use]
    pub fn why(self, why: impl Into<String>) -> Self {
        self.row("why", why)
    }

    /// Adds what to do; further lines of the text are aligned below the first.
    #[must_use]
    pub fn fix(self, fix: impl Into<String>) -> Self {
        self.row("fix", fix)
    }

    /// Adds a labelled line.
    #[must_use]
    pub fn row(mut self, label: impl Into<String>, text: impl Into<String>) -> Self {
        if let Some(block) = self.blocks.last_mut() {
            block.rows.push((label.into(), text.into()));
        }
        self
    }

    /// Adds the whole chain of causes, shown with `-v`.
    #[must_use]
    pub fn chain(mut self, error: &dyn std::error::Error) -> Self {
        if let Some(block) = self.blocks.last_mut() {
            let mut next = Some(error);
            while let Some(error) = next {
                block.chain.push(error.to_string());
                next = error.source();
            }
        }
        self
    }

    /// How the process ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// Whether nothing is left to be said.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Which kind it is; of several, the first.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.blocks.first().and_then(|block| block.code)
    }

    /// The headline, for a caller that puts this failure into a larger story.
    #[must_use]
    pub fn what(&self) -> &str {
        self.blocks.first().map_or("", |block| &block.what)
    }

    /// The labelled lines of the first block.
    pub fn rows(&self) -> impl Iterator<Item = (&str, &str)> {
        self.blocks
            .iter()
            .take(1)
            .flat_map(|block| block.rows.iter().map(|(label, text)| (&**label, &**text)))
    }

    /// The text for standard error.
    #[must_use]
    pub fn render(&self, verbose: bool) -> String {
        let mut text = String::new();
        for (index, block) in self.blocks.iter().enumerate() {
            if index > 0 {
                text.push('\n');
            }
            block.render(&mut text, verbose);
        }
        text
    }
}

impl Block {
    fn new(code: Option<Code>, what: impl Into<String>) -> Self {
        Self { code, what: what.into(), rows: Vec::new(), chain: Vec::new() }
    }

    fn render(&self, text: &mut String, verbose: bool) {
        let prefix = if self.code.is_some() { "error: " } else { "" };
        let _ = writeln!(text, "{prefix}{}", self.what);
        let width = self.rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0).max(4);
        for (label, row) in &self.rows {
            let mut label = label.as_str();
            for line in row.lines() {
                let _ = writeln!(text, "  {label:width$}  {line}");
                label = "";
            }
        }
        if let Some(code) = self.code {
            let _ = writeln!(text, "  {:width$}  {}  {}", "docs", code.id(), code.docs());
        }
        if verbose {
            for cause in self.chain.iter().skip(1) {
                let _ = writeln!(text, "  {:width$}  {cause}", "from");
            }
        }
    }
}

/// A reader that closed its end has what it wanted: that is success. Any other failed write is a failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::told(Exit::Done);
        }
        Self::new(Code::OutputLost, "could not write the output").why(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_and_fix_with_aligned_lines() {
        let failure = Failure::new(
            Code::StorageNotAllowed,
            "namespace \"web\" may not use BackupStorage backups/minio",
        )
        .why("its spec.usagePolicy.allowedNamespaces.from is \"Same\"")
        .fix("kubectl edit backupstorage minio -n backups\nor use another storage:  --storage web/NAME");
        assert_eq!(
            failure.render(false),
            "error: namespace \"web\" may not use BackupStorage backups/minio\n  \
             why   its spec.usagePolicy.allowedNamespaces.from is \"Same\"\n  \
             fix   kubectl edit backupstorage minio -n backups\n        \
             or use another storage:  --storage web/NAME\n  \
             docs  KS023  https://github.com/kubestash-rs/kubestash/blob/HEAD/docs/errors.md#ks023\n"
        );
        assert_eq!(failure.exit(), Exit::Cluster);
    }

    #[test]
    fn all_missing_values_are_named_at_once() {
        let missing = [
            Missing {
                flag: "--storage",
                meaning: "BackupStorage to write to",
                hint: "found: backups/minio".into(),
            },
            Missing { flag: "--target", meaning: "what to back up", hint: "example: deploy/orders".into() },
        ];
        assert_eq!(
            without_docs(&Failure::missing(&missing, "")),
            "error: 2 required values are missing\n  \
             --storage  BackupStorage to write to   (found: backups/minio)\n  \
             --target   what to back up   (example: deploy/orders)\n"
        );
    }

    #[test]
    fn a_broken_pipe_is_success() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit(), failure.render(false)), (Exit::Done, String::new()));
    }

    #[test]
    fn an_interruption_is_no_error() {
        let failure = Failure::stopped(Exit::Interrupted, "stopped watching; the run goes on");
        assert_eq!(failure.render(false), "stopped watching; the run goes on\n");
    }

    #[test]
    fn the_chain_of_causes_is_shown_only_when_asked_for() {
        let cause = io::Error::other("connection refused");
        let failure =
            Failure::new(Code::ClusterUnreachable, "cannot reach the cluster").chain(&Wrapped(cause));
        assert!(!failure.render(false).contains("from"));
        assert!(failure.render(true).ends_with("\n  from  connection refused\n"), "{}", failure.render(true));
    }

    #[test]
    fn of_several_failures_each_names_its_id_and_the_first_decides_the_exit_code() {
        let failures = vec![Failure::usage("one"), Failure::new(Code::ObjectMissing, "two")];
        let failure = Failure::several(failures).unwrap();
        let text = failure.render(false);
        assert!(text.contains("  docs  KS081  ") && text.contains("  docs  KS060  "), "{text}");
        assert_eq!((failure.exit(), failure.code()), (Exit::Usage, Some(Code::ValueInvalid)));
    }

    fn without_docs(failure: &Failure) -> String {
        failure
            .render(false)
            .lines()
            .filter(|line| !line.starts_with("  docs"))
            .fold(String::new(), |text, line| text + line + "\n")
    }

    #[derive(Debug)]
    struct Wrapped(io::Error);
    impl std::fmt::Display for Wrapped {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("outer")
        }
    }
    impl std::error::Error for Wrapped {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }
}
