//! `storage create`: a BackupStorage, with a Secret for its credentials.

mod wizard;

use crds::storage::BackupStorage;
use secrecy::SecretString;

use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::failure::{Failure, Missing};
use crate::object::Object;
use crate::prompt;
use crate::reach;
use crate::readiness;
use crate::setup;
use crate::setup::input::Input;
use crate::setup::storage::{Flags, Meant};
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wizard::words::{self, Words};

/// Create or change a BackupStorage, with a Secret for its credentials
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Name of the BackupStorage; the default is that of the bucket
    name: Option<String>,
    #[command(flatten)]
    storage: Flags,
    #[command(flatten)]
    check: reach::Flags,
    #[command(flatten)]
    write: create::Flags,
    #[command(flatten)]
    questions: crate::wizard::Flags,
}

impl Args {
    /// Creates the storage; asks for what is missing, where somebody can answer.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let args = self.with_answers()?;
        args.write.limit()?;
        if args.questions.asked(args.write.offline(), context)? {
            let cluster = context.cluster().await?;
            return Box::pin(wizard::run(args, &cluster, (context, streams))).await;
        }
        args.create(None, None, (context, streams)).await
    }

    /// Creates the storage that the flags describe.
    async fn create(
        &self,
        cluster: Option<&Cluster>,
        asked: Option<SecretString>,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let asked = match asked {
            Some(asked) => Some(asked),
            None => secret_key(&self.storage, (context, streams)).await?,
        };
        let meant = self.meant(&namespace, asked, context, streams)?;
        let objects = meant.objects()?;
        self.save_answers()?;
        if self.write.offline() {
            return self.write.print_offline(&objects, streams);
        }
        let cluster = match cluster {
            Some(cluster) => cluster.clone(),
            None => context.cluster().await?,
        };
        create::preconditions(&cluster, &namespace).await?;
        existing_secret(&cluster, &meant).await?;
        self.check.require(&cluster, &meant, (context, streams)).await?;
        self.carry_out(&cluster, (&meant, &objects), (context, streams)).await
    }

    /// Writes the objects, and waits until the operator reached the storage.
    async fn carry_out(
        &self,
        cluster: &Cluster,
        (meant, objects): (&Meant, &[Object]),
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        if self.write.offline() {
            return self.write.print_offline(objects, streams);
        }
        self.write.write(cluster, objects, streams).await?;
        if self.write.writes() && !self.write.no_wait {
            let place = (meant.namespace.as_str(), meant.name.as_str());
            let states = cluster.follow::<BackupStorage>(place.0, place.1);
            let limit = self.write.limit()?;
            create::ready(cluster, place, (states, readiness::storage), limit, (context, streams)).await?;
        }
        if self.write.writes() {
            let flag = context.namespace_flag()?;
            let next = format!("Next: kubectl kubestash backup create{flag} --storage {} …", meant.name);
            streams.story.plain(&next);
        }
        Ok(())
    }

    /// The flags as words.
    fn words(&self) -> Words {
        let mut words = Words::new();
        words::push(&mut words, "name", self.name.as_ref());
        words::storage_words(&mut words, &self.storage);
        words
    }

    /// Writes the answers to the file that was named.
    fn save_answers(&self) -> Result<(), Failure> {
        self.questions.save(&self.words())
    }

    /// What was typed, over what the file of answers says.
    fn with_answers(self) -> Result<Self, Failure> {
        match self.questions.read()? {
            Some((file, text)) => self.merged(&text, &file),
            None => Ok(self),
        }
    }

    /// What was typed, over answers that are kept in a file.
    fn merged(&self, text: &str, file: &str) -> Result<Self, Failure> {
        let args: Self = words::answered(&self.words(), text, file)?;
        let (write, questions) = (self.write.clone(), self.questions.clone());
        Ok(Self { write, questions, check: self.check, ..args })
    }

    fn meant(
        &self,
        namespace: &str,
        asked: Option<SecretString>,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Meant, Failure> {
        let mut missing = Vec::new();
        let name = self.name.clone().or_else(|| self.storage.default_name()).unwrap_or_else(|| {
            missing.push(Missing { flag: "NAME", meaning: "name of the BackupStorage", hint: String::new() });
            String::new()
        });
        let mut input = Input::of(streams.input, &context.environment);
        let meant = self.storage.meant((namespace, &name), asked, &mut input, &mut missing)?;
        for note in std::mem::take(&mut input.notes) {
            streams.story.line(Glyph::Here, &note);
        }
        if !name.is_empty() && !setup::is_name(&name) {
            return Err(Failure::usage(format!("\"{name}\" is no name"))
                .why("names have lower-case letters, digits, - and ."));
        }
        if missing.is_empty() { Ok(meant) } else { Err(Failure::missing(&missing, "")) }
    }
}

/// Asks for the secret half of an access key, where somebody can be asked.
pub async fn secret_key(
    storage: &Flags,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Option<SecretString>, Failure> {
    if storage.credentials.lacks_secret_key() && prompt::possible(context) {
        return prompt::hidden("Secret access key", (context, streams)).await.map(Some);
    }
    Ok(None)
}

/// A Secret that was named, and is not made here, must be there: otherwise the storage could only be NotReady.
pub async fn existing_secret(cluster: &Cluster, meant: &Meant) -> Result<(), Failure> {
    let (Some(name), Some(key)) = (meant.existing_secret(), meant.first_key()) else { return Ok(()) };
    let problem = create::lacking_secret(cluster, (&meant.namespace, name), key).await?;
    problem.map_or(Ok(()), Err)
}
