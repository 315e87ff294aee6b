//! What every `show` has in common: which objects, and a card of each or the objects themselves.

use jiff::Timestamp;
use kube::Resource;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::card::{self, Card};
use crate::cluster::Cluster;
use crate::commands::{list, lookup};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{Format, Shape};
use crate::streams::Streams;

/// Flags of a command that shows objects in full.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    choice: lookup::Choice,
    /// Output format
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
}

/// A kind whose objects can be shown in full.
pub trait Shown: Resource<DynamicType = ()> + Serialize + DeserializeOwned + Clone {
    /// What the cards tell beside the objects themselves.
    type Surroundings;

    /// Reads the surroundings of these objects of a namespace.
    fn surroundings(
        objects: &[Self],
        cluster: &Cluster,
        namespace: &str,
    ) -> impl Future<Output = Result<Self::Surroundings, Failure>>;

    /// Everything there is to know of the object.
    fn card(&self, surroundings: &Self::Surroundings, context: &Context, now: Timestamp) -> Card;
}

impl Args {
    /// Shows.
    pub async fn run<K: Shown>(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let objects: Vec<K> = self.choice.objects(&cluster, &namespace).await?;
        print(&objects, &self.output, (&cluster, &namespace), (context, streams)).await
    }
}

/// Prints objects as a format has them, or a card of each.
pub async fn print<K: Shown>(
    objects: &[K],
    format: &Format,
    (cluster, namespace): (&Cluster, &str),
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<(), Failure> {
    let text = if let Some(text) = format.document(&list::bodies(objects)?, Shape::Named)? {
        text
    } else {
        let surroundings = K::surroundings(objects, cluster, namespace).await?;
        let now = context.environment.now();
        let cards: Vec<Card> =
            objects.iter().map(|object| object.card(&surroundings, context, now)).collect();
        card::render(&cards)
    };
    streams.results.write_all(text.as_bytes())?;
    Ok(())
}
