//! The filters by which verbs choose objects of a snapshot, under upstream's names (contract §7.4, §9).

use archive::select::{LabelGates, NameFilter};

/// Which objects; a filter that is not given keeps nothing out.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Filters {
    /// Only these namespaces, comma separated
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub include_namespaces: Vec<String>,
    /// Not these namespaces
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub exclude_namespaces: Vec<String>,
    /// Only these resource types, for example deployments.apps,secrets
    #[arg(long, value_delimiter = ',', value_name = "TYPES")]
    pub include_resources: Vec<String>,
    /// Not these resource types
    #[arg(long, value_delimiter = ',', value_name = "TYPES")]
    pub exclude_resources: Vec<String>,
    /// Only objects that have all of these labels
    #[arg(long, value_delimiter = ',', value_name = "LABELS")]
    pub and_label_selectors: Vec<String>,
    /// Only objects that have one of these labels
    #[arg(long, value_delimiter = ',', value_name = "LABELS")]
    pub or_label_selectors: Vec<String>,
}

impl Filters {
    /// Of namespaces.
    #[must_use]
    pub fn namespaces(&self) -> NameFilter {
        NameFilter::new(self.include_namespaces.clone(), self.exclude_namespaces.clone())
    }

    /// Of types.
    #[must_use]
    pub fn resources(&self) -> NameFilter {
        NameFilter::new(self.include_resources.clone(), self.exclude_resources.clone())
    }

    /// Of labels.
    #[must_use]
    pub fn labels(&self) -> LabelGates {
        LabelGates { all: self.and_label_selectors.clone(), any: self.or_label_selectors.clone() }
    }
}
