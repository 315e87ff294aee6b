//! `storage create` as a dialogue: questions until the flags are complete, a check of the bucket, and a look at what will
//! be written.

use std::sync::Arc;

use super::Args;
use crate::ask;
use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::object::Object;
use crate::setup::storage::Meant;
use crate::signals;
use crate::streams::Streams;
use crate::wizard::facts::Facts;
use crate::wizard::review::{self, Decision, Sound};
use crate::wizard::storage::{Draft, Step};
use crate::wizard::{Dialogue as _, Talk, words};

/// Asks for what is missing, and creates the storage. What is complete is created without a question.
pub async fn run(
    args: Args,
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let namespace = context.namespace()?;
    create::preconditions(cluster, &namespace).await?;
    let facts = Arc::new(Facts::of_storage(cluster, &namespace).await?);
    let mut talk =
        Talk::new(Draft::new(args.storage.clone(), args.name.clone(), facts, Some(cluster.clone())));
    let complete = talk.draft.next().is_none_or(|step| step == Step::Check);
    if complete && !args.questions.interactive {
        return args.create(Some(cluster), None, (context, streams)).await;
    }
    let place = format!("context {} ({}), namespace {namespace}", cluster.context(), cluster.server());
    streams.story.plain(&format!("kubectl kubestash on {place}"));
    let decided = tokio::select! {
        biased;
        decided = decide(&mut talk, &args, cluster, (context, streams)) => decided,
        exit = signals::interrupted() => Err(ask::cancelled(exit)),
    };
    let (args, meant, objects) = match decided {
        Err(failure) if matches!(failure.exit(), Exit::Interrupted | Exit::Terminated) => {
            return Err(Failure::stopped(failure.exit(), "Cancelled. Nothing was applied."));
        }
        decided => decided?,
    };
    args.save_answers()?;
    args.carry_out(cluster, (&meant, &objects), (context, streams)).await?;
    if args.write.writes() {
        streams.story.plain("\nThe same, without questions:");
        for line in words::folded(&format!("{} --yes", words::storage_command(&args.storage, &meant))) {
            streams.story.plain(&line);
        }
    }
    Ok(())
}

/// Asks until the person says what is to be done with it.
async fn decide(
    talk: &mut Talk<Draft>,
    typed: &Args,
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(Args, Meant, Vec<Object>), Failure> {
    loop {
        talk.go_on(|_| {}, context, streams).await?;
        let draft = &talk.draft;
        let args = Args { name: draft.name.clone(), storage: draft.flags.clone(), ..typed.clone() };
        let meant = args.meant(&context.namespace()?, draft.secret_key.clone(), context, streams)?;
        let mut objects = meant.objects()?;
        let sound: Sound = |_| Ok(());
        let reviewed = (meant.name.as_str(), &mut objects);
        match review::review(reviewed, (&args.write, sound), cluster, (context, streams)).await? {
            Decision::Apply => return Ok((args, meant, objects)),
            Decision::Back if !talk.asked() => return Err(ask::cancelled(Exit::Interrupted)),
            Decision::Back => talk.back(),
            Decision::Quit => return Err(ask::cancelled(Exit::Interrupted)),
        }
    }
}
