//! What flags name: files, standard input, and the AWS CLI's own files. A secret is read from there, never from a flag.

use std::io::BufRead;
use std::path::Path;

use secrecy::SecretString;

use super::credentials::aws;
use super::file::read_file;
use crate::environment::Environment;
use crate::failure::{Code, Failure};

/// Files with secrets, and standard input, which only one flag may read.
pub struct Input<'a> {
    stdin: &'a mut dyn BufRead,
    is_terminal: bool,
    taken: Option<String>,
    /// Where the AWS CLI keeps the profiles of the user.
    pub aws: aws::Files,
    /// What was changed in what was read, for the story.
    pub notes: Vec<String>,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Input").field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl<'a> Input<'a> {
    /// Reads from this standard input, when a flag says `-`.
    pub fn new(stdin: &'a mut dyn BufRead, is_terminal: bool) -> Self {
        Self { stdin, is_terminal, taken: None, aws: aws::Files::default(), notes: Vec::new() }
    }

    /// Reads from the input of a command, and from the home of its user.
    pub fn of(stdin: &'a mut dyn BufRead, environment: &Environment) -> Self {
        let aws = aws::Files::of(environment);
        Self { aws, ..Self::new(stdin, environment.terminals.input) }
    }

    /// The text of a file, as it is.
    pub fn text(&mut self, flag: &str, path: &Path) -> Result<SecretString, Failure> {
        let text = if path == Path::new("-") { self.standard_input(flag)? } else { read_file(flag, path)? };
        Ok(SecretString::from(text))
    }

    /// The content of a file, without the newline that an editor or `echo` put at its end.
    pub fn read(&mut self, flag: &str, path: &Path) -> Result<SecretString, Failure> {
        let mut text =
            if path == Path::new("-") { self.standard_input(flag)? } else { read_file(flag, path)? };
        if text.ends_with('\n') {
            text.truncate(text.len() - if text.ends_with("\r\n") { 2 } else { 1 });
            self.notes.push(format!("{flag}: a newline at the end was left out"));
        }
        if text.is_empty() {
            return Err(Failure::new(Code::FileUnusable, format!("{flag} {} is empty", path.display())));
        }
        Ok(SecretString::from(text))
    }

    fn standard_input(&mut self, flag: &str) -> Result<String, Failure> {
        if let Some(other) = self.taken.replace(flag.to_owned()) {
            return Err(Failure::usage(format!("{other} and {flag} cannot both read standard input")));
        }
        if self.is_terminal {
            return Err(Failure::new(Code::CannotAsk, format!("{flag} - would show what is typed"))
                .why("standard input is a terminal")
                .fix(format!("{flag} FILE, or pipe it in:  pass show key | kubectl kubestash … {flag} -")));
        }
        let mut text = String::new();
        self.stdin.read_to_string(&mut text).map_err(|error| {
            Failure::new(Code::FileUnusable, format!("{flag} - could not be read")).why(error.to_string())
        })?;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn standard_input_is_read_once_and_never_from_a_terminal() {
        let mut stdin: &[u8] = b"x";
        let mut input = Input::new(&mut stdin, false);
        input.read("--a", Path::new("-")).unwrap();
        assert!(input.read("--b", Path::new("-")).unwrap_err().what().contains("--a and --b"));
        let mut stdin: &[u8] = b"x";
        assert!(Input::new(&mut stdin, true).read("--a", Path::new("-")).is_err());
    }
}
