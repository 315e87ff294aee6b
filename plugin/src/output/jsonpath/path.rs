//! kubectl's way to write a path, in the words of RFC 9535: names may hold `-` and `/`, a dot in a name is `\.`, and the `$`
//! at the beginning is left out.

use std::iter::Peekable;
use std::str::Chars;

use snafu::{Snafu, ensure};

/// What is wrong with a path.
#[derive(Debug, PartialEq, Eq, Snafu)]
pub enum Error {
    #[snafu(display("\"[\" is opened and not closed"))]
    Open,
    #[snafu(display("there is a blank in it"))]
    Blank,
}

/// The path as RFC 9535 has it.
pub fn standard(path: &str) -> Result<String, Error> {
    let mut rest = path.chars().peekable();
    rest.next_if(|first| matches!(first, '$' | '@'));
    let mut text = String::from("$");
    segments(&mut rest, &mut text, char::is_whitespace)?;
    ensure!(rest.next().is_none(), BlankSnafu);
    Ok(text)
}

/// Where the brace closes that was opened before the text; braces within quotes are text.
pub fn closing_brace(text: &str) -> Option<usize> {
    let (mut quote, mut escaped) = (None, false);
    for (index, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (None, '}') => return Some(index),
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            _ => {}
        }
    }
    None
}

/// The text between quotes, if the expression is nothing else.
pub fn quoted(expression: &str) -> Option<String> {
    let quote = expression.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let inner = expression.strip_prefix(quote)?.strip_suffix(quote)?;
    let mut text = String::new();
    let mut rest = inner.chars();
    while let Some(character) = rest.next() {
        match character {
            '\\' => match rest.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    Some(text)
}

/// Translates segments until the end, or until a character that cannot be part of one.
fn segments(rest: &mut Peekable<Chars<'_>>, text: &mut String, ends: fn(char) -> bool) -> Result<(), Error> {
    while let Some(&next) = rest.peek() {
        match next {
            '.' => {
                rest.next();
                if rest.next_if_eq(&'.').is_some() {
                    text.push_str("..");
                }
            }
            '[' => bracket(rest, text)?,
            '*' => {
                rest.next();
                text.push_str("[*]");
            }
            other if ends(other) => return Ok(()),
            _ => name(rest, text, ends),
        }
    }
    Ok(())
}

fn name(rest: &mut Peekable<Chars<'_>>, text: &mut String, ends: fn(char) -> bool) {
    text.push_str("['");
    while let Some(next) = rest.next_if(|&next| !matches!(next, '.' | '[') && !ends(next)) {
        let literal = if next == '\\' { rest.next().unwrap_or('\\') } else { next };
        push_escaped(literal, text);
    }
    text.push_str("']");
}

fn push_escaped(character: char, text: &mut String) {
    if matches!(character, '\'' | '\\') {
        text.push('\\');
    }
    text.push(character);
}

/// `[0]`, `[*]`, `['name']`, `[?(@.type=="Ready")]`: as they are, but for the paths in a filter.
fn bracket(rest: &mut Peekable<Chars<'_>>, text: &mut String) -> Result<(), Error> {
    let ends = |character: char| {
        character.is_whitespace()
            || matches!(character, '=' | '!' | '<' | '>' | '(' | ')' | '&' | '|' | ']' | '~')
    };
    let mut depth = 0_usize;
    while let Some(next) = rest.next() {
        match next {
            '@' | '$' => {
                text.push(next);
                segments(rest, text, ends)?;
            }
            '\'' | '"' => string(next, rest, text)?,
            '[' => {
                depth += 1;
                text.push(next);
            }
            ']' => {
                depth -= 1;
                text.push(next);
                if depth == 0 {
                    return Ok(());
                }
            }
            other => text.push(other),
        }
    }
    OpenSnafu.fail()
}

/// A string in quotes. kubectl's `\.` is a dot; the standard knows no such escape.
fn string(quote: char, rest: &mut Peekable<Chars<'_>>, text: &mut String) -> Result<(), Error> {
    text.push('\'');
    while let Some(next) = rest.next() {
        match next {
            close if close == quote => {
                text.push('\'');
                return Ok(());
            }
            '\\' => push_escaped(rest.next().unwrap_or('\\'), text),
            other => push_escaped(other, text),
        }
    }
    OpenSnafu.fail()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_kubectl_become_those_of_the_standard() {
        for (kubectl, rfc) in [
            ("", "$"),
            (".", "$"),
            ("$", "$"),
            (".status.phase", "$['status']['phase']"),
            ("status.phase", "$['status']['phase']"),
            ("..name", "$..['name']"),
            (".items[*]", "$['items'][*]"),
            (".items.*", "$['items'][*]"),
            ("[0].a", "$[0]['a']"),
            (".a\\.b/c-d", "$['a.b/c-d']"),
            (".it's", "$['it\\'s']"),
            (".c[?(@.type==\"Ready\")].s", "$['c'][?(@['type']=='Ready')]['s']"),
            (".c[?(@.a-b>3 && @.c)]", "$['c'][?(@['a-b']>3 && @['c'])]"),
        ] {
            assert_eq!(standard(kubectl).as_deref(), Ok(rfc), "{kubectl}");
        }
        assert_eq!(standard(".a b"), Err(Error::Blank));
        assert_eq!(standard(".a[0"), Err(Error::Open));
    }

    #[test]
    fn a_brace_closes_where_it_is_not_quoted() {
        assert_eq!(closing_brace(".a}b"), Some(2));
        assert_eq!(closing_brace("\"}\"}"), Some(3));
        assert_eq!(closing_brace(".a"), None);
    }
}
