//! `password remove`: keys go, and with them what their passwords open.

use archive::repository::KeyInfo;

use super::{keys, short};
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::output;
use crate::repository::{self, Source};
use crate::story::Glyph;
use crate::streams::Streams;

/// Remove keys: their passwords open the repository no longer
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Repository
    #[arg(value_name = "REPO")]
    repository: String,
    /// The keys and their components, as list -o name prints them; may be repeated, or comma separated
    #[arg(long, required = true, value_delimiter = ',', value_name = "ID:PATH")]
    id_paths: Vec<String>,
    #[command(flatten)]
    source: Source,
}

impl Args {
    /// Looks at all that is to go before anything does.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let wished: Vec<(String, String)> =
            self.id_paths.iter().map(|text| parse(text)).collect::<Result<_, _>>()?;
        let paths: Vec<String> = wished.iter().map(|(_, path)| path.clone()).collect();
        let namespace = context.namespace()?;
        let cluster = context.cluster().await?;
        let found = repository::find(&cluster, (&namespace, &self.repository), &paths, self.source).await?;
        let opened = repository::open_all(&found, (context, streams)).await?;
        let mut planned = Vec::new();
        for (path, archive) in &opened {
            let keys = keys(&found, archive).await?;
            for (id, _) in wished.iter().filter(|(_, wished)| wished == path) {
                let key = resolve(&keys, id, path)?;
                if key.current {
                    return Err(in_use(key, &found.secret.to_string(), &self.repository));
                }
                planned.push((path, archive, key.id.clone()));
            }
        }
        let doing = format!("remove a key of repository {}", found.name());
        let mut rows = Vec::new();
        for (path, archive, id) in &planned {
            archive.remove_key(id).await.map_err(|error| repository::failure(&error, &doing))?;
            rows.push(vec![(*path).clone(), short(id)]);
        }
        streams.results.write_all(output::table(&["COMPONENT", "KEY"], &rows).as_bytes())?;
        let text = format!("{} removed from {}", crate::human::counted(rows.len(), "key"), found.name());
        streams.story.line(Glyph::Done, &text);
        Ok(())
    }
}

/// `ID:PATH` in its two parts.
fn parse(text: &str) -> Result<(String, String), Failure> {
    match text.split_once(':') {
        Some((id, path)) if !id.is_empty() && !path.is_empty() => {
            Ok((id.to_owned(), archive::location::trimmed(path)))
        }
        _ => Err(Failure::usage(format!("--id-paths {text} is no ID:PATH"))
            .fix("kubectl kubestash password list REPO -o name   prints them")),
    }
}

/// The one key whose id begins so.
fn resolve<'a>(keys: &'a [KeyInfo], id: &str, path: &str) -> Result<&'a KeyInfo, Failure> {
    let mut matching = keys.iter().filter(|key| key.id.starts_with(id));
    match (matching.next(), matching.next()) {
        (Some(key), None) => Ok(key),
        (Some(_), Some(_)) => {
            Err(Failure::new(Code::Ambiguous, format!("several keys of {path} begin with {id}"))
                .fix("write more digits of the one that is meant"))
        }
        (None, _) => {
            let known: Vec<String> = keys.iter().map(|key| short(&key.id)).collect();
            Err(Failure::new(Code::ObjectMissing, format!("{path} has no key {id}"))
                .row("found", known.join(", ")))
        }
    }
}

fn in_use(key: &KeyInfo, secret: &str, repository: &str) -> Failure {
    Failure::new(Code::PasswordConflict, format!("key {} is the one in use and stays", short(&key.id)))
        .why(format!("Secret {secret} opens the repository with it: without it no backup could run"))
        .fix(format!("replace that password instead:  kubectl kubestash password update {repository}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> KeyInfo {
        KeyInfo { id: id.into(), user: String::new(), host: String::new(), created: None, current: false }
    }

    #[test]
    fn a_key_is_found_by_its_first_digits_if_they_are_its_own() {
        let keys = [key("aa11"), key("aa22"), key("bb33")];
        assert_eq!(resolve(&keys, "bb", "p").unwrap().id, "bb33");
        assert_eq!(resolve(&keys, "aa22", "p").unwrap().id, "aa22");
        assert!(resolve(&keys, "aa", "p").unwrap_err().what().contains("several"));
        assert_eq!(resolve(&keys, "cc", "p").unwrap_err().rows().next(), Some(("found", "aa11, aa22, bb33")));
    }

    #[test]
    fn an_id_and_its_path_are_divided_by_a_colon() {
        assert_eq!(parse("ab:/a/b/").unwrap(), ("ab".to_owned(), "a/b".to_owned()));
        assert!(parse("ab").is_err() && parse(":x").is_err() && parse("ab:").is_err());
    }
}
