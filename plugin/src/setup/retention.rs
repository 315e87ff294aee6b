//! A RetentionPolicy from flags.

pub mod preview;

use crds::retention_period::RetentionPeriod;
use crds::storage::RetentionPolicy;
use crds::storage::retention_policy::{FailedSnapshots, RetentionPolicySpec, SuccessfulSnapshots};
use crds::usage_policy::UsagePolicy;

use crate::failure::Failure;
use crate::object::Object;
use crate::setup;

/// How long backups are kept, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, clap::Args)]
#[command(next_help_heading = "Retention")]
#[group(id = "keep")]
pub struct Flags {
    /// Keep the newest NUMBER backups
    #[arg(long, value_name = "NUMBER")]
    pub keep_last: Option<i32>,
    /// Keep one backup of each of the last NUMBER hours that have one
    #[arg(long, value_name = "NUMBER")]
    pub keep_hourly: Option<i32>,
    /// Keep one backup of each of the last NUMBER days that have one
    #[arg(long, value_name = "NUMBER")]
    pub keep_daily: Option<i32>,
    /// Keep one backup of each of the last NUMBER weeks that have one
    #[arg(long, value_name = "NUMBER")]
    pub keep_weekly: Option<i32>,
    /// Keep one backup of each of the last NUMBER months that have one
    #[arg(long, value_name = "NUMBER")]
    pub keep_monthly: Option<i32>,
    /// Keep one backup of each of the last NUMBER years that have one
    #[arg(long, value_name = "NUMBER")]
    pub keep_yearly: Option<i32>,
    /// Keep the newest NUMBER failed backups
    #[arg(long, value_name = "NUMBER")]
    pub keep_failed: Option<i32>,
    /// Remove backups older than this in any case, for example 1y6mo
    #[arg(long, value_name = "PERIOD")]
    pub max_retention: Option<String>,
}

/// What most people want.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// How far it reaches, for people.
    pub label: &'static str,
    /// What such a policy is called.
    pub name: &'static str,
    daily: i32,
    weekly: i32,
    monthly: i32,
}

/// The usual first.
pub const PRESETS: [Preset; 4] = [
    Preset { label: "half a year", name: "half-a-year", daily: 7, weekly: 4, monthly: 6 },
    Preset { label: "a week", name: "week", daily: 7, weekly: 0, monthly: 0 },
    Preset { label: "a month", name: "month", daily: 7, weekly: 4, monthly: 0 },
    Preset { label: "a year", name: "year", daily: 14, weekly: 8, monthly: 12 },
];

impl Preset {
    /// As it would be typed.
    #[must_use]
    pub fn flags(&self) -> Flags {
        let some = |count: i32| (count > 0).then_some(count);
        Flags {
            keep_daily: some(self.daily),
            keep_weekly: some(self.weekly),
            keep_monthly: some(self.monthly),
            ..Flags::default()
        }
    }
}

impl Flags {
    /// What is kept when nobody says anything: a week of days, a month of weeks, half a year of months.
    #[must_use]
    pub fn usual() -> Self {
        PRESETS[0].flags()
    }

    /// Whether anything was typed.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// `7 daily, 4 weekly, 6 monthly`
    #[must_use]
    pub fn spoken(&self) -> String {
        let counts = [
            (self.keep_last, "last"),
            (self.keep_hourly, "hourly"),
            (self.keep_daily, "daily"),
            (self.keep_weekly, "weekly"),
            (self.keep_monthly, "monthly"),
            (self.keep_yearly, "yearly"),
            (self.keep_failed, "failed"),
        ];
        let mut parts: Vec<String> =
            counts.into_iter().filter_map(|(number, word)| Some(format!("{} {word}", number?))).collect();
        parts.extend(self.max_retention.as_ref().map(|period| format!("at most {period}")));
        parts.join(", ")
    }

    /// Reads what [`Self::spoken`] writes: `24 hourly, 7 daily`.
    ///
    /// # Errors
    /// Tells what is wrong with the text.
    pub fn from_spoken(text: &str) -> Result<Self, String> {
        let mut flags = Self::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (number, word) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
            let known = match word.trim() {
                "last" => &mut flags.keep_last,
                "hourly" => &mut flags.keep_hourly,
                "daily" => &mut flags.keep_daily,
                "weekly" => &mut flags.keep_weekly,
                "monthly" => &mut flags.keep_monthly,
                "yearly" => &mut flags.keep_yearly,
                "failed" => &mut flags.keep_failed,
                _ => return Err(format!("\"{part}\" is no rule; write for example 24 hourly, 7 daily")),
            };
            let number = number.parse::<i32>().ok().filter(|number| *number > 0);
            *known = Some(number.ok_or_else(|| format!("\"{part}\" does not begin with a number above 0"))?);
        }
        Ok(flags)
    }

    /// The policy that says this, for its own namespace.
    pub fn object(&self, namespace: &str, name: &str) -> Result<Object, Failure> {
        self.policy(namespace, name, UsagePolicy::same_namespace(), false)
    }

    /// The policy that says this, usable from where `usage` says.
    pub fn policy(
        &self,
        namespace: &str,
        name: &str,
        usage: UsagePolicy,
        is_default: bool,
    ) -> Result<Object, Failure> {
        let spec = RetentionPolicySpec { usage_policy: Some(usage), default: is_default, ..self.spec()? };
        let mut policy = RetentionPolicy::new(name, spec);
        policy.metadata = setup::metadata(Some(namespace), name);
        Object::typed(&policy)
    }

    /// What is kept, as a policy says it.
    ///
    /// # Errors
    /// When it keeps nothing, or the period is none.
    pub fn spec(&self) -> Result<RetentionPolicySpec, Failure> {
        let counts = [
            ("--keep-last", self.keep_last),
            ("--keep-hourly", self.keep_hourly),
            ("--keep-daily", self.keep_daily),
            ("--keep-weekly", self.keep_weekly),
            ("--keep-monthly", self.keep_monthly),
            ("--keep-yearly", self.keep_yearly),
            ("--keep-failed", self.keep_failed),
        ];
        if let Some((flag, number)) =
            counts.iter().find(|(_, number)| number.is_some_and(|number| number < 0))
        {
            return Err(Failure::usage(format!("{flag} {} keeps nothing", number.unwrap_or_default())));
        }
        let successful = SuccessfulSnapshots {
            last: self.keep_last,
            hourly: self.keep_hourly,
            daily: self.keep_daily,
            weekly: self.keep_weekly,
            monthly: self.keep_monthly,
            yearly: self.keep_yearly,
        };
        if successful == SuccessfulSnapshots::default() && self.max_retention.is_none() {
            return Err(Failure::usage("--keep-failed alone says nothing about backups that succeeded")
                .fix("--keep-daily 7, or another of --keep-*, or --max-retention 2mo"));
        }
        if let Some(period) = &self.max_retention {
            period.parse::<RetentionPeriod>().map_err(|error| {
                Failure::usage(format!("--max-retention {period} is no period")).why(error.to_string())
            })?;
        }
        Ok(RetentionPolicySpec {
            max_retention_period: self.max_retention.clone(),
            successful_snapshots: (successful != SuccessfulSnapshots::default()).then_some(successful),
            failed_snapshots: Some(FailedSnapshots { last: Some(self.keep_failed.unwrap_or(1)) }),
            ..RetentionPolicySpec::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_usual_policy_keeps_days_weeks_and_months() {
        let object = Flags::usual().object("shop", "shop").unwrap();
        assert_eq!(
            object.body["spec"],
            json!({
                "successfulSnapshots": {"daily": 7, "weekly": 4, "monthly": 6},
                "failedSnapshots": {"last": 1},
                "usagePolicy": {"allowedNamespaces": {"from": "Same"}},
            })
        );
        assert_eq!(Flags::usual().spoken(), "7 daily, 4 weekly, 6 monthly");
    }

    #[test]
    fn what_keeps_nothing_or_cannot_be_read_is_refused() {
        let failed_only = Flags { keep_failed: Some(3), ..Flags::default() };
        let negative = Flags { keep_daily: Some(-1), ..Flags::default() };
        let period = Flags { max_retention: Some("2 months".into()), ..Flags::default() };
        for flags in [failed_only, negative, period] {
            assert!(flags.object("shop", "shop").is_err(), "{flags:?}");
        }
    }

    #[test]
    fn rules_may_be_written_as_they_are_told() {
        let usual = Flags::usual();
        assert_eq!(Flags::from_spoken(&usual.spoken()), Ok(usual));
        assert_eq!(Flags::from_spoken(" 5  last ,").unwrap().keep_last, Some(5));
        for wrong in ["daily", "7", "7 dayly", "x daily", "-1 daily", "0 last"] {
            assert!(Flags::from_spoken(wrong).is_err(), "{wrong}");
        }
    }
}
