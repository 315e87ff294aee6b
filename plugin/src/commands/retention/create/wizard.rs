//! `retention create` as a dialogue: questions until the flags are complete, what they come to, and a look at what will
//! be written.

use std::sync::Arc;

use kube::ResourceExt as _;

use super::Args;
use super::draft::Draft;
use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::failure::Failure;
use crate::object::Object;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wizard::facts::Facts;
use crate::wizard::memory::{Memory, Topic};
use crate::wizard::review::{self, Sound};
use crate::wizard::{self, Talk, words};

/// Asks for what is missing, and creates the policy.
pub async fn run(
    args: Args,
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let namespace = context.namespace()?;
    create::preconditions(cluster, &namespace).await?;
    let nothing_typed = args.words().iter().all(|(flag, _)| *flag == "name");
    let full = args.questions.interactive || nothing_typed;
    let facts = Arc::new(Facts::of_retention(cluster, &namespace).await?);
    let now = context.environment.now();
    let begin = |args: Args| Talk::new(Draft::new(args, Arc::clone(&facts), now, full));
    let mut talk = begin(args.clone());
    wizard::greet(cluster, &namespace, streams);
    if let Some(policy) = talk.draft.existing() {
        let text = format!("RetentionPolicy {namespace}/{} exists, and will be changed", policy.name_any());
        streams.story.line(Glyph::Here, &text);
    }
    let memory = Memory::of(context, cluster, (&namespace, Topic::Retention));
    let decision = async {
        let read = |text: &str| args.merged(text, "the kept answers");
        if nothing_typed && let Some(kept) = memory.offer(read, spoken, context, streams).await? {
            talk = begin(kept);
        }
        decide(&mut talk, &memory, cluster, (context, streams)).await
    };
    let again = || format!("kubectl kubestash retention create -n {namespace}");
    let (args, name, objects) = wizard::decided(decision, again).await?;
    args.save_answers()?;
    if !args.write.writes() {
        memory.forget();
    }
    args.carry_out(cluster, (&name, &objects), (context, streams)).await?;
    memory.forget();
    if args.write.writes() {
        streams.story.plain("\nThe same, without questions:");
        let named = words::command(&Args { name: None, ..args.clone() }.words());
        let line = format!("kubectl kubestash retention create {name} -n {namespace} {named} --yes");
        for line in words::folded(&line) {
            streams.story.plain(&line);
        }
    }
    Ok(())
}

/// What kept answers are about.
fn spoken(kept: &Args) -> Vec<String> {
    let rules = Some(kept.keep.spoken()).filter(|rules| !rules.is_empty());
    kept.name.clone().into_iter().chain(rules).collect()
}

/// Asks until the person says what is to be done with it.
async fn decide(
    talk: &mut Talk<Draft>,
    memory: &Memory,
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(Args, String, Vec<Object>), Failure> {
    loop {
        let now = context.environment.now();
        talk.go_on(|draft| memory.keep(&draft.args.words(), now), context, streams).await?;
        let args = talk.draft.args.clone();
        let (name, mut objects) = args.objects(&context.namespace()?)?;
        streams.story.plain("\nWhat stays in the long run, of each backup that runs evenly:");
        for line in talk.draft.preview() {
            streams.story.plain(&line);
        }
        let sound: Sound = |_| Ok(());
        let reviewed = (name.as_str(), &mut objects);
        let decision = review::review(reviewed, (&args.write, sound), cluster, (context, streams)).await?;
        if wizard::applies(decision, talk)? {
            return Ok((args, name, objects));
        }
    }
}
