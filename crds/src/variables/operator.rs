//! What the operators of an expression do to a value.

use super::glob;

/// Every operator, such that none comes after one that it begins with.
pub(super) const LONGEST_FIRST: &[&str] = &[
    "^^", "^", ",,", ",", "##", "#", "%%", "%", "//", "/#", "/%", "/", ":=", ":-", ":?", ":+", ":", "=", "-",
    "+",
];

/// What stands between the two arguments of an operator; empty for an operator with one.
pub(super) fn separator(operator: &str) -> &'static str {
    match operator {
        "/" | "//" | "/#" | "/%" => "/",
        ":" => ":",
        _ => "",
    }
}

/// The value as the operator changes it. Defaults and `:?` are not among the operators that end up here.
pub(super) fn apply(operator: &str, value: &str, arguments: &[String]) -> Result<String, &'static str> {
    let first = arguments.first().map_or("", String::as_str);
    let second = arguments.get(1).map_or("", String::as_str);
    Ok(match operator {
        "^^" => value.to_uppercase(),
        ",," => value.to_lowercase(),
        "^" => first_character(value, |character| character.to_uppercase().collect()),
        "," => first_character(value, |character| character.to_lowercase().collect()),
        "#" => without_head(value, first, false),
        "##" => without_head(value, first, true),
        "%" => without_tail(value, first, false),
        "%%" => without_tail(value, first, true),
        "/" => value.replacen(first, second, usize::from(!first.is_empty())),
        "//" if first.is_empty() => value.to_owned(),
        "//" => value.replace(first, second),
        "/#" => value.strip_prefix(first).map_or_else(|| value.to_owned(), |rest| format!("{second}{rest}")),
        "/%" => value.strip_suffix(first).map_or_else(|| value.to_owned(), |rest| format!("{rest}{second}")),
        ":" => return part(value, first, arguments.get(1).map(String::as_str)),
        ":+" if value.is_empty() => String::new(),
        "+" | ":+" => first.to_owned(),
        _ => value.to_owned(),
    })
}

fn first_character(value: &str, change: impl Fn(char) -> String) -> String {
    let mut rest = value.chars();
    rest.next().map_or_else(String::new, |first| change(first) + rest.as_str())
}

fn without_head(value: &str, pattern: &str, longest: bool) -> String {
    let mut cuts = boundaries(value).filter(|cut| glob::matches(pattern, &value[..*cut]));
    let cut = if longest { cuts.last() } else { cuts.next() };
    value[cut.unwrap_or(0)..].to_owned()
}

fn without_tail(value: &str, pattern: &str, longest: bool) -> String {
    let mut cuts = boundaries(value).filter(|cut| glob::matches(pattern, &value[*cut..]));
    let cut = if longest { cuts.next() } else { cuts.last() };
    value[..cut.unwrap_or(value.len())].to_owned()
}

fn boundaries(value: &str) -> impl Iterator<Item = usize> {
    value.char_indices().map(|(at, _)| at).chain([value.len()])
}

fn part(value: &str, from: &str, length: Option<&str>) -> Result<String, &'static str> {
    let number =
        |text: &str| text.trim().parse::<i64>().map_err(|_| "a number is expected after : in an expression");
    let characters: Vec<char> = value.chars().collect();
    let count = i64::try_from(characters.len()).unwrap_or(i64::MAX);
    let index = |position: i64| usize::try_from(position.clamp(0, count)).unwrap_or(0);
    let from = number(from)?;
    let start = if from < 0 { count.saturating_add(from) } else { from };
    let end = match length.map(number).transpose()? {
        None => count,
        Some(length) if length < 0 => count.saturating_add(length),
        Some(length) => start.max(0).saturating_add(length),
    };
    Ok(characters.get(index(start)..index(end)).unwrap_or_default().iter().collect())
}
