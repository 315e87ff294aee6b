//! What has to be confirmed before a restore begins. What only makes objects takes a yes; what changes or removes objects
//! takes a name, typed: `--yes` does not suffice.

use archive::restore::options::{Existing, Options};
use archive::restore::report::Report;

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

/// How grave a restore is: by its plan, if it is held to that; else also by what it may do. An exact restore is grave
/// whatever its plan.
#[must_use]
pub fn severity(plan: Option<&Report>, options: &Options, held: bool) -> Severity {
    let counts = plan.map(Report::counts).unwrap_or_default();
    let may_do = if held && plan.is_some() { Existing::Leave } else { options.existing };
    let planned: Vec<String> = [(counts.updated, "changed"), (counts.pruned, "removed")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, word)| {
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            format!("{} {word}", human::counted(number, "object"))
        })
        .collect();
    let what = match (planned.is_empty(), options.prune, may_do) {
        (false, _, _) => planned.join(" and "),
        (true, true, _) => "what the snapshot lacks is removed".to_owned(),
        (true, false, Existing::Apply | Existing::Replace) => "what exists is changed".to_owned(),
        (true, false, Existing::Leave) => return Severity::Mild { objects: counts.created },
    };
    Severity::Severe { what }
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
        let leave = Options::default();
        let apply = Options { existing: Existing::Apply, ..Options::default() };
        let exact = Options { existing: Existing::Replace, prune: true, ..Options::default() };
        let made = report(vec![line(Some("shop"), Verdict::Create), line(Some("shop"), Verdict::Unchanged)]);
        let changed = report(vec![
            line(Some("shop"), Verdict::Create),
            line(Some("shop"), Verdict::Recreate { changes: Vec::new() }),
            line(Some("shop"), Verdict::Prune),
            line(Some("shop"), Verdict::Prune),
        ]);
        for (plan, options, held, what) in [
            (Some(&made), &leave, true, None),
            (Some(&made), &leave, false, None),
            (Some(&made), &apply, true, None),
            (Some(&made), &apply, false, Some("what exists is changed")),
            (Some(&made), &exact, true, Some("what the snapshot lacks is removed")),
            (Some(&changed), &exact, true, Some("1 object changed and 2 objects removed")),
            (None, &leave, false, None),
            (None, &apply, true, Some("what exists is changed")),
        ] {
            let found = match severity(plan, options, held) {
                Severity::Mild { .. } => None,
                Severity::Severe { what } => Some(what),
            };
            assert_eq!(found.as_deref(), what);
        }
        assert_eq!(severity(Some(&made), &leave, true), Severity::Mild { objects: 1 });
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
