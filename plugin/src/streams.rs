//! The three streams that a command may use: answers come in, results go out, the story is told beside them.

use std::io::{BufRead, Write};

use crate::story::Story;

/// Standard input, output and error of one command.
pub struct Streams<'a> {
    /// Where secrets and answers are read from when a flag says `-`.
    pub input: &'a mut dyn BufRead,
    /// Results only: tables, YAML, JSON, object lines.
    pub results: &'a mut dyn Write,
    /// Everything conversational.
    pub story: Story<'a>,
}

impl std::fmt::Debug for Streams<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Streams").field("story", &self.story).finish_non_exhaustive()
    }
}
