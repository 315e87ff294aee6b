use super::*;

#[test]
fn ids_are_unique_ordered_and_of_one_form() {
    let ids: Vec<&str> = Code::ALL.iter().map(|code| code.id()).collect();
    assert!(ids.is_sorted_by(|left, right| left < right), "{ids:?}");
    for id in ids {
        let digits = id.strip_prefix("KS").unwrap_or_default();
        assert!(digits.len() == 3 && digits.bytes().all(|digit| digit.is_ascii_digit()), "{id}");
    }
}

#[test]
fn the_address_of_an_explanation_ends_in_the_id() {
    assert!(Code::StorageNotReady.docs().ends_with("/docs/errors.md#ks021"));
    assert!(Code::StorageNotReady.docs().starts_with("https://"));
}
