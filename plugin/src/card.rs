//! One object for people: labelled lines, and tables below them. Pure.

use std::fmt::Write as _;

use crate::output;

/// What `show` and `status` print of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    rows: Vec<(String, String)>,
    tables: Vec<String>,
}

impl Card {
    /// Adds a labelled line; further lines of the text are aligned below the first, and an empty text adds nothing.
    #[must_use]
    pub fn row(mut self, label: &str, text: impl Into<String>) -> Self {
        let text = text.into();
        if !text.is_empty() {
            self.rows.push((label.to_owned(), text));
        }
        self
    }

    /// Adds a table below the labelled lines, unless it is empty.
    #[must_use]
    pub fn table(mut self, headers: &[&str], rows: &[Vec<String>]) -> Self {
        if !rows.is_empty() {
            self.tables.push(output::table(headers, rows));
        }
        self
    }

    /// The text.
    #[must_use]
    pub fn render(&self) -> String {
        let width = self.rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        for (label, row) in &self.rows {
            let mut label = label.as_str();
            for line in row.lines() {
                // Writing to a String does not fail.
                let _ = writeln!(text, "{}", format!("{label:width$}   {line}").trim_end());
                label = "";
            }
        }
        for table in &self.tables {
            text.push('\n');
            text.push_str(table);
        }
        text
    }
}

/// Several cards, divided by an empty line.
#[must_use]
pub fn render(cards: &[Card]) -> String {
    cards.iter().map(Card::render).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_aligned_and_empty_ones_left_out() {
        let card = Card::default()
            .row("Storage", "shop/minio")
            .row("Phase", "NotReady\nthe bucket is gone")
            .row("Size", "")
            .table(&["NAME"], &[vec!["a".into()]])
            .table(&["NONE"], &[]);
        assert_eq!(
            card.render(),
            "Storage   shop/minio\nPhase     NotReady\n          the bucket is gone\n\nNAME\na\n"
        );
        assert_eq!(
            render(&[Card::default().row("A", "1"), Card::default().row("B", "2")]),
            "A   1\n\nB   2\n"
        );
    }
}
