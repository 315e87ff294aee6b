//! `password update`: another password for backups, in the repository and in the Secret, in an order that leaves the
//! Secret's password valid at every moment: new keys, then the Secret, then away with the old keys.

use archive::access::Password;
use archive::access::key::RESTIC_PASSWORD;
use archive::repository::{KeyInfo, Repository as Archive};
use base64::Engine as _;
use crds::storage::Repository;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use serde_json::json;

use super::{Place, keys, new, short};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::object::Kind;
use crate::output;
use crate::repository::{self, Found, who};
use crate::story::Glyph;
use crate::streams::Streams;

/// Replace the password that backups use, in the repository and in its Secret
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    new: new::Flags,
}

impl Args {
    /// Updates.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let password = self.new.read(context, streams).await?;
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let found =
            repository::find(&cluster, (&namespace, &self.place.repository), &[], self.place.source).await?;
        if let Some(left_out) = left_out(&found.paths, &self.place.paths) {
            return Err(Failure::usage(format!("--paths leaves out {left_out}"))
                .why(format!(
                    "one Secret, {}, opens all components: the others would be locked out",
                    found.secret
                ))
                .fix("leave --paths out"));
        }
        if password.expose() == found.password.expose() {
            return Err(Failure::new(Code::PasswordConflict, "the new password is the one in use")
                .why(format!("Secret {} holds it already", found.secret)));
        }
        only_user(&cluster, &found).await?;
        set_secret(&cluster, &found, &password, true).await?;
        let opened = repository::open_all(&found, (context, streams)).await?;
        let old = replace_keys(&found, &opened, &password, context).await?;
        set_secret(&cluster, &found, &password, false).await?;
        streams.story.line(Glyph::Done, &format!("Secret {} holds the new password", found.secret));
        let rows = remove_old(&found, &old, &password, context).await?;
        let table = output::table(&["COMPONENT", "NEW KEY", "REMOVED KEY"], &rows);
        streams.results.write_all(table.as_bytes())?;
        let text = format!("{} opens with the new password; the old one is of no use", found.name());
        streams.story.line(Glyph::Done, &text);
        streams.story.line(
            Glyph::Warning,
            &format!(
                "nobody can restore without it: keep a copy outside the cluster (Secret {})",
                found.secret
            ),
        );
        Ok(())
    }
}

/// A component of which the old key is to go.
struct Replaced {
    path: String,
    old: KeyInfo,
    new: String,
}

/// Adds the new key everywhere.
async fn replace_keys(
    found: &Found,
    opened: &[(String, Archive)],
    password: &Password,
    context: &Context,
) -> Result<Vec<Replaced>, Failure> {
    let (user, host) = who(&context.environment);
    let doing = format!("add a key to repository {}", found.name());
    let mut replaced = Vec::new();
    for (path, archive) in opened {
        let current = keys(found, archive).await?.into_iter().find(|key| key.current);
        let new = archive.add_key(password, &user, &host).await;
        let new = new.map_err(|error| repository::failure(&error, &doing))?;
        if let Some(old) = current {
            replaced.push(Replaced { path: path.clone(), old, new });
        }
    }
    Ok(replaced)
}

/// Opens each component with the new password, which proves that it does, and removes the old key.
async fn remove_old(
    found: &Found,
    replaced: &[Replaced],
    password: &Password,
    context: &Context,
) -> Result<Vec<Vec<String>>, Failure> {
    let doing = format!("remove the old key of repository {}", found.name());
    let mut rows = Vec::new();
    for Replaced { path, old, new } in replaced {
        let archive = found.open_with(path, password, &context.environment).await?;
        archive.remove_key(&old.id).await.map_err(|error| {
            repository::failure(&error, &doing)
                .row("state", "both passwords open it; the Secret holds the new one")
                .row(
                    "then",
                    format!(
                        "kubectl kubestash password remove {} --id-paths {}:{path}",
                        found.object.name_any(),
                        old.id
                    ),
                )
        })?;
        rows.push(vec![path.clone(), short(new), short(&old.id)]);
    }
    Ok(rows)
}

/// The first component that `wished` leaves out; an empty wish means all.
fn left_out<'a>(all: &'a [String], wished: &[String]) -> Option<&'a str> {
    let wished: Vec<String> = wished.iter().map(|path| archive::location::trimmed(path)).collect();
    all.iter().find(|path| !wished.is_empty() && !wished.contains(path)).map(String::as_str)
}

/// A Secret that opens other repositories as well cannot be changed for one of them.
async fn only_user(cluster: &Cluster, found: &Found) -> Result<(), Failure> {
    let everywhere: Result<Vec<Repository>, _> = cluster.list(None, "").await;
    let known = match everywhere {
        Ok(known) => known,
        // Who may not look at all namespaces sees at least the own one.
        Err(error) if error.status() == Some(403) => {
            cluster.list(found.object.namespace().as_deref(), "").await?
        }
        Err(error) => return Err(error.into()),
    };
    let others = others(&known, found);
    if others.is_empty() {
        return Ok(());
    }
    let secret = &found.secret;
    Err(Failure::new(
        Code::PasswordConflict,
        format!("Secret {secret} cannot be changed for {} alone", found.name()),
    )
    .why(format!("it opens other repositories too: {}", others.join(", ")))
    .fix(
        "1  kubectl kubestash password add REPO --new-password-file FILE      for each of them\n\
              2  put the new password into the Secret\n\
              3  kubectl kubestash password remove REPO --id-paths ID:PATH         for each of them",
    ))
}

fn others(known: &[Repository], found: &Found) -> Vec<String> {
    let uses = |repository: &&Repository| {
        let namespace = repository.namespace().unwrap_or_default();
        let secret = repository.spec.encryption_secret.as_ref();
        secret.is_some_and(|secret| secret.resolved(&namespace) == found.secret)
            && repository.uid() != found.object.uid()
    };
    let name = |repository: &Repository| {
        format!("{}/{}", repository.namespace().unwrap_or_default(), repository.name_any())
    };
    known.iter().filter(uses).map(name).collect()
}

/// Puts the password into the Secret; a dry run finds out whether that may be done.
async fn set_secret(
    cluster: &Cluster,
    found: &Found,
    password: &Password,
    dry_run: bool,
) -> Result<(), Failure> {
    let value = base64::engine::general_purpose::STANDARD.encode(password.expose());
    let body = json!({"data": {RESTIC_PASSWORD: value}});
    let place = (found.secret.namespace.as_deref(), found.secret.name.as_str());
    cluster.merge(&Kind::of::<Secret>(), place, &body, dry_run).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_that_is_left_out_is_named() {
        let all = ["a/b".to_owned(), "c/d".to_owned()];
        assert_eq!(left_out(&all, &[]), None);
        assert_eq!(left_out(&all, &["/a/b/".to_owned()]), Some("c/d"));
        assert_eq!(left_out(&all, &["a/b".to_owned(), "c/d".to_owned()]), None);
    }
}
