//! Is the bucket there, and do the credentials open it? Asked before anything is written, and always told from where: a
//! bucket that pods reach need not be reachable from a laptop. A small object is written, read back and deleted; nothing is
//! left behind.

pub mod tunnel;
mod way;

use archive::location::Location;
use crds::storage::BackupStorage;
use k8s_openapi::api::core::v1::Secret;
use serde::de::DeserializeOwned;

pub use way::{Origin, Way};

use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::human;
use crate::object::Object;
use crate::setup::storage::Meant;
use crate::story::Glyph;
use crate::streams::Streams;

/// Whether and from where a bucket is tried.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
#[command(next_help_heading = "Check")]
#[group(id = "check")]
pub struct Flags {
    /// Try the bucket of a new storage before anything is written, and from where; where questions are asked it is tried
    /// anyway
    #[arg(long, value_enum, value_name = "WHERE", conflicts_with = "export")]
    pub check_from: Option<Origin>,
    /// Do not try the bucket: the same as --check-from=none
    #[arg(long, conflicts_with = "check_from")]
    pub no_check: bool,
}

impl Flags {
    /// From where a dialogue tries a bucket.
    #[must_use]
    pub fn origin(self) -> Origin {
        if self.no_check { Origin::None } else { self.check_from.unwrap_or_default() }
    }

    /// Tries the bucket if that was asked for; a bucket that cannot be used is a failure.
    pub async fn require(
        self,
        cluster: &Cluster,
        meant: &Meant,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<(), Failure> {
        let Some(from) = self.check_from else { return Ok(()) };
        match check(cluster, meant, from, (context, streams)).await? {
            Reach::Works | Reach::Unknown => Ok(()),
            Reach::Fails { failure, from } => {
                Err(failure.row("from", from).row("or", "write it without the check:  --no-check"))
            }
        }
    }
}

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Written, read back and deleted, from here.
    Works,
    /// Only pods reach it: the operator will tell.
    Unknown,
    /// Why not, and from where it was tried.
    Fails { failure: Failure, from: String },
}

/// Checks a storage that does not exist yet, and tells what it found.
pub async fn check(
    cluster: &Cluster,
    meant: &Meant,
    origin: Origin,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Reach, Failure> {
    let objects = meant.objects()?;
    let Some(storage) = typed::<BackupStorage>(&objects).filter(|_| origin != Origin::None) else {
        return Ok(Reach::Unknown);
    };
    let Some(location) = storage.spec.storage.as_ref().and_then(|backend| Location::of(backend).ok()) else {
        return Ok(Reach::Unknown);
    };
    let what = meant.spoken();
    if context.environment.is_read_only() {
        let text = format!("{what} is not checked: read-only mode writes no test object");
        streams.story.line(Glyph::Here, &text);
        return Ok(Reach::Unknown);
    }
    let way = match Way::to(&location, origin, cluster).await {
        Ok(way) => way,
        Err(why) => {
            let text = format!("{what} is not checked: {why}; the operator checks it once it is applied");
            streams.story.line(Glyph::Here, &text);
            return Ok(Reach::Unknown);
        }
    };
    let secret = match meant.existing_secret() {
        Some(name) => cluster.get::<Secret>(Some(&meant.namespace), name).await?,
        None => typed::<Secret>(&objects),
    };
    let trial = Trial { what, location, secret };
    let ended = trial.run(&way, (context, streams)).await;
    let may_miss = matches!(ended, Reach::Fails { .. }) && way.may_miss().await;
    match &ended {
        Reach::Fails { failure, .. }
            if origin == Origin::Auto && may_miss && failure.code() == Some(Code::StorageUnreachable) =>
        {
            let reason = reason(failure);
            Ok(trial.elsewhere(cluster, &reason, (context, streams)).await)
        }
        _ => Ok(ended),
    }
}

/// Why a check failed, in one line.
#[must_use]
pub fn reason(failure: &Failure) -> String {
    let why = failure.rows().filter(|(label, _)| *label == "why").map(|(_, why)| why);
    why.collect::<Vec<_>>().join("; ")
}

/// The region of a bucket, where a refusal names it: AWS answers a request that was signed for another one with
/// `the region 'us-east-1' is wrong; expecting 'eu-central-1'`.
#[must_use]
pub fn region_in(reason: &str) -> Option<&str> {
    let (_, rest) = reason.split_once("is wrong; expecting '")?;
    let (region, _) = rest.split_once('\'')?;
    let plain =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    (!region.is_empty() && region.chars().all(plain)).then_some(region)
}

/// What is tried.
struct Trial {
    what: String,
    location: Location,
    secret: Option<Secret>,
}

impl Trial {
    /// Tries it this way, and tells how that went when it went well.
    async fn run(&self, way: &Way, (context, streams): (&Context, &mut Streams<'_>)) -> Reach {
        streams.story.line(Glyph::Waiting, &format!("checking {}   from: {}", self.what, way.from));
        let started = context.environment.now();
        if let Err(failure) = way.try_out(self.secret.clone(), &self.what, context).await {
            return Reach::Fails { failure, from: way.from.clone() };
        }
        let took = human::between(started, context.environment.now());
        let done = "connected, authenticated, listed, wrote, read back and deleted a test object";
        streams.story.line(Glyph::Done, &format!("{done} ({})", human::duration(took)));
        if matches!(&self.location, Location::S3(s3) if s3.endpoint.starts_with("http://")) {
            let text = "plain http: backups are encrypted, the YAML of KubeStash's own objects is not";
            streams.story.line(Glyph::Warning, text);
        }
        Reach::Works
    }

    /// Nobody answered this machine. An address of a private network may be one of the cluster's: its pods are asked, or
    /// nothing is known.
    async fn elsewhere(
        &self,
        cluster: &Cluster,
        reason: &str,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Reach {
        streams.story.line(Glyph::Here, &format!("from this machine: {reason}"));
        if let Some(way) = Way::inside(&self.location, cluster).await {
            return self.run(&way, (context, streams)).await;
        }
        let text = "that address is of a private network, which pods may reach; the operator checks it once it is applied";
        streams.story.line(Glyph::Warning, text);
        Reach::Unknown
    }
}

fn typed<K: kube::Resource<DynamicType = ()> + DeserializeOwned>(objects: &[Object]) -> Option<K> {
    let object = objects.iter().find(|object| object.kind.kind == K::kind(&()))?;
    serde_json::from_value(object.body.clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_may_name_the_region() {
        let told = "failed to list \"x\" in bucket \"b\" at https://s3.amazonaws.com: HTTP 400 \
                    AuthorizationHeaderMalformed: The authorization header is malformed; the region 'us-east-1' is wrong; \
                    expecting 'eu-central-1'";
        assert_eq!(region_in(told), Some("eu-central-1"));
        for other in ["HTTP 403 AccessDenied", "is wrong; expecting ''", "is wrong; expecting 'a b'"] {
            assert_eq!(region_in(other), None, "{other}");
        }
    }
}
