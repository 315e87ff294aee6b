//! `restore plan`: what a restore would do to each object, judged by the API server itself. Nothing is changed.

use std::fmt::Write as _;

use archive::restore::report::Report;

use super::planned::{self, Aimed};
use super::selected::Selected;
use crate::commands::lookup;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::look::pager;
use crate::output::Format;
use crate::restore::document::{self, About};
use crate::restore::screen::Manner;
use crate::streams::Streams;

/// Show what a restore would do to each object; nothing is changed
///
/// Every object is sent to the API server as a dry run, in the order in which it would be restored: its admission, webhooks
/// and quotas judge it. Exits with 0 when nothing would change, with 1 when something would, and with 3 when some of it would
/// fail. -v tells of each object and each field.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Output format; name prints what would change
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
    #[command(flatten)]
    selected: Selected,
}

impl Args {
    /// Plans.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let words = self.selected.words()?;
        let cluster = context.cluster().await?;
        let aimed = planned::aimed(&cluster, (&self.selected, &words), (context, &mut *streams)).await?;
        let report = aimed.plan((context, &mut *streams)).await?;
        self.print(&aimed, &report, (context, streams))?;
        match exit_of(&report) {
            Exit::Done => Ok(()),
            exit => Err(Failure::told(exit)),
        }
    }

    fn print(
        &self,
        aimed: &Aimed,
        report: &Report,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let (snapshot, cluster) = (lookup::place(&aimed.aim.snapshot), context.context_name()?);
        let about = About {
            kind: "RestorePlan",
            snapshot: &snapshot,
            context: &cluster,
            as_whom: &aimed.as_whom,
            parameters: &aimed.aim.parameters,
        };
        if let Some(text) = document::formatted(report, about, &self.output)? {
            streams.results.write_all(text.as_bytes())?;
            return Ok(());
        }
        let environment = &context.environment;
        let at_terminal = environment.terminals.output;
        let manner = Manner {
            verbose: context.manner.verbosity > 0 || self.output == Format::Wide,
            width: at_terminal.then(|| usize::from(dialoguer::console::Term::stdout().size().1)),
            coloured: crate::colours(context.manner.color, at_terminal, environment),
            ..Manner::default()
        };
        let mut text = planned::text(&aimed.heading(report, context)?, report, manner);
        if exit_of(report) == Exit::Done {
            text.push('\n');
        } else {
            let command = run_it(&context.words(), &report.plan_id());
            // Writing to a String does not fail.
            let _ = writeln!(text, " · run it:\n  {command}");
        }
        pager::show_coloured(&text, (context, streams))
    }
}

/// How a plan ends: it says whether something would change, and whether some of it would fail.
fn exit_of(report: &Report) -> Exit {
    let counts = report.counts();
    if counts.failed > 0 {
        Exit::Partly
    } else if counts.created + counts.updated + counts.pruned > 0 {
        Exit::Failed
    } else {
        Exit::Done
    }
}

/// The command that does what the plan says: the same words with another verb.
fn run_it(words: &[&str], plan: &str) -> String {
    let mut shown = vec!["kubectl kubestash".to_owned()];
    let mut words = words.iter();
    let mut verb_is_next = false;
    while let Some(word) = words.next() {
        match *word {
            "plan" if verb_is_next => {
                shown.push("create".to_owned());
                shown.push(format!("--plan-id {plan}"));
            }
            // How the plan was shown is nothing to the restore.
            "-o" | "--output" => {
                words.next();
            }
            word if word.starts_with("-o") || word.starts_with("--output=") => {}
            "-v" | "--verbosity" => {}
            word => shown.push(quoted(word)),
        }
        verb_is_next = matches!(*word, "restore" | "restoresession");
    }
    shown.join(" ")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_./:=,~@%+".contains(character);
    if !word.is_empty() && word.chars().all(plain) && !word.starts_with('~') {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use archive::restore::report::Line;
    use archive::restore::verdict::{Problem, ProblemKind, Verdict};

    use super::*;

    #[test]
    fn the_command_that_runs_it_is_the_one_that_was_typed() {
        for (typed, expected) in [
            (
                "restore plan latest~1:deploy/orders --with-references -n shop",
                "kubectl kubestash restore create --plan-id 7c1e latest~1:deploy/orders --with-references -n shop",
            ),
            (
                "-n shop restore plan -v latest -o yaml --add-label a=b",
                "kubectl kubestash -n shop restore create --plan-id 7c1e latest --add-label a=b",
            ),
            ("restore plan plan -ojson", "kubectl kubestash restore create --plan-id 7c1e plan"),
        ] {
            let words: Vec<&str> = typed.split(' ').collect();
            assert_eq!(run_it(&words, "7c1e"), expected);
        }
        assert_eq!(
            run_it(&["restore", "plan", "-l", "a in (b)"], "1"),
            "kubectl kubestash restore create --plan-id 1 -l 'a in (b)'"
        );
    }

    #[test]
    fn the_exit_code_says_what_the_plan_comes_to() {
        let report = |verdicts: Vec<Verdict>| {
            let line = |verdict| Line {
                resource: "pods".into(),
                namespace: None,
                name: "a".into(),
                into: None,
                verdict,
                notes: Vec::new(),
                live: None,
            };
            exit_of(&Report { lines: verdicts.into_iter().map(line).collect(), warnings: Vec::new() })
        };
        let failed =
            || Verdict::Fail { problem: Problem { kind: ProblemKind::Quota, message: String::new() } };
        assert_eq!(report(vec![Verdict::Unchanged, Verdict::Left { changes: Vec::new() }]), Exit::Done);
        assert_eq!(report(vec![Verdict::Create]), Exit::Failed);
        assert_eq!(report(vec![Verdict::Create, failed()]), Exit::Partly);
        assert_eq!(report(vec![failed()]), Exit::Partly);
    }
}
