//! The conversation on standard error: a glyph and a sentence per line. Results never go here.

use std::io::Write;
use std::time::Duration;

use crate::human;

/// Width of the text column of a line that ends in a duration or a remark.
const COLUMN: usize = 40;

/// What kind of line it is; never told by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyph {
    /// Where we are.
    Here,
    /// What will be made.
    Plan,
    /// What is being waited for.
    Waiting,
    /// Done.
    Done,
    /// Not done.
    Failed,
    /// Look at this.
    Warning,
}

impl Glyph {
    /// The character.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Here => "►",
            Self::Plan => "✚",
            Self::Waiting => "◎",
            Self::Done => "✔",
            Self::Failed => "✘",
            Self::Warning => "‼",
        }
    }

    const fn colour(self) -> &'static str {
        match self {
            Self::Here | Self::Plan | Self::Waiting => "36",
            Self::Done => "32",
            Self::Failed => "31",
            Self::Warning => "33",
        }
    }
}

/// Standard error, and how to write to it. A reader that went away does not stop the work, so that failed writes are
/// ignored.
pub struct Story<'a> {
    stream: &'a mut dyn Write,
    coloured: bool,
    quiet: bool,
}

impl std::fmt::Debug for Story<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Story").field("coloured", &self.coloured).field("quiet", &self.quiet).finish()
    }
}

impl<'a> Story<'a> {
    /// A story on this stream. `quiet` keeps warnings and failures only.
    pub fn new(stream: &'a mut dyn Write, coloured: bool, quiet: bool) -> Self {
        Self { stream, coloured, quiet }
    }

    /// Whether colours may be used.
    #[must_use]
    pub fn coloured(&self) -> bool {
        self.coloured
    }

    /// A glyph and a sentence.
    pub fn line(&mut self, glyph: Glyph, text: &str) {
        if self.quiet && !matches!(glyph, Glyph::Failed | Glyph::Warning) {
            return;
        }
        let line = format!("{} {text}", self.paint(glyph));
        self.write(&line);
    }

    /// A glyph, a sentence, and a remark in the right column.
    pub fn remark(&mut self, glyph: Glyph, text: &str, remark: &str) {
        self.line(glyph, format!("{text:COLUMN$}  {remark}").trim_end());
    }

    /// Done, and how long it took.
    pub fn done_in(&mut self, text: &str, took: Duration) {
        self.remark(Glyph::Done, text, &human::duration(took));
    }

    /// A line without a glyph.
    pub fn plain(&mut self, text: &str) {
        if !self.quiet {
            self.write(text);
        }
    }

    /// A line that is written even when quiet: an error.
    pub fn always(&mut self, text: &str) {
        self.write(text);
    }

    /// A question whose answer comes on the same line.
    pub fn prompt(&mut self, text: &str) {
        let _ = write!(self.stream, "{text}");
        let _ = self.stream.flush();
    }

    fn paint(&self, glyph: Glyph) -> String {
        if self.coloured {
            format!("\u{1b}[{}m{}\u{1b}[0m", glyph.colour(), glyph.symbol())
        } else {
            glyph.symbol().to_owned()
        }
    }

    fn write(&mut self, line: &str) {
        let _ = writeln!(self.stream, "{line}");
        let _ = self.stream.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(coloured: bool, quiet: bool, tell: impl FnOnce(&mut Story<'_>)) -> String {
        let mut stream = Vec::new();
        tell(&mut Story::new(&mut stream, coloured, quiet));
        String::from_utf8(stream).unwrap()
    }

    #[test]
    fn a_line_has_a_glyph_and_a_remark_in_the_right_column() {
        let text = told(false, false, |story| story.done_in("operator available", Duration::from_secs(9)));
        assert_eq!(text, "✔ operator available                        9s\n");
    }

    #[test]
    fn quiet_keeps_warnings_and_failures() {
        let text = told(false, true, |story| {
            story.line(Glyph::Here, "context dev");
            story.plain("Next: …");
            story.line(Glyph::Warning, "look");
        });
        assert_eq!(text, "‼ look\n");
    }

    #[test]
    fn colour_is_around_the_glyph_only() {
        let text = told(true, false, |story| story.line(Glyph::Failed, "no"));
        assert_eq!(text, "\u{1b}[31m✘\u{1b}[0m no\n");
    }
}
