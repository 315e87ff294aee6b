//! Is the bucket there, and do the credentials open it? Asked before anything is written, and always told from where: a
//! bucket that pods reach need not be reachable from a laptop.

mod trial;

use std::net::IpAddr;

use archive::location::Location;
use clap::ValueEnum;
use crds::storage::BackupStorage;
use k8s_openapi::api::core::v1::Secret;
use serde::de::DeserializeOwned;

use self::trial::Problem;
use super::tunnel::{self, Tunnel};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::Failure;
use crate::human;
use crate::object::Object;
use crate::setup::storage::Meant;
use crate::story::Glyph;
use crate::streams::Streams;

/// From where a bucket is tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Origin {
    /// Through the cluster where only pods can reach it, else from this machine.
    #[default]
    Auto,
    /// From this machine.
    Local,
    /// Through the cluster, by a port-forward to the Service of the endpoint.
    Cluster,
    /// Not at all.
    None,
}

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
            Reach::Fails { reason, from } => {
                Err(Failure::cluster(reason).row("from", from).fix("write it without the check:  --no-check"))
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
    Fails { reason: String, from: String },
}

/// The way to a bucket.
#[derive(Debug)]
enum Way {
    /// From this machine.
    Straight,
    /// Through a pod of the cluster.
    Through(Tunnel),
    /// None from here, and why.
    Nowhere(&'static str),
}

/// Checks a storage that does not exist yet, and tells what it found.
pub async fn check(
    cluster: &Cluster,
    meant: &Meant,
    from: Origin,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Reach, Failure> {
    let objects = meant.objects()?;
    let Some(storage) = typed::<BackupStorage>(&objects).filter(|_| from != Origin::None) else {
        return Ok(Reach::Unknown);
    };
    let Some(location) = storage.spec.storage.as_ref().and_then(|backend| Location::of(backend).ok()) else {
        return Ok(Reach::Unknown);
    };
    let way = way(cluster, &location, from).await;
    if let Way::Nowhere(why) = way {
        let text =
            format!("{} is not checked: {why}; the operator checks it once it is applied", meant.spoken());
        streams.story.line(Glyph::Here, &text);
        return Ok(Reach::Unknown);
    }
    let secret = match meant.existing_secret() {
        Some(name) => cluster.get::<Secret>(Some(&meant.namespace), name).await?,
        None => typed::<Secret>(&objects),
    };
    let trial = Trial { what: meant.spoken(), location, secret };
    let ended = trial.run(&way, (context, streams)).await;
    if from == Origin::Auto && matches!((&ended, &way), (Err(Problem::Unreachable(_)), Way::Straight)) {
        return trial.elsewhere(cluster, ended, (context, streams)).await;
    }
    Ok(reach(ended, &way))
}

fn reach(ended: Result<(), Problem>, way: &Way) -> Reach {
    match ended {
        Ok(()) => Reach::Works,
        Err(Problem::Unreachable(reason) | Problem::Refused(reason)) => {
            Reach::Fails { reason, from: way.spoken() }
        }
    }
}

impl Way {
    fn spoken(&self) -> String {
        match self {
            Self::Straight | Self::Nowhere(_) => "this machine".to_owned(),
            Self::Through(tunnel) => format!("the cluster (port-forward to pod {})", tunnel.pod),
        }
    }
}

/// What is tried.
struct Trial {
    what: String,
    location: Location,
    secret: Option<Secret>,
}

impl Trial {
    /// Tries it this way, and tells how that went when it went well.
    async fn run(&self, way: &Way, (context, streams): (&Context, &mut Streams<'_>)) -> Result<(), Problem> {
        let mut location = self.location.clone();
        if let (Location::S3(s3), Way::Through(tunnel)) = (&mut location, way) {
            s3.endpoint.clone_from(&tunnel.endpoint);
        }
        streams.story.line(Glyph::Waiting, &format!("checking {}   from: {}", self.what, way.spoken()));
        let started = context.environment.now();
        trial::run(&location, self.secret.clone(), context).await?;
        let took = human::between(started, context.environment.now());
        let done = "connected, authenticated, listed, wrote, read back and deleted a test object";
        streams.story.line(Glyph::Done, &format!("{done} ({})", human::duration(took)));
        if self.endpoint().is_some_and(|endpoint| endpoint.starts_with("http://")) {
            let text = "plain http: backups are encrypted, the YAML of KubeStash's own objects is not";
            streams.story.line(Glyph::Warning, text);
        }
        Ok(())
    }

    /// Nobody answered this machine. An address of a private network may be one of the cluster's: its pods are asked, or
    /// nothing is known.
    async fn elsewhere(
        &self,
        cluster: &Cluster,
        ended: Result<(), Problem>,
        (context, streams): (&Context, &mut Streams<'_>),
    ) -> Result<Reach, Failure> {
        let Some(endpoint) = self.endpoint().filter(|endpoint| is_private(endpoint)) else {
            return Ok(reach(ended, &Way::Straight));
        };
        if let Err(Problem::Unreachable(reason)) = &ended {
            streams.story.line(Glyph::Here, &format!("from this machine: {reason}"));
        }
        if let Some(tunnel) = tunnel::open(cluster, endpoint).await {
            let way = Way::Through(tunnel);
            let ended = self.run(&way, (context, streams)).await;
            return Ok(reach(ended, &way));
        }
        let text = "that address is of a private network, which pods may reach; the operator checks it once it is applied";
        streams.story.line(Glyph::Warning, text);
        Ok(Reach::Unknown)
    }

    fn endpoint(&self) -> Option<&str> {
        match &self.location {
            Location::S3(s3) => Some(&s3.endpoint),
            Location::Gcs(_) | Location::Azure(_) | Location::Local => None,
        }
    }
}

/// The way that was asked for, or that fits the endpoint.
async fn way(cluster: &Cluster, location: &Location, from: Origin) -> Way {
    let endpoint = match location {
        Location::S3(s3) if from == Origin::Cluster || (from == Origin::Auto && is_inside(&s3.endpoint)) => {
            &s3.endpoint
        }
        Location::Gcs(_) | Location::Azure(_) if from == Origin::Cluster => {
            return Way::Nowhere(
                "it is no Service of the cluster, to a pod of which a port could be forwarded",
            );
        }
        Location::Local => return Way::Nowhere("it is a volume of the cluster"),
        Location::S3(_) | Location::Gcs(_) | Location::Azure(_) => return Way::Straight,
    };
    match tunnel::open(cluster, endpoint).await {
        Some(tunnel) => Way::Through(tunnel),
        None if is_inside(endpoint) => {
            Way::Nowhere("its name is known only inside the cluster, and no port could be forwarded to a pod")
        }
        None => Way::Nowhere("it is no Service of the cluster, to a pod of which a port could be forwarded"),
    }
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

/// The host of a URL.
fn host(endpoint: &str) -> &str {
    let rest = endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

/// Whether the host of a URL is a Service of Kubernetes.
fn is_inside(endpoint: &str) -> bool {
    matches!(
        host(endpoint).split('.').collect::<Vec<_>>().as_slice(),
        [_, _, "svc"] | [.., "cluster", "local"]
    )
}

/// Whether the host of a URL is an address that means something else in every network.
fn is_private(endpoint: &str) -> bool {
    match host(endpoint).parse() {
        Ok(IpAddr::V4(address)) => {
            let [first, second, ..] = address.octets();
            // RFC 1918, and what providers share among their own (RFC 6598).
            address.is_private() || (first == 100 && (64..128).contains(&second))
        }
        Ok(IpAddr::V6(address)) => address.is_unique_local(),
        Err(_) => false,
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
    fn only_names_of_services_are_inside_the_cluster() {
        for (endpoint, inside) in [
            ("http://minio.minio.svc:9000", true),
            ("https://s3.storage.svc.cluster.local", true),
            ("https://s3.amazonaws.com", false),
            ("http://198.18.0.1:7070", false),
            ("https://svc.example.com/x.svc", false),
        ] {
            assert_eq!(is_inside(endpoint), inside, "{endpoint}");
        }
    }

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

    #[test]
    fn addresses_of_private_networks_may_be_those_of_the_cluster() {
        for (endpoint, private) in [
            ("http://10.96.0.12:9000", true),
            ("https://192.168.1.2", true),
            ("http://100.64.0.1", true),
            ("http://[fd00::1]:9000/", true),
            ("http://127.0.0.1:9000", false),
            ("http://100.128.0.1", false),
            ("https://10.example.com", false),
        ] {
            assert_eq!(is_private(endpoint), private, "{endpoint}");
        }
    }
}
