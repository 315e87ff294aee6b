//! Results as text: tables that look like kubectl's, JSON, YAML, names. Pure.

use archive::manifest::codec;
use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table as Grid, presets};
use serde_json::{Value, json};

use crate::failure::{Code, Failure};

/// What `-o` chooses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table, or a line per object.
    #[default]
    Table,
    /// A table with more columns.
    Wide,
    /// JSON: the object, or a List of several.
    Json,
    /// YAML: the object, or several documents.
    Yaml,
    /// `resource.group/name`, a line per object.
    Name,
}

/// Objects as JSON: one as itself, any other number as a `List`, as kubectl does.
pub fn json(objects: &[Value]) -> Result<String, Failure> {
    let value = match objects {
        [one] => one.clone(),
        many => json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": many}),
    };
    let mut text = serde_json::to_string_pretty(&value).map_err(|error| unwritable(&error))?;
    text.push('\n');
    Ok(text)
}

/// Objects as YAML documents, divided by `---`.
pub fn yaml(objects: &[Value]) -> Result<String, Failure> {
    let documents: Result<Vec<String>, _> = objects.iter().map(codec::encode).collect();
    Ok(documents.map_err(|error| unwritable(&error))?.join("---\n"))
}

fn unwritable(error: &dyn std::error::Error) -> Failure {
    Failure::new(Code::Fault, "could not write the result").why(error.to_string())
}

/// One line per item.
#[must_use]
pub fn lines(items: impl IntoIterator<Item = String>) -> String {
    let mut text = String::new();
    for item in items {
        text.push_str(&item);
        text.push('\n');
    }
    text
}

/// Rows below headers in capitals, three blanks apart, without borders; an empty cell is `<none>`.
#[must_use]
pub fn table(headers: &[&str], rows: &[Vec<String>]) -> String {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    grid.set_content_arrangement(ContentArrangement::Disabled);
    grid.set_header(headers.iter().copied());
    for row in rows {
        grid.add_row(row.iter().map(|cell| if cell.is_empty() { "<none>" } else { cell }));
    }
    for column in grid.column_iter_mut() {
        column.set_padding((0, 3));
    }
    let mut text = grid.trim_fmt();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_looks_like_kubectls() {
        let rows = vec![
            vec!["shop-repo-1".into(), "shop-repo".into(), "8h".into()],
            vec!["b".into(), String::new(), "12d".into()],
        ];
        assert_eq!(
            table(&["NAME", "REPOSITORY", "TAKEN"], &rows),
            "NAME          REPOSITORY   TAKEN\n\
             shop-repo-1   shop-repo    8h\n\
             b             <none>       12d\n"
        );
    }

    #[test]
    fn one_object_is_itself_and_several_are_a_list() {
        let one = json!({"kind": "Secret"});
        assert_eq!(json(std::slice::from_ref(&one)).unwrap(), "{\n  \"kind\": \"Secret\"\n}\n");
        let list: Value = serde_json::from_str(&json(&[one.clone(), one]).unwrap()).unwrap();
        assert_eq!((list["kind"].as_str(), list["items"].as_array().map(Vec::len)), (Some("List"), Some(2)));
    }

    #[test]
    fn yaml_documents_are_divided() {
        let objects = [json!({"kind": "A", "on": "on"}), json!({"kind": "B"})];
        assert_eq!(yaml(&objects).unwrap(), "kind: A\n\"on\": \"on\"\n---\nkind: B\n");
    }
}
