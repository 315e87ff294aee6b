//! `backup create` as a dialogue: questions until the flags are complete, a look at all that will be written, and then
//! what the flags do anyway.

mod draft;

use std::sync::Arc;

use self::draft::{Draft, When};
use super::{Args, Prepared, typed};
use crate::ask::{self, Answer, Question};
use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::setup::credentials::aws;
use crate::setup::encryption;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wizard::facts::Facts;
use crate::wizard::memory::{Memory, Topic};
use crate::wizard::review::{self, Sound};
use crate::wizard::{self, Dialogue as _, Talk, words};

/// Asks for what is missing, and creates the backup. What is complete is created without a question.
pub async fn run(
    args: Args,
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let namespace = context.namespace()?;
    create::preconditions(cluster, &namespace).await?;
    if !args.questions.interactive && changes_something(&args, cluster, &namespace).await? {
        return args.create(Some(cluster), None, (context, streams)).await;
    }
    let full = args.questions.interactive || typed::words(&args).iter().all(|(flag, _)| *flag == "name");
    let facts = Arc::new(Facts::of(cluster, &namespace).await?);
    let when = When { now: context.environment.now(), zone: context.environment.time_zone.clone() };
    let begin = |args: Args| {
        let aws = aws::Files::of(&context.environment);
        Talk::new(Draft::new(args, Arc::clone(&facts), cluster, when.clone(), full).with_profiles(aws))
    };
    let mut talk = begin(args.clone());
    if talk.draft.is_complete() {
        return args.create(Some(cluster), None, (context, streams)).await;
    }
    wizard::greet(cluster, &namespace, streams);
    let memory = Memory::of(context, cluster, (&namespace, Topic::Backup));
    let decision = async {
        let read = |text: &str| typed::merged(&args, text, "the kept answers");
        if full && let Some(kept) = memory.offer(read, spoken, context, streams).await? {
            talk = Talk::new(begin(kept).draft.resumed());
        }
        Box::pin(decide(&mut talk, &memory, cluster, (context, streams))).await
    };
    let again = || format!("kubectl kubestash backup create -n {namespace}");
    let (args, prepared) = wizard::decided(decision, again).await?;
    args.save_answers()?;
    if !args.write.writes() {
        memory.forget();
        return args.carry_out(Some(cluster), &prepared, (context, streams)).await;
    }
    args.carry_out(Some(cluster), &prepared, (context, streams)).await?;
    memory.forget();
    conclude(args, cluster, &prepared, (context, streams)).await
}

/// What kept answers are about.
fn spoken(kept: &Args) -> Vec<String> {
    let storage = kept.backup.storage.as_ref().map(|name| format!("storage {name}"));
    kept.backup.target.clone().into_iter().chain(storage).collect()
}

/// A backup of this name is there: what was typed changes it, and the rest stays as it is.
async fn changes_something(args: &Args, cluster: &Cluster, namespace: &str) -> Result<bool, Failure> {
    let Some(name) = &args.name else { return Ok(false) };
    let found: Option<crds::core::BackupConfiguration> = cluster.get(Some(namespace), name).await?;
    Ok(found.is_some())
}

/// Asks until the person says what is to be done with it.
async fn decide(
    talk: &mut Talk<Draft>,
    memory: &Memory,
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(Args, Prepared), Failure> {
    loop {
        let now = context.environment.now();
        talk.go_on(|draft| memory.keep(&typed::words(&draft.flags()), now), context, streams).await?;
        let args = talk.draft.flags();
        let prepared = prepare(&args, talk, cluster, (context, streams)).await;
        let mut prepared = match prepared {
            Ok(prepared) => prepared,
            Err(failure) if matches!(failure.exit(), Exit::Interrupted | Exit::Terminated) => {
                return Err(failure);
            }
            Err(failure) => {
                review::refused(&failure, context, streams).await?;
                talk.back();
                continue;
            }
        };
        let name = prepared.plan.name.clone();
        let manner = (&args.write, super::sound as Sound);
        let decision =
            review::review((&name, &mut prepared.objects), manner, cluster, (context, streams)).await?;
        if wizard::applies(decision, talk)? {
            return Ok((args, prepared));
        }
    }
}

/// What will be written, judged by the API server.
async fn prepare(
    args: &Args,
    talk: &Talk<Draft>,
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Prepared, Failure> {
    let asked = talk.draft.storage.secret_key.clone();
    let prepared = args.prepare(Some(cluster), asked, (context, streams)).await?;
    match Failure::several(super::lacking::lacking(cluster, &prepared.plan).await?) {
        Some(failure) => Err(failure),
        None => Ok(prepared),
    }
}

/// The same without questions, and the first run.
async fn conclude(
    mut args: Args,
    cluster: &Cluster,
    prepared: &Prepared,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    streams.story.plain("\nThe same, without questions:");
    for line in equivalent(&args, prepared) {
        streams.story.plain(&line);
    }
    streams.story.plain("For Git instead: add  --export > FILE   (Secrets are left out)\n");
    let is_new = prepared.seen.existing.is_none();
    if !args.watch && !args.write.no_wait && is_new && !args.write.yes && !args.backup.paused {
        let question =
            Question::yes("Watch the first backup now?", "It runs in the cluster, watched or not.");
        args.watch = matches!(ask::ask(&question, context, streams).await, Ok(Answer::Key('y')));
    }
    args.go_on(cluster, prepared, (context, streams)).await
}

/// The command lines that lead to the same objects. Secrets that were made are named, so that none is needed again.
fn equivalent(args: &Args, prepared: &Prepared) -> Vec<String> {
    let mut args = args.clone();
    let plan = &prepared.plan;
    let mut lines = Vec::new();
    if let Some(storage) = &plan.new_storage {
        let flags = std::mem::replace(&mut args.storage, no_storage());
        lines.extend(words::folded(&words::storage_command(&flags, storage)));
        args.backup.storage = Some(storage.name.clone());
    }
    args.name = None;
    if args.encryption.generate_encryption_secret {
        args.encryption.generate_encryption_secret = false;
        args.encryption.encryption_secret = Some(encryption::secret_name(&plan.name));
    }
    let line = words::command(&typed::words(&args));
    let place = format!("{} -n {}", plan.name, plan.namespace);
    lines.extend(words::folded(&format!("kubectl kubestash backup create {place} {line} --yes")));
    lines
}

/// The flags of a storage when none is typed.
fn no_storage() -> crate::setup::storage::Flags {
    crate::setup::storage::Flags {
        mount_path: "/kubestash/data".into(),
        allow_namespaces: "same".into(),
        ..Default::default()
    }
}

impl Draft {
    fn is_complete(&self) -> bool {
        self.next().is_none_or(|step| step == draft::Step::New(crate::wizard::storage::Step::Check))
    }
}

impl Args {
    /// Writes the answers to the file that was named.
    pub fn save_answers(&self) -> Result<(), Failure> {
        self.questions.save(&typed::words(self))
    }

    /// What was typed, over what the file of answers says.
    pub fn with_answers(self) -> Result<Self, Failure> {
        match self.questions.read()? {
            Some((file, text)) => typed::merged(&self, &text, &file),
            None => Ok(self),
        }
    }
}

/// A warning that stays in view: nobody else has the password.
pub fn warn_of_password(prepared: &Prepared, streams: &mut Streams<'_>) {
    if prepared.plan.makes_password() {
        let secret = encryption::secret_name(&prepared.plan.name);
        streams.story.line(Glyph::Warning, &encryption::notice(&prepared.plan.namespace, &secret));
    }
}
