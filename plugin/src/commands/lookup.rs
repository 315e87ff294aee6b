//! From names, labels or "all" to objects: what every verb that takes an object has in common.

use kube::{Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use crate::cluster::Cluster;
use crate::commands::create;
use crate::failure::{Code, Failure};
use crate::object::Kind;
use crate::suggest;

/// Which objects are meant.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "choice")]
pub struct Choice {
    /// Names of the objects
    #[arg(required_unless_present_any = ["selector", "all"], value_name = "NAME")]
    pub names: Vec<String>,
    /// The objects with these labels
    #[arg(short = 'l', long, conflicts_with = "names", value_name = "LABELS")]
    pub selector: Option<String>,
    /// All objects of the namespace
    #[arg(long, conflicts_with_all = ["names", "selector"])]
    pub all: bool,
}

impl Choice {
    /// The objects that are meant. A name that does not exist is an error before anything is done to the others; labels
    /// that nothing has are one as well, so that a script does not take silence for success.
    pub async fn objects<K>(&self, cluster: &Cluster, namespace: &str) -> Result<Vec<K>, Failure>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned + Clone,
    {
        if !self.names.is_empty() {
            return named(cluster, namespace, &self.names).await;
        }
        let labels = self.selector.as_deref().unwrap_or_default();
        let found = cluster.list(Some(namespace), labels).await?;
        if found.is_empty() {
            create::installed(cluster).await?;
            let kind = Kind::of::<K>().kind;
            let with =
                if labels.is_empty() { String::new() } else { format!(" with the labels \"{labels}\"") };
            return Err(Failure::new(
                Code::ObjectMissing,
                format!("there is no {kind}{with} in namespace {namespace}"),
            ));
        }
        Ok(found)
    }
}

/// The objects of these names, in their order, each once; all names that do not exist are told.
pub async fn named<K>(cluster: &Cluster, namespace: &str, names: &[String]) -> Result<Vec<K>, Failure>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone,
{
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for (index, name) in names.iter().enumerate() {
        if names[..index].contains(name) {
            continue;
        }
        match cluster.get(Some(namespace), name).await? {
            Some(object) => found.push(object),
            None => failures.push(not_found::<K>(cluster, namespace, name).await?),
        }
    }
    Failure::several(failures).map_or(Ok(found), Err)
}

/// One object that must exist.
pub async fn one<K>(cluster: &Cluster, namespace: &str, name: &str) -> Result<K, Failure>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone,
{
    match cluster.get(Some(namespace), name).await? {
        Some(object) => Ok(object),
        None => Err(not_found::<K>(cluster, namespace, name).await?),
    }
}

/// An object that does not exist, with the nearest name that does.
pub async fn not_found<K>(cluster: &Cluster, namespace: &str, name: &str) -> Result<Failure, Failure>
where
    K: Resource<DynamicType = ()> + DeserializeOwned + Clone,
{
    create::installed(cluster).await?;
    let known: Vec<K> = cluster.list(Some(namespace), "").await?;
    let names: Vec<String> = known.iter().map(kube::ResourceExt::name_any).collect();
    Ok(unknown(&Kind::of::<K>().kind, namespace, name, &names))
}

/// An object that does not exist among those that do.
#[must_use]
pub fn unknown(kind: &str, namespace: &str, name: &str, known: &[String]) -> Failure {
    /// More names than fit a few lines help nobody.
    const SHOWN: usize = 10;
    let failure = Failure::new(Code::ObjectMissing, format!("{kind} {namespace}/{name} does not exist"));
    if let Some(nearest) = suggest::nearest(name, known.iter().map(String::as_str)) {
        return failure.fix(format!("did you mean {nearest}?"));
    }
    let first: Vec<&str> = known.iter().take(SHOWN).map(String::as_str).collect();
    match known.len() {
        0 => failure.fix(making(kind)),
        more if more > SHOWN => failure.row("found", format!("{}, …", first.join(", "))),
        _ => failure.row("found", first.join(", ")),
    }
}

/// The command that makes objects of a kind, or that shows where there are some.
fn making(kind: &str) -> &'static str {
    match kind {
        "BackupStorage" => "kubectl kubestash storage create",
        "RetentionPolicy" => "kubectl kubestash retention create",
        "Snapshot" => "kubectl kubestash trigger NAME",
        "RestoreSession" => "kubectl kubestash restore create latest",
        "ServiceAccount" => "--create-restorer   makes one with the rights that the plan takes",
        "Secret" => "kubectl create secret",
        _ => "kubectl kubestash backup create",
    }
}

/// `namespace/name` of an object.
#[must_use]
pub fn place<K: Resource>(object: &K) -> String {
    format!("{}/{}", object.namespace().unwrap_or_default(), object.name_any())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_gets_the_nearest_one_or_all_or_the_way_to_the_first() {
        let known: Vec<String> = ["minio", "offsite"].map(str::to_owned).into();
        let rows = |name: &str, known: &[String]| {
            let failure = unknown("BackupStorage", "shop", name, known);
            assert_eq!(failure.what(), format!("BackupStorage shop/{name} does not exist"));
            failure.rows().map(|(label, text)| format!("{label} {text}")).collect::<Vec<_>>()
        };
        assert_eq!(rows("mino", &known), ["fix did you mean minio?"]);
        assert_eq!(rows("tape", &known), ["found minio, offsite"]);
        assert_eq!(rows("tape", &[]), ["fix kubectl kubestash storage create"]);
        let many: Vec<String> = (0..30).map(|number| format!("s{number}")).collect();
        assert_eq!(rows("something-else", &many), ["found s0, s1, s2, s3, s4, s5, s6, s7, s8, s9, …"]);
    }
}
