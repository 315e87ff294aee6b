//! JSON to canonical YAML and back: the one place that knows how a manifest is written.
//!
//! Canonical means that equal objects give equal bytes: keys sorted, two blanks of indentation, one way to write each
//! value. Faithful means that every reader gets back what was there, whichever YAML it speaks: kubectl and everything
//! in Go reads YAML 1.1, where a bare `on` is a truth value, `0777` an octal number and `12:30` a count of seconds.
//! So a string is
//!
//! - bare, when no reader can take it for anything else,
//! - a literal block (`|`), when it has several lines and nothing in it that a reader treats specially there,
//! - in double quotes with escapes otherwise. Nothing is ever folded: a long line stays one line.

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Serialize, Serializer, de::DeserializeOwned};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, LitStr, Options, SerializerOptions};
use snafu::{ResultExt as _, Snafu};

/// Why a value cannot be written or read.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The value is not one that JSON has.
    #[snafu(display("the value cannot be written as JSON: {source}"))]
    Json {
        /// What serde_json said.
        source: serde_json::Error,
    },
    /// The writer gave up.
    #[snafu(display("the YAML writer failed: {source}"))]
    Write {
        /// What it said.
        source: serde_saphyr::ser::Error,
    },
    /// Not YAML, or not of the expected shape.
    #[snafu(display("not a manifest: {source}"))]
    Read {
        /// Where and why. Boxed because it is large.
        source: Box<serde_saphyr::Error>,
    },
}

/// Canonical YAML of a JSON value, ending with a newline.
pub fn encode(value: &Value) -> Result<String, Error> {
    let options: SerializerOptions = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut yaml = String::with_capacity(1024);
    serde_saphyr::to_fmt_writer_with_options(&mut yaml, &Canonical(value), options).context(WriteSnafu)?;
    Ok(yaml)
}

/// Canonical YAML of anything that can be written as JSON, for example a custom resource.
pub fn encode_as_json<T: Serialize>(value: &T) -> Result<String, Error> {
    encode(&serde_json::to_value(value).context(JsonSnafu)?)
}

/// Reads one YAML document; a key that occurs twice is an error, as it is for the API server. Bounded in depth and in
/// what aliases may expand to, so that a hostile file costs no more than its size.
pub fn decode<T: DeserializeOwned>(yaml: &[u8]) -> Result<T, Error> {
    let options: Options = serde_saphyr::options! {
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
        budget: None,
    };
    serde_saphyr::from_slice_with_options(yaml, options).map_err(Box::new).context(ReadSnafu)
}

/// A JSON value that writes itself by the rules above.
struct Canonical<'a>(&'a Value);

impl Serialize for Canonical<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if is_block(text) => LitStr(text).serialize(serializer),
            Value::Array(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(&Canonical(item))?;
                }
                list.end()
            }
            Value::Object(fields) => {
                // The map of serde_json is sorted, unless some crate of the build switches that off for all.
                let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
                fields.sort_unstable_by_key(|(name, _)| name.as_bytes());
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (name, value) in fields {
                    map.serialize_entry(name, &Canonical(value))?;
                }
                map.end()
            }
            plain => plain.serialize(serializer),
        }
    }
}

/// Whether a string is written as a literal block. Only where every reader agrees: several lines, beginning with a
/// visible character (a reader measures the indentation there, and some refuse a tab), no line of blanks alone, and
/// nothing but what is printable in YAML 1.1 and 1.2 alike. A carriage return, NEL, LS and PS are line breaks to some
/// readers and not to others; DEL, C1 controls, the byte order mark and noncharacters are refused by some.
fn is_block(text: &str) -> bool {
    let starts_visibly = text.chars().next().is_some_and(|first| !first.is_whitespace());
    let faithful = |character: char| {
        matches!(character, '\n' | '\t' | ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}'
            | '\u{e000}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
            || (character > '\u{ffff}' && u32::from(character) & 0xfffe != 0xfffe)
    };
    starts_visibly
        && text.contains('\n')
        && text.chars().all(faithful)
        && text
            .lines()
            .all(|line| line.is_empty() || line.contains(|character: char| !character.is_whitespace()))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read_back(value: &Value) -> Value {
        let yaml = encode(value).unwrap();
        decode(yaml.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
    }

    #[test]
    fn a_manifest_looks_as_people_write_it() {
        let value = json!({
            "metadata": {"name": "a", "labels": {"on": "yes", "app": "shop"}},
            "kind": "ConfigMap", "apiVersion": "v1",
            "data": {"script.sh": "#!/bin/sh\nset -e\n\n\techo \"hi\"\n", "empty": "", "crlf": "a\r\nb"},
            "list": [{"a": 1, "b": [true, null]}, [], {}, [[1, 2], ["x"]]],
            "ratio": 1.0, "whole": 1, "large": 9_007_199_254_740_993_i64,
        });
        let expected = r#"apiVersion: v1
data:
  crlf: "a\r\nb"
  empty: ""
  script.sh: |
    #!/bin/sh
    set -e

    	echo "hi"
kind: ConfigMap
large: 9007199254740993
list:
- a: 1
  b:
  - true
  - null
- []
- {}
- - - 1
    - 2
  - - x
metadata:
  labels:
    app: shop
    "on": "yes"
  name: a
ratio: 1.0
whole: 1
"#;
        assert_eq!(encode(&value).unwrap(), expected);
        assert_eq!(read_back(&value), value);
    }

    #[test]
    fn keys_are_sorted_bytewise_and_equal_objects_give_equal_bytes() {
        let one: Value = serde_json::from_str(r#"{"b":1,"a-b":2,"a":3,"B":4,"ä":5}"#).unwrap();
        let two: Value = serde_json::from_str(r#"{"ä":5,"a":3,"B":4,"b":1,"a-b":2}"#).unwrap();
        assert_eq!(encode(&one).unwrap(), "B: 4\na: 3\na-b: 2\nb: 1\nä: 5\n");
        assert_eq!(encode(&one).unwrap(), encode(&two).unwrap());
    }

    #[test]
    fn several_lines_are_a_block_only_where_every_reader_agrees() {
        for text in [
            "a\n",
            "a\nb",
            "a\n\n\nb\n\n",
            "a: b\n# c\n--- d\n...\n",
            "a\n  b\n\tc\n",
            "a \nb  \n",
            "ü\n字\n🚀",
        ] {
            assert!(is_block(text), "{text:?}");
        }
        for text in [
            "",
            "a",
            "\n",
            "\na",
            " a\nb",
            "\ta\nb",
            "a\r\nb",
            "a\n \nb",
            "a\n\u{85}",
            "a\n\u{2028}",
            "a\n\u{feff}",
            "a\n\u{7f}",
            "a\n\u{1}",
            "a\n\u{fffe}",
            "a\n\u{fdd0}",
            "a\n\u{1fffe}",
            "\u{a0}a\nb",
        ] {
            assert!(!is_block(text), "{text:?}");
        }
    }

    #[test]
    fn a_typed_value_is_written_the_same_way() {
        #[derive(Serialize)]
        struct Typed {
            z: &'static str,
            a: Option<u8>,
        }
        assert_eq!(encode_as_json(&Typed { z: "no", a: None }).unwrap(), "a: null\nz: \"no\"\n");
    }

    #[test]
    fn a_key_that_occurs_twice_is_refused() {
        assert!(decode::<Value>(b"a: 1\na: 2\n").is_err());
        assert!(decode::<Value>(b"\"a\": 1\na: 2\n").is_err());
    }

    #[test]
    fn aliases_cannot_make_a_bomb() {
        let mut yaml = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let before = level - 1;
            let list = format!("*a{before}, ").repeat(10);
            writeln!(yaml, "a{level}: &a{level} [{list}]").unwrap();
        }
        assert!(decode::<Value>(yaml.as_bytes()).is_err());
    }

    #[test]
    fn numbers_keep_their_value_and_their_kind() {
        for number in [
            "0",
            "-1",
            "9007199254740993",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
            "1.0",
            "0.1",
            "-0.0",
            "1e300",
            "5e-324",
            "1.7976931348623157e308",
            "123456789.12345679",
            "0.30000000000000004",
            "1e21",
            "100000.0",
            "0.000001",
        ] {
            let value: Value = serde_json::from_str(&format!("[{number}]")).unwrap();
            let back = read_back(&value);
            assert_eq!(back, value, "{number}: {}", encode(&value).unwrap());
            assert_eq!(back[0].is_f64(), value[0].is_f64(), "{number}");
            // The nearest double, to the last bit.
            assert_eq!(back[0].as_f64(), number.parse().ok(), "{number}");
        }
    }

    /// Strings of the characters that some reader stumbles over.
    fn awkward() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("\n"),
            Just("\r"),
            Just("\t"),
            Just(" "),
            Just("  "),
            Just(":"),
            Just("#"),
            Just("-"),
            Just("?"),
            Just("\""),
            Just("'"),
            Just("\\"),
            Just("{"),
            Just("]"),
            Just(","),
            Just("&"),
            Just("*"),
            Just("!"),
            Just("|"),
            Just(">"),
            Just("%"),
            Just("@"),
            Just("`"),
            Just("~"),
            Just("="),
            Just("<<"),
            Just("0"),
            Just("1"),
            Just("e"),
            Just("x"),
            Just("_"),
            Just("."),
            Just("on"),
            Just("No"),
            Just("null"),
            Just("---"),
            Just("..."),
            Just("\u{0}"),
            Just("\u{1}"),
            Just("\u{7f}"),
            Just("\u{80}"),
            Just("\u{85}"),
            Just("\u{9f}"),
            Just("\u{a0}"),
            Just("\u{2028}"),
            Just("\u{2029}"),
            Just("\u{feff}"),
            Just("\u{fffe}"),
            Just("\u{ffff}"),
            Just("\u{fdd0}"),
            Just("🚀"),
            Just("\u{10ffff}"),
            Just("é"),
            Just("a"),
            Just("word word"),
        ];
        proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>()
                .prop_filter("JSON has no such number", |number| number.is_finite())
                .prop_map(Value::from),
            awkward().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::btree_map(awkward(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(value in any_value()) {
            prop_assert_eq!(read_back(&value), value);
        }
    }
}
