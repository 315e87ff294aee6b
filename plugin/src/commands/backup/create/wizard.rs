//! `backup create` as a dialogue: questions until the flags are complete, a look at all that will be written, and then
//! what the flags do anyway.

mod draft;
mod memory;
mod review;

use std::sync::Arc;

use self::draft::{Draft, When};
use self::memory::Memory;
use self::review::Decision;
use super::{Args, Prepared, typed};
use crate::ask::{self, Answer, Question};
use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::prompt;
use crate::setup::encryption;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wizard::{Dialogue as _, Talk, facts::Facts};

/// Whether questions may be asked for this command line.
pub fn wanted(args: &Args, context: &Context) -> Result<bool, Failure> {
    if args.questions.interactive && !prompt::possible(context) {
        return Err(Failure::usage("--interactive needs a terminal to ask at")
            .why("standard input or error is no terminal, or --no-input, KUBESTASH_NO_INPUT or CI is set"));
    }
    Ok(prompt::possible(context) && (args.questions.interactive || !args.write.offline()))
}

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
    let begin = |args: Args| Talk::new(Draft::new(args, Arc::clone(&facts), cluster, when.clone(), full));
    let mut talk = begin(args.clone());
    if talk.draft.is_complete() {
        return args.create(Some(cluster), None, (context, streams)).await;
    }
    streams.story.plain(&format!(
        "kubectl kubestash on context {} ({}), namespace {namespace}",
        cluster.context(),
        cluster.server()
    ));
    let memory = Memory::of(context, cluster, &namespace);
    let ended = async {
        if full && let Some(kept) = memory.offer(&args, context, streams).await? {
            talk = begin(kept);
        }
        decide(&mut talk, &memory, cluster, (context, streams)).await
    };
    let (args, prepared) = match ended.await {
        Err(failure) if matches!(failure.exit(), Exit::Interrupted | Exit::Terminated) => {
            return Err(Failure::new(failure.exit(), "Cancelled. Nothing was applied.")
                .row("later", format!("kubectl kubestash backup create -n {namespace}")));
        }
        ended => ended?,
    };
    args.save_answers()?;
    if !args.write.writes() {
        memory.forget();
        return args.carry_out(Some(cluster), &prepared, (context, streams)).await;
    }
    args.carry_out(Some(cluster), &prepared, (context, streams)).await?;
    memory.forget();
    conclude(args, cluster, &prepared, (context, streams)).await
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
        talk.go_on(|draft| memory.keep(&draft.flags(), now), context, streams).await?;
        let args = talk.draft.flags();
        let prepared = prepare(&args, talk, cluster, (context, streams)).await;
        let mut prepared = match prepared {
            Ok(prepared) => prepared,
            Err(failure) if matches!(failure.exit(), Exit::Interrupted | Exit::Terminated) => {
                return Err(failure);
            }
            Err(failure) => {
                refused(&failure, context, streams).await?;
                talk.back();
                continue;
            }
        };
        match review::review(&args, &mut prepared, cluster, (context, streams)).await? {
            Decision::Apply => return Ok((args, prepared)),
            Decision::Back => talk.back(),
            Decision::Quit => return Err(ask::cancelled(Exit::Interrupted)),
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

/// Tells what is wrong, and goes back unless the person has enough.
async fn refused(failure: &Failure, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
    streams.story.always(failure.render(false).trim_end());
    let question = Question {
        title: "That cannot be written.".into(),
        help: "Back leads to the last question.",
        shape: ask::Shape::Keys(&[('b', "back"), ('q', "quit")]),
    };
    match ask::ask(&question, context, streams).await? {
        Answer::Key('q') => Err(ask::cancelled(Exit::Interrupted)),
        _ => Ok(()),
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
        let mut flags = std::mem::replace(&mut args.storage, setup_storage());
        if storage.existing_secret().is_none()
            && flags.credentials.any()
            && !flags.credentials.workload_identity
        {
            flags.credentials = crate::setup::credentials::Flags {
                credentials_secret: Some(crate::setup::storage::secret_name(&storage.name)),
                aws_profile: "default".into(),
                ..crate::setup::credentials::Flags::default()
            };
        }
        let mut words = typed::Words::new();
        typed::storage_words(&mut words, &flags);
        let place = format!("{} -n {}", storage.name, storage.namespace);
        let line = format!("kubectl kubestash storage create {place} {}", typed::command(&words));
        lines.extend(folded(&line));
        args.backup.storage = Some(storage.name.clone());
    }
    args.name = None;
    if args.encryption.generate_encryption_secret {
        args.encryption.generate_encryption_secret = false;
        args.encryption.encryption_secret = Some(encryption::secret_name(&plan.name));
    }
    let words = typed::command(&typed::words(&args));
    let place = format!("{} -n {}", plan.name, plan.namespace);
    lines.extend(folded(&format!("kubectl kubestash backup create {place} {words} --yes")));
    lines
}

fn setup_storage() -> crate::setup::storage::Flags {
    crate::setup::storage::Flags {
        mount_path: "/kubestash/data".into(),
        allow_namespaces: "same".into(),
        credentials: crate::setup::credentials::Flags { aws_profile: "default".into(), ..Default::default() },
        ..Default::default()
    }
}

/// A long command over several lines, broken before a flag.
fn folded(line: &str) -> Vec<String> {
    let mut lines = vec![String::from(" ")];
    for part in line.split(" --") {
        let part = if lines == [" "] { format!(" {part}") } else { format!(" --{part}") };
        let last = lines.len() - 1;
        if lines[last].chars().count() + part.chars().count() > 98 {
            lines[last].push_str(" \\");
            lines.push(format!("   {part}"));
        } else {
            lines[last].push_str(&part);
        }
    }
    lines
}

impl Draft {
    fn is_complete(&self) -> bool {
        self.next().is_none_or(|step| step == draft::Step::New(crate::wizard::storage::Step::Check))
    }
}

impl Args {
    /// Writes the answers to the file that was named.
    pub fn save_answers(&self) -> Result<(), Failure> {
        let Some(path) = &self.questions.save_answers else { return Ok(()) };
        let text = typed::yaml(&typed::words(self))?;
        memory::write(path, &text).map_err(|error| {
            Failure::usage(format!("cannot write the answers to {}", path.display())).why(error.to_string())
        })
    }

    /// What was typed, over what the file of answers says.
    pub fn with_answers(self) -> Result<Self, Failure> {
        let Some(path) = self.questions.answers.clone() else { return Ok(self) };
        let file = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|error| {
            Failure::usage(format!("cannot read the answers in {file}")).why(error.to_string())
        })?;
        typed::merged(&self, &text, &file)
    }
}

/// A warning that stays in view: nobody else has the password.
pub fn warn_of_password(prepared: &Prepared, streams: &mut Streams<'_>) {
    if prepared.plan.makes_password() {
        let secret = encryption::secret_name(&prepared.plan.name);
        streams.story.line(Glyph::Warning, &encryption::notice(&prepared.plan.namespace, &secret));
    }
}
