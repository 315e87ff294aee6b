//! Results as text: tables that look like kubectl's, JSON, YAML, names. Pure.

mod format;
pub mod jsonpath;

use archive::manifest::codec;
use comfy_table::{ContentArrangement, Table as Grid, presets};
use dialoguer::console::{Alignment, measure_text_width, pad_str};
use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Value, json};

pub use format::Format;

use crate::failure::{Code, Failure};

/// How several objects stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// What a list found: a `List`, whatever their number.
    List,
    /// What was asked for by name: one is itself, several are a `List`.
    Named,
    /// What was written: one is itself; in YAML, several are documents that can be applied again.
    Documents,
}

impl Format {
    /// Objects as this format has them; `None` when a table is wished, or lines.
    pub fn document(&self, objects: &[Value], shape: Shape) -> Result<Option<String>, Failure> {
        Ok(Some(match self {
            Self::Table | Self::Wide => return Ok(None),
            Self::Json => json(&together(objects, shape))?,
            Self::Yaml if shape == Shape::Documents => yaml(objects)?,
            Self::Yaml => yaml(&[together(objects, shape)])?,
            Self::Name => lines(objects.iter().map(reference)),
            Self::JsonPath(template) if shape == Shape::Documents => {
                objects.iter().map(|object| template.render(object)).collect()
            }
            Self::JsonPath(template) => template.render(&together(objects, shape)),
        }))
    }
}

fn together(objects: &[Value], shape: Shape) -> Value {
    match objects {
        [one] if shape != Shape::List => one.clone(),
        many => {
            json!({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": many})
        }
    }
}

/// `kind.group/name` of an object, as kubectl writes it.
fn reference(object: &Value) -> String {
    let text = |path: &str| object.pointer(path).and_then(Value::as_str).unwrap_or_default();
    let kind = text("/kind").to_ascii_lowercase();
    match text("/apiVersion").split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{}", text("/metadata/name")),
        None => format!("{kind}/{}", text("/metadata/name")),
    }
}

/// A value as JSON, indented as kubectl does.
pub fn json(value: &Value) -> Result<String, Failure> {
    let mut text = Vec::new();
    let indented = PrettyFormatter::with_indent(b"    ");
    value
        .serialize(&mut Serializer::with_formatter(&mut text, indented))
        .map_err(|error| unwritable(&error))?;
    text.push(b'\n');
    String::from_utf8(text).map_err(|error| unwritable(&error))
}

/// Values as YAML documents, divided by `---`.
pub fn yaml(values: &[Value]) -> Result<String, Failure> {
    let documents: Result<Vec<String>, _> = values.iter().map(codec::encode).collect();
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

/// Columns of a table that grows line by line: they widen when a cell does not fit, and what is printed stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns(Vec<usize>);

impl Columns {
    /// Rows as lines, three blanks apart; an empty cell is `<none>`.
    pub fn lines(&mut self, rows: &[Vec<String>]) -> String {
        let shown = |cell: &String| if cell.is_empty() { "<none>".to_owned() } else { cell.clone() };
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(shown).collect()).collect();
        for row in &rows {
            self.0.resize(self.0.len().max(row.len()), 0);
            for (width, cell) in self.0.iter_mut().zip(row) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        lines(rows.iter().map(|row| {
            let cells =
                self.0.iter().zip(row).map(|(width, cell)| pad_str(cell, *width, Alignment::Left, None));
            cells.collect::<Vec<_>>().join("   ").trim_end().to_owned()
        }))
    }
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
    fn a_list_is_a_list_and_what_was_named_is_itself() {
        let policy = |name: &str| json!({"apiVersion": "storage.kubestash.com/v1alpha1", "kind": "RetentionPolicy", "metadata": {"name": name}});
        let (one, two) = ([policy("a")], [policy("a"), policy("b")]);
        let kinds = Format::JsonPath(
            jsonpath::Template::parse("{.kind}{range .items[*]} {.metadata.name}{end};").unwrap(),
        );
        for (objects, shape, text) in [
            (&one[..], Shape::List, "List a;"),
            (&[], Shape::List, "List;"),
            (&one, Shape::Named, "RetentionPolicy;"),
            (&two, Shape::Named, "List a b;"),
            (&one, Shape::Documents, "RetentionPolicy;"),
            (&two, Shape::Documents, "RetentionPolicy;RetentionPolicy;"),
        ] {
            assert_eq!(kinds.document(objects, shape).unwrap().as_deref(), Some(text), "{shape:?}");
        }
        let names = Format::Name.document(&two, Shape::List).unwrap();
        assert_eq!(
            names.as_deref(),
            Some("retentionpolicy.storage.kubestash.com/a\nretentionpolicy.storage.kubestash.com/b\n")
        );
        assert_eq!(Format::Wide.document(&one, Shape::List).unwrap(), None);
        assert_eq!(
            reference(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}})),
            "secret/s"
        );
    }

    #[test]
    fn a_growing_table_keeps_its_columns_and_widens_them() {
        let row = |cells: &[&str]| vec![cells.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>()];
        let mut columns = Columns::default();
        assert_eq!(columns.lines(&row(&["NAME", "PHASE"])), "NAME   PHASE\n");
        assert_eq!(columns.lines(&row(&["a", ""])), "a      <none>\n");
        assert_eq!(columns.lines(&row(&["longer", "Ready"])), "longer   Ready\n");
        assert_eq!(columns.lines(&row(&["b", "Ready"])), "b        Ready\n");
    }

    #[test]
    fn yaml_documents_are_divided() {
        let objects = [json!({"kind": "A", "on": "on"}), json!({"kind": "B"})];
        assert_eq!(yaml(&objects).unwrap(), "kind: A\n\"on\": \"on\"\n---\nkind: B\n");
    }
}
