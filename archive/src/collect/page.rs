//! One page of a list: taken apart without copying, and how large the next one is to be.

use bytes::Bytes;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// Objects of the first page of each type: most types of most clusters have fewer.
const FIRST: usize = 32;
/// The most that a page may hold; the API server works on a page while others wait.
const MOST: usize = 1000;
/// Objects can be as large as 1.5 MiB (the limit of etcd).
const FEWEST: usize = 4;

/// A part of a list, as the server sent it.
#[derive(Debug)]
pub struct Page {
    /// Each object's JSON, a slice of the answer.
    pub items: Vec<Bytes>,
    /// What continues the list; none at its end.
    pub next: Option<String>,
    /// Objects after this page, if the server knows.
    pub remaining: u64,
    /// Bytes of the answer.
    pub bytes: usize,
}

#[derive(Deserialize)]
struct List<'a> {
    metadata: ListMeta,
    #[serde(borrow, deserialize_with = "some_items")]
    items: Vec<&'a RawValue>,
}

/// Some aggregated servers write `null` for no items. Without the field at all it is no list, and not an empty one.
fn some_items<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'a RawValue>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMeta {
    #[serde(default, rename = "continue")]
    next: Option<String>,
    #[serde(default)]
    remaining_item_count: Option<u64>,
}

impl Page {
    /// Takes the answer to a list request apart.
    pub fn read(answer: &Bytes) -> Result<Self, serde_json::Error> {
        let list: List<'_> = serde_json::from_slice(answer)?;
        Ok(Self {
            items: list.items.into_iter().map(|item| answer.slice_ref(item.get().as_bytes())).collect(),
            next: list.metadata.next.filter(|token| !token.is_empty()),
            remaining: list.metadata.remaining_item_count.unwrap_or_default(),
            bytes: answer.len(),
        })
    }
}

/// The number of objects to ask for, such that a page has about `target` bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize {
    target: usize,
    limit: usize,
}

impl PageSize {
    /// Begins small, since the size of the objects is not known.
    #[must_use]
    pub const fn new(target: usize) -> Self {
        Self { target, limit: FIRST }
    }

    /// A page of one object: for what the server says besides.
    #[must_use]
    pub const fn one() -> Self {
        Self { target: 0, limit: 1 }
    }

    /// For the next request.
    #[must_use]
    pub const fn limit(self) -> usize {
        self.limit
    }

    /// Learns from a page.
    pub fn learn(&mut self, page: &Page) {
        if let Some(average) = page.bytes.checked_div(page.items.len()) {
            self.limit = (self.target / average.max(1)).clamp(FEWEST, MOST);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Page {
        Page::read(&Bytes::copy_from_slice(text.as_bytes())).unwrap()
    }

    #[test]
    fn a_page_is_taken_apart() {
        let page = read(
            r#"{"kind":"PodList","apiVersion":"v1","metadata":{"resourceVersion":"1","continue":"abc","remainingItemCount":7},"items":[{"a": 1} , {"b":[2]}]}"#,
        );
        assert_eq!(page.items, [Bytes::from_static(b"{\"a\": 1}"), Bytes::from_static(b"{\"b\":[2]}")]);
        assert_eq!((page.next.as_deref(), page.remaining), (Some("abc"), 7));
    }

    #[test]
    fn the_last_page_has_no_next() {
        for text in [
            r#"{"metadata":{"resourceVersion":"1"},"items":[]}"#,
            r#"{"metadata":{"continue":""},"items":null}"#,
        ] {
            let page = read(text);
            assert_eq!((page.items.len(), page.next, page.remaining), (0, None, 0), "{text}");
        }
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for text in [
            "",
            "{",
            "<html>",
            "[]",
            "{}",
            r#"{"metadata":{}}"#,
            r#"{"items":[]}"#,
            r#"{"items":7}"#,
            r#"{"items":[1,}"#,
        ] {
            assert!(Page::read(&Bytes::copy_from_slice(text.as_bytes())).is_err(), "{text}");
        }
    }

    #[test]
    fn the_page_size_follows_the_size_of_the_objects() {
        let page = |items: usize, bytes: usize| Page {
            items: vec![Bytes::new(); items],
            next: None,
            remaining: 0,
            bytes,
        };
        for (items, bytes, limit) in [
            (0, 100, 32),
            (32, 32 * 4096, 512),
            (32, 32 * 100, 1000),
            (32, 32 * 1024 * 1024, 4),
            (10, 10 * 64 * 1024, 32),
        ] {
            let mut size = PageSize::new(2 * 1024 * 1024);
            size.learn(&page(items, bytes));
            assert_eq!(size.limit(), limit, "{items} objects of {bytes} bytes");
        }
    }
}
