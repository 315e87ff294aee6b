//! The questions about a policy, and the flags that their answers are.

use std::sync::Arc;

use crds::retention_period::RetentionPeriod;
use crds::storage::RetentionPolicy;
use jiff::Timestamp;
use kube::ResourceExt as _;

use super::{Args, SAME};
use crate::ask::{Answer, Choice, Question};
use crate::context::Context;
use crate::failure::Failure;
use crate::setup;
use crate::setup::retention::preview::{self, RHYTHMS};
use crate::setup::retention::{Flags, PRESETS};
use crate::streams::Streams;
use crate::wizard::Dialogue;
use crate::wizard::facts::Facts;

/// A question about a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Preset,
    Rules,
    Name,
    Age,
    Use,
}

const ORDER: [Step; 5] = [Step::Preset, Step::Rules, Step::Name, Step::Age, Step::Use];

/// The answers.
#[derive(Clone, Debug)]
pub struct Draft {
    pub args: Args,
    facts: Arc<Facts>,
    now: Timestamp,
    /// Also what has a default is asked.
    full: bool,
    /// The rules are written, rather than chosen.
    writes: bool,
    /// Proposed, unless a name was typed.
    name: &'static str,
    done: Vec<Step>,
}

impl Draft {
    /// What was typed. `full` asks also what has a default.
    #[must_use]
    pub fn new(args: Args, facts: Arc<Facts>, now: Timestamp, full: bool) -> Self {
        Self { args, facts, now, full, writes: false, name: "retention", done: Vec::new() }
    }

    fn applies(&self, step: Step) -> bool {
        let args = &self.args;
        match step {
            Step::Preset => !args.keep.any() && !self.writes,
            Step::Rules => !args.keep.any() && self.writes,
            Step::Name => args.name.is_none(),
            Step::Age => self.full && args.keep.max_retention.is_none(),
            Step::Use => self.full && args.allow_namespaces == SAME && !args.is_default,
        }
    }

    fn question(&self, step: Step) -> Question {
        match step {
            Step::Preset => {
                let known =
                    PRESETS.iter().map(|preset| Choice::new(preset.label, self.told(&preset.flags())));
                let mut choices: Vec<Choice> = known.collect();
                choices.push(Choice::new("something else…", "rules that you write"));
                let help = "Of each of the last days, weeks and months that have a backup the newest one is kept; a \
                            backup that no rule keeps is removed. The newest backup always counts for all of them.";
                Question::menu("How long are backups kept?", help, choices, 0)
            }
            Step::Rules => {
                let help = "Numbers and words: last, hourly, daily, weekly, monthly, yearly, failed. 24 hourly keeps one \
                            backup of each of the last 24 hours that have one, 5 last the newest 5.";
                Question::line("Rules", help, "24 hourly, 7 daily, 4 weekly")
            }
            Step::Name => {
                let help = "What backups say in --retention.";
                Question::line("Name", help, self.free_name())
            }
            Step::Age => {
                let help = "What is older is removed even if a rule keeps it, for example after 90d or 1y6mo. Units are \
                            y, mo, w, d, h and m. Say none for no limit.";
                Question::line("At most how old?", help, "none")
            }
            Step::Use => {
                let here = &self.facts.namespace;
                let default = match self.default_policy() {
                    Some(other) => format!("there is one already: {other}"),
                    None => "also of backups that name no policy".into(),
                };
                let choices = vec![
                    Choice::new(format!("backups in {here}"), "those that name it"),
                    Choice::new(format!("the default in {here}"), default),
                    Choice::new("backups in all namespaces", "those that name it"),
                ];
                let help =
                    "A policy is used by the backups that name it, and the default by those that name none.";
                Question::menu("Who uses it?", help, choices, 0)
            }
        }
    }

    /// The rules, and what they come to with a backup a day.
    fn told(&self, flags: &Flags) -> String {
        let kept = preview::kept(flags, RHYTHMS[1].0, self.now).map(preview::Kept::spoken);
        format!("{}: {}", flags.spoken(), kept.unwrap_or_default())
    }

    /// Another policy that is the default.
    fn default_policy(&self) -> Option<String> {
        let other = self.facts.policies.iter().find(|policy| {
            policy.spec.default && Some(policy.name_any().as_str()) != self.args.name.as_deref()
        });
        other.map(kube::ResourceExt::name_any)
    }

    /// A name that no policy has.
    fn free_name(&self) -> String {
        let taken = |name: &str| self.facts.policies.iter().any(|policy| policy.name_any() == name);
        let numbered = (2..).map(|number| format!("{}-{number}", self.name));
        std::iter::once(self.name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    }

    /// The policy of the typed name that is there already.
    #[must_use]
    pub fn existing(&self) -> Option<&RetentionPolicy> {
        let name = self.args.name.as_deref()?;
        self.facts.policies.iter().find(|policy| policy.name_any() == name)
    }

    /// What the policy comes to, a line per rhythm of backups.
    #[must_use]
    pub fn preview(&self) -> Vec<String> {
        let lines = RHYTHMS.iter().filter_map(|(pause, rhythm)| {
            let kept = preview::kept(&self.args.keep, *pause, self.now)?;
            Some(format!("  {rhythm:18}  {}", kept.spoken()))
        });
        lines.collect()
    }

    fn text(&mut self, step: Step, text: &str) -> Result<(), String> {
        match step {
            Step::Rules => {
                let flags = Flags::from_spoken(text)?;
                // A policy must say something about backups that succeeded.
                let checked = flags.spec().map_err(|failure| failure.what().to_owned());
                checked?;
                self.args.keep = flags;
            }
            Step::Name if !setup::is_name(text) => {
                return Err(format!("\"{text}\" is no name; names have lower-case letters, digits, - and ."));
            }
            Step::Name => self.args.name = Some(text.to_owned()),
            Step::Age if text.is_empty() || text == "none" => {}
            Step::Age => {
                let period: RetentionPeriod = text
                    .parse()
                    .map_err(|_| format!("\"{text}\" is no period; write for example 90d or 1y6mo"))?;
                if period.as_minutes() <= 0 {
                    return Err(format!("{text} is no time at all; say none for no limit"));
                }
                self.args.keep.max_retention = Some(text.to_owned());
            }
            Step::Preset | Step::Use => {}
        }
        Ok(())
    }

    fn choose(&mut self, step: Step, index: usize) {
        match (step, index) {
            (Step::Preset, index) => match PRESETS.get(index) {
                Some(preset) => (self.args.keep, self.name) = (preset.flags(), preset.name),
                None => self.writes = true,
            },
            (Step::Use, 1) => self.args.is_default = true,
            (Step::Use, 2) => self.args.allow_namespaces = "all".into(),
            _ => {}
        }
    }
}

impl Dialogue for Draft {
    type Step = Step;

    fn next(&self) -> Option<Step> {
        ORDER.into_iter().find(|step| !self.done.contains(step) && self.applies(*step))
    }

    async fn prepare(
        &mut self,
        step: Step,
        _context: &Context,
        _streams: &mut Streams<'_>,
    ) -> Result<Option<Question>, Failure> {
        Ok(Some(self.question(step)))
    }

    fn answer(&mut self, step: Step, answer: Answer) -> Result<(), String> {
        match answer {
            Answer::Choice(index) => self.choose(step, index),
            Answer::Text(text) => self.text(step, text.trim())?,
            Answer::Secret(_) | Answer::Key(_) | Answer::Back => {}
        }
        self.done.push(step);
        Ok(())
    }
}
