//! The questions about a backup, and the flags that their answers are.

mod choices;

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kube::ResourceExt as _;

use self::choices::{Kept, known_storage, reference};
use super::super::Args;
use crate::ask::{Answer, Choice, Question};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::Failure;
use crate::setup::credentials::aws;
use crate::setup::target::{self, Typed};
use crate::setup::{encryption, schedule};
use crate::streams::Streams;
use crate::wizard::facts::Facts;
use crate::wizard::{Dialogue, storage};

/// A question about a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Target,
    Namespace,
    Reader,
    Storage,
    New(storage::Step),
    Encryption,
    Schedule,
    Cron,
    Retention,
}

/// The clock and the zone in which the next runs are told.
#[derive(Clone, Debug)]
pub struct When {
    pub now: Timestamp,
    pub zone: TimeZone,
}

/// The answers.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The flags as they would have been typed, but those of a new storage.
    pub args: Args,
    /// Those of a new storage.
    pub storage: storage::Draft,
    facts: Arc<Facts>,
    when: When,
    /// Also what has a default is asked.
    full: bool,
    /// What was chosen that leads to further questions.
    open: Open,
}

/// Choices that lead to further questions.
#[derive(Clone, Copy, Debug, Default)]
struct Open {
    other_namespace: bool,
    new_storage: bool,
    custom: bool,
}

impl Draft {
    /// What was typed. `full` asks also what has a default.
    #[must_use]
    pub fn new(args: Args, facts: Arc<Facts>, cluster: &Cluster, when: When, full: bool) -> Self {
        let new_storage = args.storage.describe_one();
        let name = args.backup.storage.clone();
        let storage =
            storage::Draft::new(args.storage.clone(), name, Arc::clone(&facts), Some(cluster.clone()))
                .checked(args.check.origin());
        Self { args, storage, facts, when, full, open: Open { new_storage, ..Open::default() } }
    }

    /// The same answers, given in an earlier dialogue.
    #[must_use]
    pub fn resumed(self) -> Self {
        Self { storage: self.storage.resumed(), ..self }
    }

    /// The same answers of somebody who may have profiles of the AWS CLI.
    #[must_use]
    pub fn with_profiles(self, aws: aws::Files) -> Self {
        Self { storage: self.storage.with_profiles(aws), ..self }
    }

    /// The flags, complete with those of a new storage.
    #[must_use]
    pub fn flags(&self) -> Args {
        let mut args = self.args.clone();
        if self.open.new_storage {
            args.storage = self.storage.flags.clone();
            args.backup.storage = args.backup.storage.or_else(|| self.storage.name.clone());
        }
        args
    }

    /// The name that the backup will have.
    fn name(&self) -> String {
        let target = self.args.backup.target.as_deref().and_then(|text| target::parse(text).ok());
        let of_target = || target.map(|target| target.default_name(&self.facts.namespace));
        self.args.name.clone().or_else(of_target).unwrap_or_else(|| self.facts.namespace.clone())
    }

    fn applies(&self, step: Step) -> bool {
        let (backup, encryption) = (&self.args.backup, &self.args.encryption);
        match step {
            Step::Target => backup.target.is_none() && !self.open.other_namespace,
            Step::Namespace => backup.target.is_none() && self.open.other_namespace,
            Step::Reader => self.args.reader.service_account.is_none() && !self.args.reader.create_reader,
            Step::Storage => backup.storage.is_none() && !self.open.new_storage,
            Step::New(_) => false,
            Step::Encryption => {
                let made = encryption::secret_name(&self.name());
                encryption.encryption_secret.is_none()
                    && encryption.encryption_password_file.is_none()
                    && !encryption.generate_encryption_secret
                    && !self.facts.secrets_with(&[encryption::KEY]).contains(&made.as_str())
            }
            Step::Schedule => self.full && backup.schedule.is_none() && !self.open.custom,
            Step::Cron => backup.schedule.is_none() && self.open.custom,
            Step::Retention => self.full && backup.retention.is_none() && !self.args.keep.any(),
        }
    }

    fn question(&self, step: Step) -> Question {
        match step {
            Step::Target => {
                let choices = self.targets().into_iter().map(|(_, choice)| choice).collect();
                let help = "A namespace and the cluster are backed up with everything in them, an application with \
                            all that it owns. What is read is manifests: no volumes, no data.";
                Question::menu("What should be backed up?", help, choices, 0)
            }
            Step::Namespace => {
                let choices = self.facts.namespaces.iter().map(|name| Choice::new(name, "")).collect();
                Question::menu("Which namespace?", "Everything in it is backed up.", choices, 0)
            }
            Step::Reader => {
                let choices = self.readers().into_iter().map(|(_, choice)| choice).collect();
                let help = "A backup runs as a ServiceAccount of this namespace. What it may not read, is not backed \
                            up, and the backup fails. A new one may get and list what is backed up, and nothing else.";
                Question::menu("Who reads it?", help, choices, 0)
            }
            Step::Storage => {
                let mut choices: Vec<Choice> = self.facts.storages.iter().map(known_storage).collect();
                choices.push(Choice::new("a new storage…", "bucket and credentials are asked"));
                let help = "The storages that this namespace may use. One bucket serves many backups.";
                Question::menu("Where should it be stored?", help, choices, 0)
            }
            step => self.later_question(step),
        }
    }

    /// Those after the storage.
    fn later_question(&self, step: Step) -> Question {
        match step {
            Step::Encryption => {
                let mut choices = vec![Choice::new(
                    "generate a strong one",
                    format!("Secret {}", encryption::secret_name(&self.name())),
                )];
                let found = self.facts.secrets_with(&[encryption::KEY]);
                choices.extend(found.iter().map(|name| Choice::new(format!("Secret {name}"), "exists")));
                let help = "Backups are encrypted before they leave the cluster. Without the password nobody can \
                            restore them: keep a copy outside the cluster.";
                Question::menu("Encryption password?", help, choices, 0)
            }
            Step::Schedule => {
                let mut choices: Vec<Choice> =
                    self.rhythms().iter().map(|(line, word)| self.rhythm(line, word)).collect();
                choices.push(Choice::new("custom…", "a cron line"));
                let help = "Schedules are in UTC. The minute follows from the name, so that not all backups start at once.";
                Question::menu("When?", help, choices, 1)
            }
            Step::Retention => {
                let choices = self.retentions().into_iter().map(|(_, choice)| choice).collect();
                let help =
                    "Of each of the last days, weeks and months one backup is kept; what is older goes.";
                Question::menu("How long is it kept?", help, choices, 0)
            }
            _ => {
                let help =
                    "Minute, hour, day, month, weekday; in UTC. Or @hourly, @daily, @weekly, @monthly.";
                Question::line("Cron line", help, self.rhythms()[1].0.clone())
            }
        }
    }

    fn choose(&mut self, step: Step, index: usize) {
        match step {
            Step::Target => match self.targets().into_iter().nth(index) {
                Some((Some(target), _)) => self.aim(target),
                Some((None, _)) => self.open.other_namespace = true,
                None => {}
            },
            Step::Namespace => {
                if let Some(name) = self.facts.namespaces.get(index) {
                    self.aim(format!("namespace/{name}"));
                }
            }
            Step::Reader => match self.readers().into_iter().nth(index) {
                Some((Some(name), _)) => self.args.reader.service_account = Some(name),
                _ => self.args.reader.create_reader = true,
            },
            Step::Storage => match self.facts.storages.get(index) {
                Some(storage) => {
                    let place = reference(storage.namespace(), &storage.name_any(), &self.facts.namespace);
                    self.args.backup.storage = Some(place);
                }
                None => self.open.new_storage = true,
            },
            Step::Encryption if index == 0 => self.args.encryption.generate_encryption_secret = true,
            Step::Encryption => {
                let found = self.facts.secrets_with(&[encryption::KEY]);
                self.args.encryption.encryption_secret = found.get(index - 1).map(|name| (*name).to_owned());
            }
            Step::Schedule => match self.rhythms().get(index) {
                Some((line, _)) => self.args.backup.schedule = Some(line.clone()),
                None => self.open.custom = true,
            },
            Step::Retention => match self.retentions().into_iter().nth(index) {
                Some((Kept::Policy(place), _)) => self.args.backup.retention = Some(place),
                Some((Kept::New(flags), _)) => self.args.keep = flags,
                None => {}
            },
            Step::New(_) | Step::Cron => {}
        }
    }

    /// Takes a target, and a name that no backup of another target has.
    fn aim(&mut self, target: String) {
        let Ok(typed) = target::parse(&target) else { return };
        self.args.backup.include_dependants |= matches!(typed, Typed::Object { .. });
        self.args.backup.target = Some(target);
        if self.args.name.is_some() {
            return;
        }
        let facts = &self.facts;
        let wished = typed.default_name(&facts.namespace);
        let covered = match &typed {
            Typed::Cluster => facts.covered(None),
            Typed::Namespace(name) => {
                facts.covered(Some(("Namespace", name.as_deref().unwrap_or(&facts.namespace))))
            }
            Typed::Object { name, .. } => {
                let known = facts
                    .workloads
                    .iter()
                    .find(|known| Some(&known.target) == self.args.backup.target.as_ref());
                known.and_then(|known| facts.covered(Some((&known.kind, name))))
            }
        };
        let taken = |name: &str| facts.backups.iter().any(|backup| backup.name_any() == name);
        let numbered = (2..).map(|number| format!("{wished}-{number}"));
        let free = || std::iter::once(wished.clone()).chain(numbered).find(|name| !taken(name));
        // What is covered already is changed, not doubled.
        self.args.name = covered.or_else(free);
    }
}

impl Dialogue for Draft {
    type Step = Step;

    fn next(&self) -> Option<Step> {
        let first = [Step::Target, Step::Namespace, Step::Reader, Step::Storage];
        let last = [Step::Encryption, Step::Schedule, Step::Cron, Step::Retention];
        let applies = |step: &Step| self.applies(*step);
        first
            .into_iter()
            .find(applies)
            .or_else(|| self.open.new_storage.then(|| self.storage.next().map(Step::New)).flatten())
            .or_else(|| last.into_iter().find(applies))
    }

    async fn prepare(
        &mut self,
        step: Step,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Option<Question>, Failure> {
        match step {
            Step::New(step) => self.storage.prepare(step, context, streams).await,
            step => Ok(Some(self.question(step))),
        }
    }

    fn answer(&mut self, step: Step, answer: Answer) -> Result<(), String> {
        match (step, answer) {
            (Step::New(step), answer) => self.storage.answer(step, answer)?,
            (step, Answer::Choice(index)) => self.choose(step, index),
            (Step::Cron, Answer::Text(line)) => {
                schedule::check(&line).map_err(|failure| {
                    let why =
                        failure.rows().find(|(label, _)| *label == "why").map(|(_, why)| why.to_owned());
                    format!("'{line}' is no schedule: {}", why.unwrap_or_default())
                })?;
                self.args.backup.schedule = Some(line);
            }
            _ => {}
        }
        Ok(())
    }
}
