//! Every YAML reader gets back what was written: the two of the Go world (kubectl's among them), fed with whatever is
//! awkward and with thousands of random values.
//!
//! `main.go` beside this file does the reading. Go is there wherever `make test` runs, since the test cluster is built
//! with it.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use archive::manifest::codec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

/// What one reader or another takes for something else when it is bare, or drops, or refuses.
const AWKWARD: &[&str] = &[
    "",
    " ",
    "a ",
    " a",
    "a\n",
    "a\n\n",
    "\n",
    "\na",
    "a\r\nb\r\n",
    "a\rb",
    "\t",
    "\ta\nb",
    "a\tb",
    "on",
    "off",
    "On",
    "yes",
    "no",
    "y",
    "n",
    "Y",
    "N",
    "true",
    "True",
    "TRUE",
    "tRue",
    "false",
    "null",
    "Null",
    "NULL",
    "~",
    "nan",
    "NaN",
    ".nan",
    ".NaN",
    "inf",
    ".inf",
    "-.inf",
    "+.INF",
    "0",
    "00",
    "08",
    "0777",
    "0o777",
    "0o8",
    "0x1F",
    "0X1F",
    "0x",
    "0b101",
    "0b",
    "-0x1",
    "0x1p3",
    "0x_1F",
    "0b_1",
    "1e3",
    "1E3",
    "1e+3",
    "1e",
    "e1",
    "1e309",
    "1e1_0",
    "1_000",
    "0_1",
    "_1",
    "1_",
    "1__0",
    "+_1",
    "1.",
    "1.0",
    "1._5",
    ".5",
    "-.5",
    "+.5",
    "+1",
    "-0",
    "-0.0",
    "1.2.3",
    "1,000",
    "9223372036854775808",
    "12:30",
    "12:30:45",
    "1:2",
    "190:20:30.15",
    "-12:30",
    "2001-01-01",
    "2001-1-1",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5",
    "2001-01-01T00:00:00Z",
    "=",
    "<<",
    "-",
    "--",
    "---",
    "--- a",
    "...",
    "... a",
    "-a",
    "- a",
    "?",
    "? a",
    "?a",
    ":",
    ": a",
    ":a",
    "a:",
    "a: b",
    "a :b",
    "a #b",
    "#a",
    "a#b",
    "&a",
    "*a",
    "!a",
    "!!str a",
    "!!binary aGk=",
    "|",
    "|-",
    ">",
    "%a",
    "%YAML 1.2",
    "@a",
    "`a",
    "'a'",
    "\"a\"",
    "'",
    "\"",
    "\\",
    "\\n",
    "{}",
    "{a}",
    "[]",
    "[a]",
    ",a",
    "a,b",
    "]",
    "}",
    ".",
    "..",
    "+",
    "a\u{85}b",
    "a\u{2028}b",
    "a\u{2029}b",
    "\u{feff}a",
    "a\u{feff}",
    "a\u{7f}b",
    "a\u{80}b",
    "a\u{9f}b",
    "a\u{a0}b",
    "\u{a0}a",
    "a\u{a0}",
    "a\u{fffe}b",
    "a\u{ffff}b",
    "a\u{fdd0}",
    "\u{1f680}",
    "a\u{1f680}\nb\n",
    "\u{10ffff}",
    "a\u{1fffe}b",
    "a\u{200b}b",
    "a\u{ad}b",
    "a\u{202e}b",
    "a\u{300}",
    "\u{d7ff}",
    "\u{e000}",
    "\u{1}",
    "\u{1b}[0m",
    "a\u{0}b",
    "a\u{7}b",
    "line1\n  line2\n\tline3\n",
    "a\n \nb\n",
    "a\n\t\nb",
    "a   \nb   \n",
    "a\n# b\n",
    "a\n---\nb\n...\nc\n",
    "k: v\nl:\n- m\n",
    "a\u{85}\nb",
    "a\n\u{2028}b\n",
    "a\n\u{feff}b",
    "a\n\u{7f}",
];

/// Every awkward string as a value, in a list, below a list and as a key.
fn awkward() -> Vec<Value> {
    let long = ["a".repeat(1_000_000), "word ".repeat(50_000), "ü".repeat(2000), "line\n".repeat(1000)];
    let strings = AWKWARD.iter().map(|text| (*text).to_owned()).chain(long);
    let mut values: Vec<Value> = strings
        .map(
            |text| json!({"a": text, "list": [text, {"b": text, "c": [[text]]}], "data": {"x": {"y": text}}}),
        )
        .collect();
    values.extend(AWKWARD.iter().map(|key| json!({*key: 1, "list": [{*key: {*key: []}}]})));
    // A key of more than 1024 characters has a form of its own.
    values.extend(
        [1020, 1024, 1025, 2000].map(|length| json!({"k".repeat(length): {"x": "ü".repeat(length)}})),
    );
    for number in [
        "0",
        "-1",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "0.1",
        "0.30000000000000004",
        "123456789.12345679",
        "9007199254740993.5",
        "1.7976931348623157e308",
        "5e-324",
        "2.2250738585072014e-308",
        "1e21",
        "8.41e21",
        "1e23",
        "1.0",
        "100000.0",
        "0.000001",
        "-1.5e-7",
    ] {
        values.push(serde_json::from_str(&format!("{{\"n\":{number},\"list\":[{number}]}}")).unwrap());
    }
    values.push(
        json!({"e": {}, "l": [], "n": null, "t": true, "in": [{}, [], null, [[]], [{"a": []}], {"b": {}}]}),
    );
    values
}

fn random() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        proptest::collection::vec(proptest::sample::select(AWKWARD), 0..4).prop_map(|parts| parts.concat()),
        any::<String>(),
        "[0-9+._xobe:-]{1,8}",
        "[ \n\t#:'\"-]{1,6}[a-z]?[ \n\t#:]{0,4}",
    ];
    let text = text.boxed();
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no such number", |number| number.is_finite())
            .prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(5, 24, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(text.clone(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    proptest::collection::btree_map("[a-z]{1,3}", value, 1..4)
        .prop_map(|map| Value::Object(map.into_iter().collect()))
}

#[test]
fn every_reader_gets_back_what_was_written() {
    let mut values = awkward();
    let mut runner = TestRunner::default();
    values.extend((0..3000).map(|_| random().new_tree(&mut runner).unwrap().current()));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/readers");
    let mut readers = Command::new("go")
        .args(["run", "."])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs Go, with which the test cluster is built as well");
    let mut input = readers.stdin.take().unwrap();
    let writer = std::thread::spawn(move || {
        for value in values {
            let line = json!({"yaml": codec::encode(&value).unwrap(), "json": value});
            writeln!(input, "{line}").unwrap();
        }
    });
    let output = readers.wait_with_output().unwrap();
    writer.join().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let end: String = told.chars().rev().take(6000).collect::<Vec<_>>().into_iter().rev().collect();
    assert!(output.status.success(), "{end}");
}
