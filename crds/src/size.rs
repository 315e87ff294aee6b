//! Sizes as KubeStash writes them: `1.596 MiB` (contract §2.3).

use snafu::Snafu;

const UNITS: [(&str, u64); 5] =
    [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

/// A text that is no size.
#[derive(Debug, Snafu, PartialEq, Eq)]
#[snafu(display(
    "failed to read the size \"{text}\": expected a number, a space and one of TiB, GiB, MiB, KiB, B"
))]
pub struct SizeError {
    pub text: String,
}

/// Bytes in the largest unit that they exceed, with three decimals; whole bytes up to and including 1024.
///
/// The comparison is strict, so 1024 bytes are `1024 B` and 1048576 are `1024.000 KiB`.
#[must_use]
pub fn format(bytes: u64) -> String {
    match UNITS.into_iter().find(|(unit, factor)| *unit != "B" && bytes > *factor) {
        None => format!("{bytes} B"),
        Some((unit, factor)) => format!("{:.3} {unit}", ratio(bytes, factor)),
    }
}

/// Bytes of a size written by [`format()`] or by KubeStash, rounded to the nearest.
///
/// # Errors
///
/// When the text is not a number, a space and a unit, or the number is negative or not finite.
pub fn parse(text: &str) -> Result<u64, SizeError> {
    let error = || SizeError { text: text.to_owned() };
    let (number, unit) = text.split_once(' ').ok_or_else(error)?;
    let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(error)?;
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(factor).ok_or_else(error);
    }
    let number: f64 = number.parse().map_err(|_| error())?;
    whole_bytes(number, factor).ok_or_else(error)
}

#[expect(clippy::cast_precision_loss, reason = "three decimals are shown, far fewer digits than are kept")]
fn ratio(bytes: u64, factor: u64) -> f64 {
    bytes as f64 / factor as f64
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the factor is a power of two, hence exact; range and sign are checked before the cast"
)]
fn whole_bytes(number: f64, factor: u64) -> Option<u64> {
    let bytes = (number * factor as f64).round();
    (bytes.is_finite() && (0.0..u64::MAX as f64).contains(&bytes)).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{format, parse};

    #[test]
    fn bytes_are_written_in_the_unit_they_exceed() {
        let table = [
            (0, "0 B"),
            (1, "1 B"),
            (1024, "1024 B"),
            (1025, "1.001 KiB"),
            (1 << 20, "1024.000 KiB"),
            ((1 << 20) + 1, "1.000 MiB"),
            (1_673_527, "1.596 MiB"),
            (1 << 30, "1024.000 MiB"),
            (3 << 30, "3.000 GiB"),
            (1 << 40, "1024.000 GiB"),
            ((1 << 40) + (1 << 39), "1.500 TiB"),
        ];
        for (bytes, text) in table {
            assert_eq!(format(bytes), text, "{bytes}");
        }
    }

    #[test]
    fn sizes_are_read_in_every_unit() {
        let table = [
            ("0 B", 0),
            ("12 B", 12),
            ("1.5 KiB", 1536),
            ("1.596 MiB", 1_673_527),
            ("2 GiB", 2 << 30),
            ("0.5 TiB", 1 << 39),
            ("18446744073709551615 B", u64::MAX),
        ];
        for (text, bytes) in table {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_an_error_that_names_it() {
        for text in
            ["", "12", "12B", "12  B", "1,5 KiB", "1 KB", "1 kib", "-1 B", "NaN B", "inf B", "1e300 TiB"]
        {
            let error = parse(text).unwrap_err();
            assert!(error.to_string().contains(&format!("{text:?}")), "{error}");
        }
    }

    proptest! {
        #[test]
        fn reading_what_was_written_is_off_by_less_than_half_the_last_digit(bytes in 0_u64..(1 << 50)) {
            let read = parse(&format(bytes)).unwrap();
            // Three decimals of the unit: a two-thousandth of it, and the rounding to whole bytes.
            let tolerance = (bytes / 1000).max(1);
            prop_assert!(read.abs_diff(bytes) <= tolerance, "{bytes} came back as {read}");
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,20}") {
            let _ = parse(&text);
        }
    }
}
