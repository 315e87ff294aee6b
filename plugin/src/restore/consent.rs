//! What has to be confirmed before a restore begins. What only makes objects takes a yes; what changes or removes objects
//! takes a name, typed: `--yes` does not suffice.

use archive::restore::options::{Existing, Options};
use archive::restore::report::{Counts, Report};

use super::screen;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::human;
use crate::prompt;
use crate::streams::Streams;

/// Flags that confirm.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Confirming")]
#[group(id = "confirming")]
pub struct Flags {
    /// Restore without asking; what changes or removes objects needs --confirm all the same
    #[arg(short, long)]
    pub yes: bool,
    /// The name that would be typed, to confirm that objects are changed or removed: the namespace, or the context
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
}

/// How much has to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Objects are made that do not exist.
    Mild {
        /// How many.
        objects: u64,
    },
    /// Objects are changed or removed.
    Severe {
        /// What happens, in words.
        what: String,
    },
}

/// How grave a restore is: by its plan, or where there is none by what it may do.
#[must_use]
pub fn severity(plan: Option<&Report>, options: &Options) -> Severity {
    let severe = |what: &str| Severity::Severe { what: what.to_owned() };
    match plan.map(Report::counts) {
        Some(Counts { updated: 0, pruned: 0, created, .. }) => Severity::Mild { objects: created },
        Some(Counts { updated, pruned, .. }) => {
            let count = |number: u64, word: &str| {
                let number = usize::try_from(number).unwrap_or(usize::MAX);
                (number > 0).then(|| format!("{} {word}", human::counted(number, "object")))
            };
            let parts: Vec<String> =
                [count(updated, "changed"), count(pruned, "removed")].into_iter().flatten().collect();
            severe(&parts.join(" and "))
        }
        None if options.prune => severe("objects changed and removed"),
        None if options.existing != Existing::Leave => severe("objects changed"),
        None => Severity::Mild { objects: 0 },
    }
}

/// The name that confirms: the one namespace into which all goes, or the context of the kubeconfig.
#[must_use]
pub fn name(plan: Option<&Report>, namespaces: &[String], context: &str) -> String {
    let planned = plan.map(screen::places).unwrap_or_default();
    let mut planned = planned.into_iter();
    match (planned.next(), planned.next(), namespaces) {
        (Some(one), None, _) if !one.is_empty() => one.to_owned(),
        (None, None, [one]) => one.clone(),
        _ => context.to_owned(),
    }
}

impl Flags {
    /// Asks, unless the flags have said it.
    pub async fn given(
        &self,
        severity: &Severity,
        (name, place): (&str, &str),
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let refused = |why: &str, fix: String| {
            Failure::new(Code::NotConfirmed, "not confirmed; nothing was changed").why(why).fix(fix)
        };
        match severity {
            Severity::Mild { .. } if self.yes || self.confirm.as_deref() == Some(name) => Ok(()),
            Severity::Mild { .. } if !prompt::possible(context) => {
                Err(refused("nobody can be asked here", "--yes".into()))
            }
            Severity::Mild { objects } => {
                let objects = usize::try_from(*objects).unwrap_or(usize::MAX);
                let what = if objects == 0 {
                    "what is missing".to_owned()
                } else {
                    human::counted(objects, "object")
                };
                if prompt::confirm(&format!("Restore {what} into {place}?"), (context, &mut *streams)).await?
                {
                    return Ok(());
                }
                streams.story.plain("Nothing was changed.");
                Err(Failure::told(Exit::Usage))
            }
            Severity::Severe { .. } if self.confirm.as_deref() == Some(name) => Ok(()),
            Severity::Severe { what } if self.confirm.is_some() || !prompt::possible(context) => {
                Err(refused(&format!("{what} in {place}"), format!("--confirm {name}")))
            }
            Severity::Severe { what } => {
                let question = format!("{what} in {place}. Type {name} to go on");
                if prompt::line(&question, (context, streams)).await? == name {
                    return Ok(());
                }
                Err(refused("what was typed is another name", format!("--confirm {name}")))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use archive::restore::report::Line;
    use archive::restore::verdict::Verdict;

    use super::*;

    fn line(namespace: Option<&str>, verdict: Verdict) -> Line {
        Line {
            resource: "configmaps".into(),
            namespace: namespace.map(str::to_owned),
            name: "a".into(),
            into: None,
            verdict,
            notes: Vec::new(),
            live: None,
        }
    }

    fn report(lines: Vec<Line>) -> Report {
        Report { lines, warnings: Vec::new() }
    }

    #[test]
    fn what_changes_or_removes_is_severe() {
        let options = Options::default();
        let made = report(vec![line(Some("shop"), Verdict::Create), line(Some("shop"), Verdict::Unchanged)]);
        assert_eq!(severity(Some(&made), &options), Severity::Mild { objects: 1 });
        let changed = report(vec![
            line(Some("shop"), Verdict::Create),
            line(Some("shop"), Verdict::Recreate { changes: Vec::new() }),
            line(Some("shop"), Verdict::Prune),
            line(Some("shop"), Verdict::Prune),
        ]);
        let what = "1 object changed and 2 objects removed".to_owned();
        assert_eq!(severity(Some(&changed), &options), Severity::Severe { what });
        let override_ = Options { existing: Existing::Apply, ..Options::default() };
        assert!(matches!(severity(None, &override_), Severity::Severe { .. }));
        assert!(matches!(severity(None, &options), Severity::Mild { .. }));
    }

    #[test]
    fn the_name_that_confirms_is_that_of_the_one_namespace_or_of_the_context() {
        let shop = || line(Some("shop"), Verdict::Prune);
        assert_eq!(name(Some(&report(vec![shop(), shop()])), &[], "dev"), "shop");
        assert_eq!(name(Some(&report(vec![shop(), line(Some("pay"), Verdict::Prune)])), &[], "dev"), "dev");
        assert_eq!(name(Some(&report(vec![line(None, Verdict::Prune)])), &[], "dev"), "dev");
        assert_eq!(name(None, &["shop".to_owned()], "dev"), "shop");
        assert_eq!(name(None, &[], "dev"), "dev");
    }
}
