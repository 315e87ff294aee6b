//! `password list`: the keys of a repository.

use archive::repository::KeyInfo;
use serde_json::{Value, json};

use super::{Place, keys, short};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Format, Shape};
use crate::repository;
use crate::streams::Streams;

/// List the keys, one for each password
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    /// Output format; name prints ID:PATH, as remove takes it
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
}

impl Args {
    /// Lists.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let (found, opened) = self.place.open((context, streams)).await?;
        let mut all = Vec::new();
        for (path, archive) in &opened {
            all.extend(keys(&found, archive).await?.into_iter().map(|key| (path.clone(), key)));
        }
        streams.results.write_all(render(&all, &self.output)?.as_bytes())?;
        Ok(())
    }
}

fn render(all: &[(String, KeyInfo)], format: &Format) -> Result<String, Failure> {
    // Keys are no objects: their name is what `remove` takes.
    if *format == Format::Name {
        return Ok(output::lines(all.iter().map(|(path, key)| format!("{}:{path}", key.id))));
    }
    let values: Vec<Value> = all.iter().map(|(path, key)| value(path, key)).collect();
    if let Some(text) = format.document(&[Value::Array(values)], Shape::Named)? {
        return Ok(text);
    }
    let wide = *format == Format::Wide;
    let rows: Vec<Vec<String>> = all.iter().map(|(path, key)| row(path, key, wide)).collect();
    Ok(output::table(&["COMPONENT", "KEY", "USER", "HOST", "CREATED", "IN USE"], &rows))
}

fn row(path: &str, key: &KeyInfo, wide: bool) -> Vec<String> {
    let path = if wide { path } else { repository::short(path) };
    let created = key.created.map(|time| time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()).unwrap_or_default();
    let id = if wide { key.id.clone() } else { short(&key.id) };
    let used = if key.current { "yes" } else { "no" };
    vec![path.to_owned(), id, key.user.clone(), key.host.clone(), created, used.to_owned()]
}

/// With restic's field names.
fn value(path: &str, key: &KeyInfo) -> Value {
    json!({
        "path": path,
        "current": key.current,
        "id": key.id,
        "userName": key.user,
        "hostName": key.host,
        "created": key.created.map(|time| time.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_shown_in_every_format() {
        let key = KeyInfo {
            id: "0123456789abcdef".to_owned(),
            user: "ann".to_owned(),
            host: "laptop".to_owned(),
            created: Some("2026-11-22T14:00:00Z".parse().unwrap()),
            current: true,
        };
        let all = [("repository/v1/nightly/manifest".to_owned(), key)];
        assert_eq!(
            render(&all, &Format::Table).unwrap(),
            "COMPONENT          KEY        USER   HOST     CREATED                IN USE\n\
             nightly/manifest   01234567   ann    laptop   2026-11-22 14:00:00Z   yes\n"
        );
        assert_eq!(render(&all, &Format::Name).unwrap(), "0123456789abcdef:repository/v1/nightly/manifest\n");
        assert!(render(&all, &Format::Json).unwrap().contains("\"current\": true"));
    }
}
