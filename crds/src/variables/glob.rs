//! Shell patterns: `*`, `?`, `[abc]`, `[a-z]`, `[!a]`, and `\` before a character that means itself.

/// Whether the whole text matches the pattern. A `[` without its `]` means itself.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to go on when what follows the last `*` does not match: that `*` takes one character more.
    let mut retry = None;
    loop {
        if pattern.get(at_pattern) == Some(&'*') {
            at_pattern += 1;
            retry = Some((at_pattern, at_text));
            continue;
        }
        let step = text.get(at_text).and_then(|character| one(&pattern[at_pattern..], *character));
        if let Some(length) = step {
            at_pattern += length;
            at_text += 1;
        } else if at_pattern == pattern.len() && at_text == text.len() {
            return true;
        } else if let Some((after_star, taken)) = retry.filter(|(_, taken)| *taken < text.len()) {
            (at_pattern, at_text) = (after_star, taken + 1);
            retry = Some((after_star, taken + 1));
        } else {
            return false;
        }
    }
}

/// Length of the first element of the pattern, when the character matches it.
fn one(pattern: &[char], character: char) -> Option<usize> {
    match pattern {
        [] => None,
        ['?', ..] => Some(1),
        ['\\', literal, ..] => (*literal == character).then_some(2),
        ['[', rest @ ..] => match set(rest) {
            Some((negated, members)) => {
                let length = 2 + usize::from(negated) + members.len();
                (contains(members, character) != negated).then_some(length)
            }
            None => (character == '[').then_some(1),
        },
        [literal, ..] => (*literal == character).then_some(1),
    }
}

/// The members of a set, given what follows its `[`. A `]` that comes first is a member.
fn set(rest: &[char]) -> Option<(bool, &[char])> {
    let negated = matches!(rest.first(), Some('!' | '^'));
    let rest = if negated { &rest[1..] } else { rest };
    let end = rest.iter().enumerate().skip(1).find(|(_, character)| **character == ']')?.0;
    Some((negated, &rest[..end]))
}

fn contains(members: &[char], character: char) -> bool {
    match members {
        [] => false,
        [low, '-', high, rest @ ..] => (*low..=*high).contains(&character) || contains(rest, character),
        [member, rest @ ..] => *member == character || contains(rest, character),
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let table = [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a/b", true),
            ("a*c", "abbc", true),
            ("a*c", "abbcd", false),
            ("*b*b*", "abcb", true),
            ("*ab", "aab", true),
            ("?", "é", true),
            ("?", "", false),
            ("[abc]x", "bx", true),
            ("[a-c]", "b", true),
            ("[!a-c]", "b", false),
            ("[^a]", "b", true),
            ("[]]", "]", true),
            ("[a-]", "-", true),
            ("[", "[", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(matches(pattern, text), expected, "{pattern:?} on {text:?}");
        }
    }
}
