//! The last question: everything that will be written, judged by the API server, before anything is.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::file;
use crate::apply::{self, Effect, Written};
use crate::ask::{self, Answer, Question, Shape};
use crate::cluster::Cluster;
use crate::commands::create;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::object::{self, Object};
use crate::output;
use crate::setup;
use crate::story::Glyph;
use crate::streams::Streams;

/// What is wrong with the objects although the API server would take them.
pub type Sound = fn(&[Object]) -> Result<(), Failure>;

/// What the person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Apply,
    Back,
    Quit,
}

const KEYS: &[(char, &str)] =
    &[('y', "yes"), ('v', "view YAML"), ('e', "edit"), ('s', "save"), ('b', "back"), ('q', "quit")];

/// Where a slip is dear, Enter alone applies nothing.
const CAREFUL: &[(char, &str)] =
    &[('q', "quit"), ('y', "yes"), ('v', "view YAML"), ('e', "edit"), ('s', "save"), ('b', "back")];

/// Shows what will be written until the person decides.
pub async fn review(
    (name, objects): (&str, &mut Vec<Object>),
    (write, sound): (&create::Flags, Sound),
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Decision, Failure> {
    loop {
        sound(objects)?;
        if write.diff {
            // Nothing is applied: the difference itself is what the person wants to see.
            return Ok(Decision::Apply);
        }
        let judged = apply::judge(cluster, objects, write.force_conflicts).await;
        let would_be = match judged {
            Ok((_, would_be)) => would_be,
            Err(failure) => {
                refused(&failure, context, streams).await?;
                return Ok(Decision::Back);
            }
        };
        show(objects, &would_be, cluster, streams);
        if write.yes {
            return Ok(Decision::Apply);
        }
        let decision = decide((name, objects), &would_be, cluster, (context, streams)).await?;
        if let Some(decision) = decision {
            return Ok(decision);
        }
    }
}

/// Tells what is wrong, and goes back unless the person has enough.
pub async fn refused(failure: &Failure, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
    streams.story.always(failure.render(false).trim_end());
    let question = Question {
        title: "That cannot be written.".into(),
        help: "Back leads to the last question.",
        shape: ask::Shape::Keys(&[('b', "back"), ('q', "quit")]),
    };
    match ask::ask(&question, context, streams).await? {
        Answer::Key('q') => Err(ask::cancelled(Exit::Interrupted)),
        _ => Ok(()),
    }
}

/// One round of the question; `None` when the objects were edited and are to be judged again.
async fn decide(
    (name, objects): (&str, &mut Vec<Object>),
    would_be: &[Written],
    cluster: &Cluster,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Option<Decision>, Failure> {
    let careful = ["prod", "live"].iter().any(|word| cluster.context().contains(word));
    let question = Question {
        title: "Apply?".into(),
        help: "y writes all of it, v shows it as YAML, e opens it in $EDITOR, s saves it to a file, b goes back.",
        shape: Shape::Keys(if careful { CAREFUL } else { KEYS }),
    };
    loop {
        match ask::ask(&question, context, streams).await? {
            Answer::Key('y') => return Ok(Some(Decision::Apply)),
            Answer::Key('q') => return Ok(Some(Decision::Quit)),
            Answer::Key('v') => {
                let shown: Vec<Value> = would_be.iter().map(|one| one.shown.clone()).collect();
                streams.story.always(output::yaml(&shown)?.trim_end());
            }
            Answer::Key('s') => save(name, objects, context, streams).await?,
            Answer::Key('e') => match edit(objects, context).await {
                Ok(edited) => {
                    *objects = edited;
                    return Ok(None);
                }
                Err(failure) => streams.story.always(failure.render(false).trim_end()),
            },
            _ => return Ok(Some(Decision::Back)),
        }
    }
}

/// A line per object: what happens to it, and what is in it.
fn show(objects: &[Object], would_be: &[Written], cluster: &Cluster, streams: &mut Streams<'_>) {
    streams.story.always(&format!("\nWill be written to cluster {}:", cluster.context()));
    let name = |object: &Object| match &object.namespace {
        Some(namespace) => format!("{namespace}/{}", object.name),
        None => object.name.clone(),
    };
    let width = objects.iter().map(|object| name(object).chars().count()).max().unwrap_or(0);
    for (object, written) in objects.iter().zip(would_be) {
        let mark = match written.effect {
            Effect::Created => '+',
            Effect::Configured => '~',
            Effect::Unchanged => '=',
        };
        let line = format!("  {mark} {:19}  {:width$}  {}", object.kind.kind, name(object), inside(object));
        streams.story.always(line.trim_end());
    }
    streams.story.line(Glyph::Done, "server dry-run: accepted");
}

/// What an object says, in a few words.
fn inside(object: &Object) -> String {
    let at = |path: &str| object.body.pointer(path);
    let text = |path: &str| at(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    match object.kind.kind.as_str() {
        "Secret" => {
            let number = at("/data").and_then(Value::as_object).map_or(0, serde_json::Map::len);
            format!("{number} {}, hidden", if number == 1 { "value" } else { "values" })
        }
        "BackupStorage" => {
            let backend =
                at("/spec/storage").and_then(|backend| serde_json::from_value(backend.clone()).ok());
            let backend = backend.as_ref().map(setup::storage::spoken).unwrap_or_default();
            let data = if text("/spec/deletionPolicy") == "WipeOut" { "data erased" } else { "data kept" };
            format!("{backend}, {data} when it is deleted")
        }
        "RetentionPolicy" => {
            let counts = at("/spec/successfulSnapshots").and_then(Value::as_object);
            // In the order in which people count.
            let order = ["last", "hourly", "daily", "weekly", "monthly", "yearly"];
            let part = |word: &&str| Some(format!("{} {word}", counts?.get(*word)?));
            let mut parts: Vec<String> = order.iter().filter_map(part).collect();
            parts.extend(
                at("/spec/maxRetentionPeriod").and_then(Value::as_str).map(|age| format!("at most {age}")),
            );
            parts.extend((at("/spec/default") == Some(&Value::Bool(true))).then(|| "the default".to_owned()));
            parts.join(", ")
        }
        "BackupConfiguration" => {
            let session = text("/spec/sessions/0/name");
            format!("session {session}, {}", text("/spec/sessions/0/scheduler/schedule"))
        }
        "Role" => "get, list on everything in its namespace".into(),
        _ => String::new(),
    }
}

/// Saves the objects for Git, without Secrets; a file that exists is left alone.
async fn save(
    name: &str,
    objects: &[Object],
    context: &Context,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let default = format!("{name}.yaml");
    let question = Question::line("File", "The objects as YAML, without Secrets.", default);
    let Answer::Text(name) = ask::ask(&question, context, streams).await? else { return Ok(()) };
    let path = PathBuf::from(&name);
    if path.exists() {
        streams.story.line(Glyph::Warning, &format!("{name} exists already; nothing was saved"));
        return Ok(());
    }
    match file::write(&path, &create::export(objects)?) {
        Ok(()) => streams.story.line(Glyph::Done, &format!("saved {name}")),
        Err(error) => streams.story.line(Glyph::Failed, &format!("cannot write {name}: {error}")),
    }
    Ok(())
}

/// The objects after the person changed them in an editor; Secrets are not shown to it.
async fn edit(objects: &[Object], context: &Context) -> Result<Vec<Object>, Failure> {
    let failed = |what: &str, why: String| Failure::new(Code::FileUnusable, what.to_owned()).why(why);
    let folder =
        tempfile::tempdir().map_err(|error| failed("cannot make a file to edit", error.to_string()))?;
    let file = folder.path().join("backup.yaml");
    let open: Vec<Value> =
        objects.iter().filter(|object| !object.is_secret()).map(|object| object.body.clone()).collect();
    file::write(&file, &output::yaml(&open)?)
        .map_err(|error| failed("cannot write the file to edit", error.to_string()))?;
    let environment = &context.environment;
    let editor =
        environment.variable("VISUAL").or_else(|| environment.variable("EDITOR")).unwrap_or("vi").to_owned();
    let ended = run_editor(editor.clone(), file.clone()).await;
    if !ended.map_err(|why| failed("the editor could not be started", format!("{editor}: {why}")))? {
        return Err(failed("the editor failed", format!("{editor} did not end well; nothing was changed")));
    }
    let text = std::fs::read_to_string(&file)
        .map_err(|error| failed("cannot read the edited file", error.to_string()))?;
    replaced(objects, object::documents(&text)?)
}

async fn run_editor(editor: String, file: PathBuf) -> Result<bool, String> {
    let run = move || {
        // As git and kubectl do: the variable may hold arguments.
        let command = format!("{editor} \"$0\"");
        std::process::Command::new("sh").arg("-c").arg(command).arg(Path::new(&file)).status()
    };
    let status = tokio::task::spawn_blocking(run).await.map_err(|error| error.to_string())?;
    status.map(|status| status.success()).map_err(|error| error.to_string())
}

/// The objects with the bodies that were edited. Objects are neither added, removed nor renamed.
fn replaced(objects: &[Object], documents: Vec<Value>) -> Result<Vec<Object>, Failure> {
    let mut objects = objects.to_vec();
    let expected = objects.iter().filter(|object| !object.is_secret()).count();
    let mut found = 0;
    for body in documents {
        let edited = |object: &&mut Object| {
            let text = |path: &str| body.pointer(path).and_then(Value::as_str);
            !object.is_secret()
                && text("/kind") == Some(&object.kind.kind)
                && text("/metadata/name") == Some(&object.name)
                && text("/metadata/namespace") == object.namespace.as_deref()
        };
        if let Some(object) = objects.iter_mut().find(edited) {
            object.body = body;
            found += 1;
        } else {
            found = usize::MAX;
            break;
        }
    }
    if found == expected {
        return Ok(objects);
    }
    Err(Failure::usage("the edited file has other objects than before")
        .why("objects cannot be added, removed or renamed here; nothing was changed")
        .fix("s saves them to a file, for kubectl apply -f"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::Kind;

    fn object(kind: &str, name: &str) -> Object {
        let plural = format!("{}s", kind.to_lowercase());
        let kind = Kind { group: String::new(), version: "v1".into(), kind: kind.into(), plural };
        let body = json!({"kind": kind.kind, "metadata": {"name": name, "namespace": "shop"}});
        Object::with_kind(kind, body)
    }

    #[test]
    fn an_edit_changes_bodies_and_nothing_else() {
        let objects = [object("Secret", "keys"), object("Role", "reader")];
        let mut body = objects[1].body.clone();
        body["rules"] = json!([]);
        let edited = replaced(&objects, vec![body.clone()]).unwrap();
        assert_eq!((&edited[0], &edited[1].body), (&objects[0], &body));
        body["metadata"]["name"] = "other".into();
        assert!(replaced(&objects, vec![body]).is_err());
        assert!(replaced(&objects, Vec::new()).is_err());
        assert!(replaced(&objects, vec![objects[0].body.clone()]).is_err(), "a Secret was not there to edit");
    }
}
