//! Label selectors as kubectl has them: `app=shop`, `tier!=web`, `app in (a, b)`, `app notin (a)`, `app`, `!app`.

use std::str::FromStr;

use serde_json::Value;

use crate::failure::Failure;

/// Conditions on labels, all of which must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Condition>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    key: String,
    /// The values that count; `None` means any.
    values: Option<Vec<String>>,
    /// Whether the label must have one of them, or must not.
    wanted: bool,
}

impl Selector {
    /// Whether nothing is asked.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an object has such labels.
    #[must_use]
    pub fn admits(&self, body: &Value) -> bool {
        let labels = body.pointer("/metadata/labels").and_then(Value::as_object);
        self.0.iter().all(|condition| {
            let found = labels.and_then(|labels| labels.get(&condition.key)).and_then(Value::as_str);
            let holds = match (&condition.values, found) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(values), Some(found)) => values.iter().any(|value| value == found),
            };
            holds == condition.wanted
        })
    }
}

impl FromStr for Selector {
    type Err = Failure;

    fn from_str(text: &str) -> Result<Self, Failure> {
        let conditions: Option<Vec<Condition>> = divided(text).map(|part| condition(part.trim())).collect();
        conditions.map(Self).ok_or_else(|| {
            Failure::usage(format!("-l '{text}' is no label selector"))
                .fix("for example -l app=shop,tier!=web   or -l 'app in (a, b)'")
        })
    }
}

/// The conditions of a selector as entries that are compared as text, for what knows only those: `app=shop`, `tier`.
pub fn equalities(text: &str) -> Result<Vec<String>, Failure> {
    let Selector(conditions) = text.parse()?;
    let entry = |condition: &Condition| match (&condition.values, condition.wanted) {
        (None, true) => Some(condition.key.clone()),
        (Some(values), true) => match values.as_slice() {
            [value] => Some(format!("{}={value}", condition.key)),
            _ => None,
        },
        (_, false) => None,
    };
    let entries: Option<Vec<String>> = conditions.iter().map(entry).collect();
    entries.ok_or_else(|| {
        Failure::usage(format!("-l '{text}': a restore knows only labels that must be there"))
            .fix("-l app=shop,tier   or --or-label-selectors app=shop,app=pay")
    })
}

/// Divides at commas outside parentheses.
fn divided(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_i32;
    text.split(move |character| {
        match character {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        character == ',' && depth == 0
    })
    .filter(|part| !part.trim().is_empty())
}

fn condition(text: &str) -> Option<Condition> {
    let made = |key: &str, values: Option<Vec<String>>, wanted: bool| {
        let key = key.trim();
        let usable =
            !key.is_empty() && !key.contains(|one: char| one.is_whitespace() || "()=!,".contains(one));
        usable.then(|| Condition { key: key.to_owned(), values, wanted })
    };
    if let Some((head, list)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
        let values = list.split(',').map(|value| value.trim().to_owned()).collect();
        let head = head.trim();
        return match head.rsplit_once(char::is_whitespace) {
            Some((key, "in")) => made(key, Some(values), true),
            Some((key, "notin")) => made(key, Some(values), false),
            _ => None,
        };
    }
    let one = |value: &str| Some(vec![value.trim().to_owned()]);
    if let Some((key, value)) = text.split_once("!=") {
        return made(key, one(value), false);
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return made(key, one(value), true);
    }
    match text.strip_prefix('!') {
        Some(key) => made(key, None, false),
        None => made(text, None, true),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_are_judged_as_kubectl_does() {
        let body = json!({"metadata": {"labels": {"app": "shop", "tier": "web"}}});
        for (text, admitted) in [
            ("", true),
            ("app=shop", true),
            ("app==shop,tier", true),
            ("app=shop,tier!=web", false),
            ("other!=x", true),
            ("app in (a, shop),!other", true),
            ("app notin (shop)", false),
            ("other notin (shop)", true),
            ("!app", false),
            ("other", false),
        ] {
            assert_eq!(text.parse::<Selector>().unwrap().admits(&body), admitted, "{text}");
        }
        assert!("app".parse::<Selector>().unwrap().admits(&body));
        assert!(!"app".parse::<Selector>().unwrap().admits(&json!({"metadata": {}})));
        assert_eq!(equalities("app=shop, tier ,a in (b)").unwrap(), ["app=shop", "tier", "a=b"]);
        assert!(equalities("app!=shop").is_err() && equalities("!app").is_err());
        for text in ["=x", "app in shop)", "a b", "app within (a)", "!"] {
            assert!(text.parse::<Selector>().is_err(), "{text}");
        }
    }
}
