//! What `-o` chooses.

use std::ffi::OsStr;
use std::fmt;

use clap::builder::{PossibleValue, TypedValueParser, ValueParserFactory};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::jsonpath::Template;

/// What `-o` chooses.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Format {
    /// A table, or a line per object.
    #[default]
    Table,
    /// A table with more columns.
    Wide,
    /// JSON: the object, or a List of several.
    Json,
    /// YAML: the object, or several.
    Yaml,
    /// `kind.group/name`, a line per object.
    Name,
    /// What a template makes of the object, or of the List.
    JsonPath(Template),
}

const WORDS: [(&str, Format, &str); 5] = [
    ("table", Format::Table, "A table, or a line per object"),
    ("wide", Format::Wide, "A table with more columns"),
    ("json", Format::Json, "JSON: the object, or a List"),
    ("yaml", Format::Yaml, "YAML: the object, or several"),
    ("name", Format::Name, "kind.group/name, a line per object"),
];

const JSON_PATH: &str = "jsonpath=";

/// As the default is told.
impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word =
            WORDS.iter().find(|(_, format, _)| format == self).map_or("jsonpath=…", |(word, _, _)| word);
        formatter.write_str(word)
    }
}

impl ValueParserFactory for Format {
    type Parser = Parser;

    fn value_parser() -> Self::Parser {
        Parser { tables: true }
    }
}

impl Format {
    /// For a verb that has no table: it prints the objects themselves.
    #[must_use]
    pub fn without_tables() -> Parser {
        Parser { tables: false }
    }
}

/// Reads the value of `-o`.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    tables: bool,
}

impl Parser {
    fn words(self) -> impl Iterator<Item = &'static (&'static str, Format, &'static str)> {
        let is_table = |format: &Format| matches!(format, Format::Table | Format::Wide);
        WORDS.iter().filter(move |(_, format, _)| self.tables || !is_table(format))
    }
}

impl TypedValueParser for Parser {
    type Value = Format;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Format, clap::Error> {
        let text = value.to_string_lossy();
        if let Some((_, format, _)) = self.words().find(|(word, _, _)| *word == text) {
            return Ok(format.clone());
        }
        let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
        if let Some(argument) = argument {
            error.insert(ContextKind::InvalidArg, ContextValue::String(argument.to_string()));
        }
        error.insert(ContextKind::InvalidValue, ContextValue::String(text.to_string()));
        if let Some(template) = text.strip_prefix(JSON_PATH) {
            return Template::parse(template).map(Format::JsonPath).map_err(|cause| {
                clap::Error::raw(ErrorKind::ValueValidation, format!("-o {text}: {cause}\n"))
                    .with_cmd(command)
            });
        }
        let words =
            self.words().map(|(word, _, _)| (*word).to_owned()).chain(["jsonpath=TEMPLATE".to_owned()]);
        error.insert(ContextKind::ValidValue, ContextValue::Strings(words.collect()));
        Err(error)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let words = self.words().map(|(word, _, help)| PossibleValue::new(*word).help(*help));
        let template = PossibleValue::new("jsonpath=").help("What a template makes of it, as with kubectl");
        Some(Box::new(words.chain([template])))
    }
}
