//! How much of something: the quantities of Kubernetes, as far as quotas count in them.
//!
//! Source: `k8s.io/apimachinery/pkg/api/resource`, the grammar of `Quantity`.

use std::fmt;
use std::ops::{Add, AddAssign};

use serde_json::Value;

/// Digits of a number that is taken for one.
const DIGITS: usize = 18;

/// An amount in thousandths of its unit. Whatever is smaller counts as one of these, as it does for Kubernetes; whatever is
/// larger than can be told is the largest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amount(u128);

impl Amount {
    /// This many whole ones.
    pub const fn of(count: u64) -> Self {
        Self(count as u128 * 1000)
    }

    /// Reads `3`, `"500m"`, `"1.5Gi"`, `"1e3"`; none for what is no quantity, or a negative one.
    pub fn read(quantity: &Value) -> Option<Self> {
        match quantity {
            Value::String(text) => Self::parse(text.trim()),
            Value::Number(number) => Self::parse(&number.to_string()),
            _ => None,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix('+').unwrap_or(text);
        let end = text.find(|character: char| !character.is_ascii_digit() && character != '.');
        let (number, suffix) = text.split_at(end.unwrap_or(text.len()));
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{fraction}");
        if digits.is_empty() || digits.len() > DIGITS || fraction.contains('.') {
            return None;
        }
        let (up, down) = factors(suffix)?;
        let down = down.saturating_mul(10_u128.pow(u32::try_from(fraction.len()).ok()?));
        Some(Self(digits.parse::<u128>().ok()?.saturating_mul(up).div_ceil(down)))
    }

    /// As often as this.
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count as u128))
    }
}

/// What the number before a suffix is multiplied with and divided by, to be thousandths.
fn factors(suffix: &str) -> Option<(u128, u128)> {
    const THOUSAND: u128 = 1000;
    let decimal = |power: u32| Some((THOUSAND.pow(power + 1), 1));
    let binary = |power: u32| Some((THOUSAND * 1024_u128.pow(power), 1));
    match suffix {
        "n" => Some((1, THOUSAND.pow(2))),
        "u" => Some((1, THOUSAND)),
        "m" => Some((1, 1)),
        "" => decimal(0),
        "k" => decimal(1),
        "M" => decimal(2),
        "G" => decimal(3),
        "T" => decimal(4),
        "P" => decimal(5),
        "E" => decimal(6),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        exponent => {
            let power: i32 = exponent.strip_prefix(['e', 'E'])?.parse().ok()?;
            let factor = 10_u128.saturating_pow(power.unsigned_abs());
            Some(if power < 0 { (THOUSAND, factor) } else { (THOUSAND.saturating_mul(factor), 1) })
        }
    }
}

impl Add for Amount {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Amount {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl fmt::Display for Amount {
    /// `3`, `500m`, `64Mi`: what is a multiple of a mebibyte is told in these.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.0 / 1000;
        if !self.0.is_multiple_of(1000) {
            return write!(formatter, "{}m", self.0);
        }
        for (power, suffix) in [(3, "Gi"), (2, "Mi")] {
            let unit = 1024_u128.pow(power);
            if whole > 0 && whole.is_multiple_of(unit) {
                return write!(formatter, "{}{suffix}", whole / unit);
            }
        }
        write!(formatter, "{whole}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn quantities_are_read_and_told() {
        for (quantity, told) in [
            (json!(3), Some("3")),
            (json!("3"), Some("3")),
            (json!("0"), Some("0")),
            (json!("500m"), Some("500m")),
            (json!("1500m"), Some("1500m")),
            (json!("2000m"), Some("2")),
            (json!("0.25"), Some("250m")),
            (json!(".5"), Some("500m")),
            (json!("+1"), Some("1")),
            (json!("1k"), Some("1000")),
            (json!("1e3"), Some("1000")),
            (json!("1E-1"), Some("100m")),
            (json!("1e-99"), Some("1m")),
            (json!("64Mi"), Some("64Mi")),
            (json!("1.5Gi"), Some("1536Mi")),
            (json!("2Gi"), Some("2Gi")),
            (json!("128M"), Some("128000000")),
            // Less than can be told is more than nothing.
            (json!("1n"), Some("1m")),
            (json!("1u"), Some("1m")),
            (json!("-1"), None),
            (json!(""), None),
            (json!("."), None),
            (json!("1.2.3"), None),
            (json!("Gi"), None),
            (json!("1X"), None),
            (json!("1e"), None),
            (json!(true), None),
            (json!(null), None),
        ] {
            let found = Amount::read(&quantity).map(|amount| amount.to_string());
            assert_eq!(found.as_deref(), told, "{quantity}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_not(text in "[-+]?[0-9.]{0,40}[a-zA-Z0-9-]{0,12}", times in any::<u64>()) {
            if let Some(amount) = Amount::read(&json!(text)) {
                prop_assert!(amount.times(times) + amount >= amount);
            }
        }
    }
}
