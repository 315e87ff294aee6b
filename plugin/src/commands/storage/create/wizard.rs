//! `storage create` as a dialogue: questions until the flags are complete, a check of the bucket, and a look at what will
//! be written.

use std::sync::Arc;

use super::Args;
use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::failure::Failure;
use crate::object::Object;
use crate::setup::credentials::aws;
use crate::setup::storage::Meant;
use crate::streams::Streams;
use crate::wizard::facts::Facts;
use crate::wizard::memory::{Memory, Topic};
use crate::wizard::review::{self, Sound};
use crate::wizard::storage::{Draft, Step};
use crate::wizard::{self, Dialogue as _, Talk, words};

/// Asks for what is missing, and creates the storage. What is complete is created without a question.
pub async fn run(
    args: Args,
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let namespace = context.namespace()?;
    create::preconditions(cluster, &namespace).await?;
    let facts = Arc::new(Facts::of_storage(cluster, &namespace).await?);
    let begin = |args: Args| {
        Draft::new(args.storage, args.name, Arc::clone(&facts), Some(cluster.clone()))
            .checked(args.check.origin())
            .with_profiles(aws::Files::of(&context.environment))
    };
    let mut talk = Talk::new(begin(args.clone()));
    let complete = talk.draft.next().is_none_or(|step| step == Step::Check);
    if complete && !args.questions.interactive {
        return args.create(Some(cluster), None, (context, streams)).await;
    }
    wizard::greet(cluster, &namespace, streams);
    let nothing_typed = args.words().iter().all(|(flag, _)| *flag == "name");
    let memory = Memory::of(context, cluster, (&namespace, Topic::Storage));
    let decision = async {
        let read = |text: &str| args.merged(text, "the kept answers");
        if nothing_typed && let Some(kept) = memory.offer(read, spoken, context, streams).await? {
            talk = Talk::new(begin(kept).resumed());
        }
        decide(&mut talk, (&args, &memory), cluster, (context, streams)).await
    };
    let again = || format!("kubectl kubestash storage create -n {namespace}");
    let (args, meant, objects) = wizard::decided(decision, again).await?;
    args.save_answers()?;
    if !args.write.writes() {
        memory.forget();
    }
    args.carry_out(cluster, (&meant, &objects), (context, streams)).await?;
    memory.forget();
    if args.write.writes() {
        streams.story.plain("\nThe same, without questions:");
        for line in words::folded(&format!("{} --yes", words::storage_command(&args.storage, &meant))) {
            streams.story.plain(&line);
        }
    }
    Ok(())
}

/// What kept answers are about.
fn spoken(kept: &Args) -> Vec<String> {
    let flags = &kept.storage;
    let place = flags.bucket.as_ref().or(flags.pvc.as_ref()).or(flags.endpoint.as_ref());
    place.cloned().into_iter().collect()
}

/// Asks until the person says what is to be done with it.
async fn decide(
    talk: &mut Talk<Draft>,
    (typed, memory): (&Args, &Memory),
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(Args, Meant, Vec<Object>), Failure> {
    loop {
        let now = context.environment.now();
        let answered =
            |draft: &Draft| Args { name: draft.name.clone(), storage: draft.flags.clone(), ..typed.clone() };
        talk.go_on(|draft| memory.keep(&answered(draft).words(), now), context, streams).await?;
        let (draft, args) = (&talk.draft, answered(&talk.draft));
        let meant = args.meant(&context.namespace()?, draft.secret_key.clone(), context, streams)?;
        let mut objects = meant.objects()?;
        let sound: Sound = |_| Ok(());
        let reviewed = (meant.name.as_str(), &mut objects);
        let decision = review::review(reviewed, (&args.write, sound), cluster, (context, streams)).await?;
        if wizard::applies(decision, talk)? {
            return Ok((args, meant, objects));
        }
    }
}
