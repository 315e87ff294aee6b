//! Which objects are brought back, and how, as typed: the parameters of a restore task (see [`archive::restore::options`]).

use std::collections::BTreeMap;
use std::path::PathBuf;

use archive::manifest::path::Key;

use super::selection::Part;
use crate::failure::Failure;
use crate::filters::Filters;
use crate::look::selector;

/// Which objects.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "What")]
#[group(id = "what")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct What {
    /// All that the snapshot holds, objects of the cluster itself included: the same as -A
    #[arg(long)]
    pub whole_cluster: bool,
    /// The newest snapshot of that time, for example 2026-11-22T02:00:00Z
    #[arg(long, value_name = "TIME")]
    pub to_time: Option<String>,
    #[command(flatten)]
    pub filters: Filters,
    /// Objects that belong to no namespace
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL")]
    pub include_cluster_resources: Option<bool>,
    /// Only objects with these labels, for example app=shop,tier
    #[arg(short = 'l', long, default_value = "", hide_default_value = true, value_name = "LABELS")]
    pub selector: String,
    /// What these own as well
    #[arg(long)]
    pub with_owned: bool,
    /// The ConfigMaps, Secrets, ServiceAccounts and claims that these name as well
    #[arg(long)]
    pub with_references: bool,
    /// Roles and bindings too
    #[arg(long)]
    pub include_rbac: bool,
    /// Webhook configurations, admission policies and APIServices too
    #[arg(long)]
    pub include_webhooks: bool,
    /// PersistentVolumes too
    #[arg(long)]
    pub restore_pvs: bool,
}

/// How they are brought back.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "How")]
#[group(id = "how")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub struct How {
    /// Change objects that exist: they take the snapshot's fields
    #[arg(long = "override")]
    pub replace: bool,
    /// Exact: objects that exist become what the snapshot has, and what it lacks is removed
    #[arg(long)]
    pub prune: bool,
    /// Into this namespace instead of the one that the objects come from
    #[arg(long, value_name = "NAMESPACE", conflicts_with = "map_namespace")]
    pub to_namespace: Option<String>,
    /// Objects of one namespace into another; may be repeated
    #[arg(long, value_delimiter = ',', value_name = "OLD=NEW")]
    pub map_namespace: Vec<String>,
    /// One storage class in the place of another; may be repeated
    #[arg(long, value_delimiter = ',', value_name = "OLD=NEW")]
    pub map_storage_class: Vec<String>,
    /// Images from one registry in the place of another, for example docker.io=mirror.example.com/hub
    #[arg(long, value_delimiter = ',', value_name = "OLD=NEW")]
    pub map_image_registry: Vec<String>,
    /// A label for every object; may be repeated
    #[arg(long, value_delimiter = ',', value_name = "KEY=VALUE")]
    pub add_label: Vec<String>,
    /// Changes to objects, as YAML or JSON: {target, patch} or a list of them, where patch is a JSON patch or a strategic merge
    /// patch; may be repeated
    #[arg(long, value_name = "FILE")]
    pub patch_file: Vec<PathBuf>,
    /// Take what would hurt in another cluster as well: addresses, node ports, tokens, leases
    #[arg(long)]
    pub no_safe: bool,
    /// Also from a snapshot that is known to lack something; not with --prune, which would remove what it lacks
    #[arg(long, conflicts_with = "prune")]
    pub allow_incomplete: bool,
    /// How often what failed is tried again, in all
    #[arg(long, value_name = "NUMBER")]
    pub max_iterations: Option<u32>,
}

impl What {
    /// Whether everything is meant, whatever the namespace of the command.
    #[must_use]
    pub fn says_namespaces(&self) -> bool {
        self.whole_cluster
            || !self.filters.include_namespaces.is_empty()
            || !self.filters.exclude_namespaces.is_empty()
    }

    /// The parameters: `part` is what the words mean, `everything` that nothing was narrowed.
    pub fn parameters(&self, part: &Part, everything: bool) -> Result<Parameters, Failure> {
        let Part { objects, resources, namespaces, cluster } = part;
        let cluster = match self.include_cluster_resources {
            Some(said) => said,
            None => everything || *cluster,
        };
        if self.restore_pvs && !cluster {
            return Err(Failure::usage("--restore-pvs: a PersistentVolume belongs to no namespace")
                .fix("--include-cluster-resources   brings back what belongs to no namespace"));
        }
        let all = [&self.filters.and_label_selectors[..], &selector::equalities(&self.selector)?].concat();
        let mut parameters = Parameters::default();
        parameters.list("IncludeNamespaces", &[&self.filters.include_namespaces[..], namespaces].concat());
        parameters.list("ExcludeNamespaces", &self.filters.exclude_namespaces);
        parameters.list("IncludeResources", &[&self.filters.include_resources[..], resources].concat());
        parameters.list("ExcludeResources", &self.filters.exclude_resources);
        parameters.list("ANDedLabelSelectors", &all);
        parameters.list("ORedLabelSelectors", &self.filters.or_label_selectors);
        parameters.list("Objects", &objects.iter().map(object).collect::<Vec<_>>());
        parameters.switch("IncludeClusterResources", cluster);
        parameters.switch("IncludeRBACResources", self.include_rbac);
        parameters.switch("IncludeWebhooks", self.include_webhooks);
        parameters.switch("RestorePVs", self.restore_pvs);
        parameters.switch("WithOwned", self.with_owned);
        parameters.switch("WithReferences", self.with_references);
        Ok(parameters)
    }
}

impl How {
    /// Adds the parameters; `namespaces` are those that the objects come from, where they are known, `patches` the JSON of
    /// the patch files.
    pub fn add_to(
        &self,
        parameters: &mut Parameters,
        namespaces: &[String],
        patches: Option<String>,
    ) -> Result<(), Failure> {
        let mut maps = self.map_namespace.clone();
        match (&self.to_namespace, namespaces) {
            (None, _) => {}
            (Some(to), [from]) => maps.push(format!("{from}={to}")),
            (Some(to), from) => {
                let failure =
                    Failure::usage(format!("--to-namespace {to}: the objects come from several namespaces"));
                return Err(match from {
                    [] => failure.fix("-n NAMESPACE   says from which"),
                    _ => failure
                        .row("found", from.join(", "))
                        .fix("-n NAMESPACE, or --map-namespace OLD=NEW for each"),
                });
            }
        }
        parameters.switch("OverrideResources", self.replace);
        parameters.switch("Prune", self.prune);
        parameters.list("NamespaceMappings", &maps);
        parameters.list("StorageClassMappings", &self.map_storage_class);
        parameters.list("ImageRegistryMappings", &self.map_image_registry);
        parameters.list("AddLabels", &self.add_label);
        if self.no_safe {
            parameters.set("SafeRestore", "false");
        }
        parameters.switch("AllowIncomplete", self.allow_incomplete);
        if let Some(patches) = patches {
            parameters.set("Patches", patches);
        }
        if let Some(number) = self.max_iterations {
            parameters.set("MaxIterations", number.to_string());
        }
        Ok(())
    }
}

/// Parameters of a restore task, by their names; what has its default is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(pub BTreeMap<String, String>);

impl Parameters {
    /// Sets a value.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Sets a value to true, where it is `on`.
    pub fn switch(&mut self, name: &str, on: bool) {
        if on {
            self.set(name, "true");
        }
    }

    fn list(&mut self, name: &str, items: &[String]) {
        if !items.is_empty() {
            self.set(name, items.iter().map(|item| quoted(item)).collect::<Vec<_>>().join(","));
        }
    }
}

/// An item of a list as [`archive::select::list`] reads it.
fn quoted(item: &str) -> String {
    if item.contains(',') { format!("\"{item}\"") } else { item.to_owned() }
}

/// `namespace/groupResource/name`, or `groupResource/name` of what belongs to no namespace.
fn object(key: &Key) -> String {
    match &key.namespace {
        Some(namespace) => format!("{namespace}/{}/{}", key.group_resource, key.name),
        None => format!("{}/{}", key.group_resource, key.name),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Typed {
        #[command(flatten)]
        what: What,
        #[command(flatten)]
        how: How,
    }

    fn parameters(line: &str, part: &Part, everything: bool) -> Result<String, Failure> {
        let typed = Typed::parse_from(std::iter::once("restore").chain(line.split_whitespace()));
        let mut parameters = typed.what.parameters(part, everything)?;
        typed.how.add_to(&mut parameters, &part.sources(), None)?;
        Ok(parameters.0.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" "))
    }

    fn shop() -> Part {
        Part { namespaces: vec!["shop".into()], ..Part::default() }
    }

    #[test]
    fn flags_become_the_parameters_of_the_task_and_defaults_are_left_out() {
        for (line, part, expected) in [
            ("", shop(), "IncludeNamespaces=shop"),
            (
                "--override -l app=shop,tier",
                shop(),
                "ANDedLabelSelectors=app=shop,tier IncludeNamespaces=shop OverrideResources=true",
            ),
            ("--to-namespace trial", shop(), "IncludeNamespaces=shop NamespaceMappings=shop=trial"),
            (
                "--map-storage-class a=b,c=d --map-storage-class e=f",
                shop(),
                "IncludeNamespaces=shop StorageClassMappings=a=b,c=d,e=f",
            ),
            (
                "--include-cluster-resources --restore-pvs",
                shop(),
                "IncludeClusterResources=true IncludeNamespaces=shop RestorePVs=true",
            ),
            (
                "--no-safe --prune --max-iterations 2",
                Part::default(),
                "MaxIterations=2 Prune=true SafeRestore=false",
            ),
        ] {
            assert_eq!(parameters(line, &part, false).unwrap(), expected, "{line}");
        }
        assert_eq!(parameters("", &Part::default(), true).unwrap(), "IncludeClusterResources=true");
        assert_eq!(parameters("--include-cluster-resources=false", &Part::default(), true).unwrap(), "");
    }

    #[test]
    fn single_objects_are_named_in_full() {
        let key = |namespace: Option<&str>, name: &str| Key {
            group_resource: "roles.rbac.authorization.k8s.io".into(),
            namespace: namespace.map(str::to_owned),
            name: name.into(),
        };
        let part = Part { objects: vec![key(Some("shop"), "a,b"), key(None, "system:c")], ..Part::default() };
        assert_eq!(
            parameters("--with-owned", &part, false).unwrap(),
            "Objects=\"shop/roles.rbac.authorization.k8s.io/a,b\",roles.rbac.authorization.k8s.io/system:c WithOwned=true"
        );
    }

    #[test]
    fn flags_that_mean_nothing_here_are_refused() {
        for (line, part) in
            [("--restore-pvs", shop()), ("--to-namespace trial", Part::default()), ("-l app!=shop", shop())]
        {
            assert!(parameters(line, &part, false).is_err(), "{line}");
        }
    }
}
