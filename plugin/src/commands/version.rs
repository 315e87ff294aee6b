//! `version`: what runs here, and what runs in the cluster. Nothing else is asked.

use k8s_openapi::api::apps::v1::Deployment;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Format, Shape};
use crate::streams::Streams;

/// The label by which the operator is found; upstream's own tools use the same.
pub const OPERATOR_LABEL: &str = "app.kubernetes.io/name=kubestash-operator";

/// The version of this plugin.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Print the versions of this plugin and of the operator in the cluster
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Print the plugin's version only; the cluster is not asked
    #[arg(long)]
    client: bool,
    /// Output format
    #[arg(short, long, default_value_t, value_name = "FORMAT")]
    output: Format,
}

/// An operator that was found in the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Operator {
    namespace: String,
    image: String,
}

impl Args {
    /// Prints the versions.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let operators = if self.client {
            Vec::new()
        } else {
            let found = context.cluster().await?.list::<Deployment>(None, OPERATOR_LABEL).await?;
            found.iter().map(operator).collect()
        };
        let text = match &self.output {
            Format::Name => None,
            format => format.document(&[value(&operators)], Shape::Named)?,
        };
        let text = text.unwrap_or_else(|| render(&operators, self.client));
        streams.results.write_all(text.as_bytes())?;
        Ok(())
    }
}

fn operator(deployment: &Deployment) -> Operator {
    let spec = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    let container =
        spec.and_then(|spec| spec.containers.iter().find(|container| container.name == "operator"));
    Operator {
        namespace: deployment.metadata.namespace.clone().unwrap_or_default(),
        image: container.and_then(|container| container.image.clone()).unwrap_or_default(),
    }
}

fn render(operators: &[Operator], client_only: bool) -> String {
    let mut lines = vec![format!("client    {VERSION}   kubestash-rs (Apache-2.0)")];
    for Operator { namespace, image } in operators {
        lines.push(format!("operator  {image}   namespace {namespace}"));
    }
    if operators.is_empty() && !client_only {
        lines.push("operator  not installed   (kubectl kubestash install)".into());
    }
    output::lines(lines)
}

fn value(operators: &[Operator]) -> Value {
    let operators: Vec<Value> = operators
        .iter()
        .map(|operator| json!({"namespace": operator.namespace, "image": operator.image}))
        .collect();
    json!({"clientVersion": {"version": VERSION, "vendor": "kubestash-rs"}, "operators": operators})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_with_the_vendor() {
        let operators = [Operator { namespace: "kubestash".into(), image: "kubestash:1".into() }];
        let text = render(&operators, false);
        assert!(text.starts_with(&format!("client    {VERSION}   kubestash-rs")), "{text}");
        assert!(text.ends_with("operator  kubestash:1   namespace kubestash\n"), "{text}");
        assert!(render(&[], false).contains("not installed"));
        assert!(!render(&[], true).contains("operator"));
    }
}
