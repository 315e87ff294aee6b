//! From what was typed and what was found to what will be written. Pure.

use crds::storage::{BackupStorage, RetentionPolicy};
use crds::usage_policy::{self, FromNamespaces};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use secrecy::ExposeSecret as _;

use super::observe::Seen;
use crate::failure::{Code, Failure, Missing};
use crate::object::Object;
use crate::setup::backup::{self, Wish};
use crate::setup::encryption::{self, Encryption};
use crate::setup::reader::Reader;
use crate::setup::storage::Meant as Storage;
use crate::setup::target::Target;
use crate::setup::{self, reader, retention};
use crate::suggest;

/// What was typed, as far as it can be understood without the cluster.
#[derive(Debug)]
pub struct Typed<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    pub target: Option<Target>,
    pub flags: &'a backup::Flags,
    pub wish: Wish,
    pub new_storage: Option<Storage>,
    pub encryption: Option<Encryption>,
    pub keep: &'a retention::Flags,
    pub reader: &'a reader::Flags,
}

/// What will be written.
#[derive(Debug)]
pub struct Plan {
    pub namespace: String,
    pub name: String,
    pub target: Option<Target>,
    pub new_storage: Option<Storage>,
    pub encryption: Option<Encryption>,
    pub reader: Option<Reader>,
    new_retention: Option<retention::Flags>,
    wish: Wish,
}

/// Fills in what was not typed: from the backup as it is, from the cluster's defaults, from the usual. What nobody can
/// know is added to `missing`.
pub fn plan(typed: Typed<'_>, seen: &Seen, missing: &mut Vec<Missing>) -> Result<Plan, Failure> {
    let is_new = seen.existing.is_none();
    let Typed { namespace, name, target, flags, mut wish, new_storage, encryption, keep, reader } = typed;
    if target.is_none() && is_new {
        let hint = "cluster, namespace, or KIND/NAME such as deploy/orders".into();
        missing.push(Missing { flag: "--target", meaning: "what to back up", hint });
    }
    wish.target.clone_from(&target);
    wish.storage = match (&new_storage, &flags.storage) {
        (Some(storage), _) => Some((storage.namespace.clone(), storage.name.clone())),
        (None, Some(typed)) => Some(usable(typed, namespace, seen)?),
        (None, None) if is_new => default_storage(namespace, seen, missing),
        (None, None) => None,
    };
    let encryption = encryption_of(encryption, (namespace, name), seen, missing)?;
    wish.encryption = encryption.as_ref().map(|encryption| {
        let (namespace, name) = encryption.reference();
        (namespace.to_owned(), name.to_owned())
    });
    let new_retention = retention_of(flags, keep, (namespace, name), seen, &mut wish)?;
    let mut not_given = Vec::new();
    let reads = reader.meant(target.as_ref().or(scope_of(seen).as_ref()), namespace, &mut not_given);
    if is_new {
        missing.append(&mut not_given);
    }
    wish.service_account = reads.as_ref().map(|reader| reader.name().to_owned());
    let target = target.or_else(|| scope_of(seen));
    Ok(Plan {
        namespace: namespace.into(),
        name: name.into(),
        target,
        new_storage,
        encryption,
        reader: reads,
        new_retention,
        wish,
    })
}

impl Plan {
    /// The objects, in the order in which they are written.
    pub fn objects(&self, seen: &Seen) -> Result<Vec<Object>, Failure> {
        let mut objects = match &self.new_storage {
            Some(storage) => storage.objects()?,
            None => Vec::new(),
        };
        if let Some(secret) = self.encryption.as_ref().and_then(Encryption::secret) {
            objects.push(Object::typed(&secret)?.create_only());
        }
        if let (Some(reader), Some(target)) = (&self.reader, &self.target) {
            objects.extend(reader.objects(target, &self.namespace)?);
        }
        if let Some(retention) = &self.new_retention {
            objects.push(retention.object(&self.namespace, &self.name)?);
        }
        let existing = seen.existing.as_ref().map(|configuration| &configuration.spec);
        objects.push(backup::object((&self.namespace, &self.name), existing, &self.wish)?);
        Ok(objects)
    }

    /// Whether a password is made that nobody has a copy of.
    #[must_use]
    pub fn makes_password(&self) -> bool {
        matches!(self.encryption, Some(Encryption::New { generated: true, .. }))
    }

    /// What is kept, when this plan says it.
    #[must_use]
    pub fn kept(&self) -> Option<String> {
        self.new_retention.as_ref().map(retention::Flags::spoken)
    }
}

/// The scope of the backup as it is, to make a reader for it.
fn scope_of(seen: &Seen) -> Option<Target> {
    let existing = seen.existing.as_ref()?;
    let Some(target) = &existing.spec.target else { return Some(Target::Cluster) };
    match target.kind.as_deref() {
        Some("Namespace") => Some(Target::Namespace(target.name.clone())),
        _ => target.namespace.clone().map(Target::Namespace),
    }
}

/// A storage that was named, if it exists and may be used from here. Of a cluster that was not asked, all are.
fn usable(typed: &str, namespace: &str, seen: &Seen) -> Result<(String, String), Failure> {
    let (place, name) = setup::reference("--storage", typed, namespace)?;
    if seen.storages.is_empty() && seen.namespace_labels.is_empty() {
        return Ok((place, name));
    }
    let found = seen.storages.iter().find(|storage| is_at(storage, &place, &name));
    let Some(storage) = found else {
        let there: Vec<String> = seen
            .storages
            .iter()
            .filter(|storage| storage.namespace().as_deref() == Some(&*place))
            .map(kube::ResourceExt::name_any)
            .collect();
        let fix = match suggest::nearest(&name, there.iter().map(String::as_str)) {
            Some(nearest) => format!("did you mean --storage {place}/{nearest}?"),
            None => format!("kubectl kubestash storage create {name} -n {place} …"),
        };
        return Err(Failure::new(
            Code::ObjectMissing,
            format!("BackupStorage {place}/{name} does not exist"),
        )
        .row("found", known(seen, namespace))
        .fix(fix));
    };
    if allows(storage, namespace, seen) {
        return Ok((place, name));
    }
    let from = usage_policy::effective(storage.spec.usage_policy.as_ref()).from();
    let from = match from {
        Some(FromNamespaces::Selector) => "allows only namespaces that its selector matches",
        Some(FromNamespaces::Same | FromNamespaces::All) | None => "allows only its own namespace",
    };
    Err(Failure::new(Code::StorageNotAllowed, format!("namespace \"{namespace}\" may not use BackupStorage {place}/{name}"))
        .why(format!("its spec.usagePolicy {from}"))
        .fix(format!(
            "kubectl patch backupstorage {name} -n {place} --type merge -p '{{\"spec\":{{\"usagePolicy\":{{\"allowedNamespaces\":{{\"from\":\"All\"}}}}}}}}'\n\
             or use another storage:  --storage [NAMESPACE/]NAME"
        )))
}

fn is_at(storage: &BackupStorage, namespace: &str, name: &str) -> bool {
    storage.metadata.namespace.as_deref() == Some(namespace) && storage.metadata.name.as_deref() == Some(name)
}

fn allows(storage: &BackupStorage, namespace: &str, seen: &Seen) -> bool {
    let policy = usage_policy::effective(storage.spec.usage_policy.as_ref());
    let of = storage.metadata.namespace.as_deref().unwrap_or_default();
    policy.allows(of, namespace, &seen.namespace_labels)
}

/// The storage that is used when none is named: the default one, or the only one that may be used.
fn default_storage(namespace: &str, seen: &Seen, missing: &mut Vec<Missing>) -> Option<(String, String)> {
    let usable: Vec<&BackupStorage> =
        seen.storages.iter().filter(|storage| allows(storage, namespace, seen)).collect();
    let own = |storage: &&&BackupStorage| storage.metadata.namespace.as_deref() == Some(namespace);
    let default: Vec<&&BackupStorage> = usable.iter().filter(|storage| storage.spec.default).collect();
    let chosen = match (default.iter().copied().find(own), default.as_slice(), usable.as_slice()) {
        (Some(own), _, _) => Some(*own),
        (None, [one, ..], _) => Some(**one),
        (None, [], [only]) => Some(*only),
        (None, [], _) => None,
    };
    if chosen.is_none() {
        let hint = match known(seen, namespace) {
            none if none.is_empty() => "none found; --bucket NAME and its credentials make one".to_owned(),
            some => format!("found: {some}"),
        };
        missing.push(Missing { flag: "--storage", meaning: "BackupStorage to write to", hint });
    }
    chosen.map(|storage| (storage.namespace().unwrap_or_default(), storage.name_any()))
}

/// The storages that may be used from here, for people.
fn known(seen: &Seen, namespace: &str) -> String {
    let usable = seen.storages.iter().filter(|storage| allows(storage, namespace, seen));
    let names: Vec<String> = usable
        .map(|storage| format!("{}/{}", storage.namespace().unwrap_or_default(), storage.name_any()))
        .collect();
    names.join(", ")
}

/// The password: what was typed, but never another one than the Secret of an earlier run holds.
fn encryption_of(
    typed: Option<Encryption>,
    (namespace, name): (&str, &str),
    seen: &Seen,
    missing: &mut Vec<Missing>,
) -> Result<Option<Encryption>, Failure> {
    let earlier = seen.encryption.as_ref().and_then(password_of);
    let existing =
        || Encryption::Existing { namespace: namespace.into(), name: encryption::secret_name(name) };
    match (typed, earlier) {
        (Some(Encryption::New { password, generated: false, .. }), Some(held))
            if password.expose_secret().as_bytes() != held =>
        {
            let secret = encryption::secret_name(name);
            Err(Failure::new(Code::PasswordConflict, format!("Secret {namespace}/{secret} holds another password"))
                .why("what was encrypted with that one could not be restored with the new one")
                .fix(format!("--encryption-secret {secret} to go on with it, or --encryption-secret with one of another name")))
        }
        (Some(Encryption::New { .. }) | None, Some(_)) => Ok(Some(existing())),
        (Some(typed), _) => Ok(Some(typed)),
        (None, None) if seen.existing.is_some() => Ok(None),
        (None, None) => {
            missing.push(Missing {
                flag: "--generate-encryption-secret",
                meaning: "make an encryption password",
                hint: "or --encryption-secret NAME, or --encryption-password-file FILE".into(),
            });
            Ok(None)
        }
    }
}

fn password_of(secret: &Secret) -> Option<&[u8]> {
    let password = secret.data.as_ref()?.get(encryption::KEY)?;
    (!password.0.is_empty()).then_some(&password.0)
}

/// How long backups are kept: as typed, by the policy that was named, as before, by the cluster's default policy, or as
/// usual. Returns the policy that is to be written.
fn retention_of(
    flags: &backup::Flags,
    keep: &retention::Flags,
    (namespace, name): (&str, &str),
    seen: &Seen,
    wish: &mut Wish,
) -> Result<Option<retention::Flags>, Failure> {
    if let Some(typed) = &flags.retention {
        if keep.any() {
            return Err(Failure::usage(
                "--retention names a policy, --keep-* and --max-retention describe one",
            )
            .fix("leave one of the two out"));
        }
        wish.retention = Some(setup::reference("--retention", typed, namespace)?);
        return Ok(None);
    }
    let described = if keep.any() {
        keep.clone()
    } else if seen.existing.is_some() {
        return Ok(None);
    } else if let Some(default) = default_policy(namespace, seen) {
        wish.retention = Some((default.namespace().unwrap_or_default(), default.name_any()));
        return Ok(None);
    } else {
        retention::Flags::usual()
    };
    wish.retention = Some((namespace.to_owned(), name.to_owned()));
    Ok(Some(described))
}

fn default_policy<'a>(namespace: &str, seen: &'a Seen) -> Option<&'a RetentionPolicy> {
    let allowed = |policy: &&RetentionPolicy| {
        let of = policy.metadata.namespace.as_deref().unwrap_or_default();
        let usage = usage_policy::effective(policy.spec.usage_policy.as_ref());
        policy.spec.default && usage.allows(of, namespace, &seen.namespace_labels)
    };
    let own = |policy: &&RetentionPolicy| policy.metadata.namespace.as_deref() == Some(namespace);
    let usable: Vec<&RetentionPolicy> = seen.policies.iter().filter(allowed).collect();
    usable.iter().copied().find(own).or_else(|| usable.first().copied())
}

#[cfg(test)]
mod tests;
