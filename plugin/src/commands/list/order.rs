//! What `--sort-by` chooses: a word of ours, or a path as with kubectl.

use std::cmp::{Ordering, Reverse};
use std::str::FromStr;

use kube::{Resource, ResourceExt as _};
use serde_json::Value;

use super::Listed;
use crate::failure::Failure;
use crate::output::jsonpath::Path;
use crate::suggest;

/// What the rows of a list are sorted by.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SortBy {
    #[default]
    Name,
    /// The youngest first.
    Age,
    /// The largest first.
    Size,
    /// What a path leads to, the smallest first.
    Path(Path),
}

impl FromStr for SortBy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const WORDS: [&str; 4] = ["name", "age", "time", "size"];
        match text {
            "name" => Ok(Self::Name),
            "age" | "time" => Ok(Self::Age),
            "size" => Ok(Self::Size),
            path if path.starts_with(['.', '{', '$']) => {
                Path::parse(path).map(Self::Path).map_err(|error| error.to_string())
            }
            other => {
                let nearest = suggest::nearest(other, WORDS.into_iter());
                let tip = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
                Err(format!(
                    "name, age, size, or a path such as .metadata.creationTimestamp are possible{tip}"
                ))
            }
        }
    }
}

impl SortBy {
    /// Sorts the objects of a list; within what is equal, by namespace and name.
    pub fn sort<L: Listed>(&self, list: &L, objects: &mut [L::Object]) -> Result<(), Failure> {
        sort_by_name(objects);
        match self {
            Self::Name => {}
            Self::Age => objects.sort_by_key(|object| Reverse(L::time(object))),
            Self::Size if !L::HAS_SIZE => {
                let kind = L::Object::kind(&());
                return Err(
                    Failure::usage(format!("--sort-by size: a {kind} has no size")).fix("--sort-by name")
                );
            }
            Self::Size => objects.sort_by_cached_key(|object| Reverse(list.size(object))),
            Self::Path(path) => sort_by_path(path, objects)?,
        }
        Ok(())
    }
}

/// Sorts objects by namespace and name.
pub fn sort_by_name<K: Resource>(objects: &mut [K]) {
    objects.sort_by_key(|object| (object.namespace(), object.name_any()));
}

fn sort_by_path<K: serde::Serialize>(path: &Path, objects: &mut [K]) -> Result<(), Failure> {
    let mut failed = None;
    objects.sort_by_cached_key(|object| match serde_json::to_value(object) {
        Ok(body) => Key(path.values(&body).into_iter().next().filter(|value| !value.is_null()).cloned()),
        Err(error) => {
            failed = Some(error);
            Key(None)
        }
    });
    failed.map_or(Ok(()), |error| {
        Err(Failure::usage("--sort-by: an object could not be read").why(error.to_string()))
    })
}

/// A value as it is sorted: nothing first, numbers by size, sizes such as `20 MiB` too, all else as text.
#[derive(Debug)]
struct Key(Option<Value>);

impl Key {
    fn number(&self) -> Option<f64> {
        self.0.as_ref()?.as_f64()
    }

    fn bytes(&self) -> Option<u64> {
        crds::size::parse(self.0.as_ref()?.as_str()?).ok()
    }

    fn text(&self) -> Option<String> {
        self.0.as_ref().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        if let (Some(one), Some(other)) = (self.number(), other.number()) {
            return one.total_cmp(&other);
        }
        if let (Some(one), Some(other)) = (self.bytes(), other.bytes()) {
            return one.cmp(&other);
        }
        self.text().cmp(&other.text())
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn words_and_paths_are_understood_and_typing_errors_are_told() {
        assert_eq!("time".parse(), Ok(SortBy::Age));
        assert!(matches!("{.metadata.name}".parse(), Ok(SortBy::Path(_))));
        assert!("agee".parse::<SortBy>().unwrap_err().ends_with("did you mean age?"));
        assert!(".a[".parse::<SortBy>().is_err());
    }

    #[test]
    fn values_of_a_path_are_sorted_by_what_they_are() {
        let sorted = |path: &str, mut values: Vec<Value>| {
            sort_by_path(&Path::parse(path).unwrap(), &mut values).unwrap();
            values.iter().map(|value| value["n"].to_string()).collect::<Vec<_>>().join(" ")
        };
        let objects = |values: &[Value]| values.iter().map(|value| json!({"n": value})).collect::<Vec<_>>();
        assert_eq!(sorted(".n", objects(&[json!(10), json!(9), Value::Null])), "null 9 10");
        assert_eq!(sorted(".n", objects(&[json!("2 MiB"), json!("10 KiB")])), "\"10 KiB\" \"2 MiB\"");
        assert_eq!(sorted(".n", objects(&[json!("b"), json!("a")])), "\"a\" \"b\"");
        let without = vec![json!({"n": 1, "k": 1}), json!({"n": 2})];
        assert_eq!(sorted(".k", without), "2 1");
    }
}
