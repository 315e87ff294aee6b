//! The questions about a storage, as far as they follow from the answers alone.

use super::{Draft, Step};
use crate::ask::{Choice, Question};
use crate::setup;
use crate::setup::storage::ProviderFlag;

/// Who may keep the data.
pub const PROVIDERS: [(ProviderFlag, &str, &str); 4] = [
    (ProviderFlag::S3, "S3", "AWS, MinIO, Ceph, and all that speak like it"),
    (ProviderFlag::Gcs, "Google Cloud Storage", ""),
    (ProviderFlag::Azure, "Azure Blob Storage", ""),
    (ProviderFlag::Local, "a volume of the cluster", "a PersistentVolumeClaim"),
];

impl Draft {
    /// The question of a step.
    pub(super) fn question(&self, step: Step) -> Question {
        let facts = &self.facts;
        match step {
            Step::Provider => {
                let choices =
                    PROVIDERS.iter().map(|(_, label, remark)| Choice::new(*label, *remark)).collect();
                Question::menu(
                    "Who keeps the data?",
                    "The service that the backups are written to.",
                    choices,
                    0,
                )
            }
            Step::Endpoint => {
                let found = facts.endpoints.first();
                let title = found.map_or_else(
                    || "Endpoint".into(),
                    |(_, service)| format!("Endpoint (found Service {service})"),
                );
                let help =
                    "URL of the object store, as pods of the cluster reach it. Say aws for AWS itself.";
                Question::line(title, help, found.map_or("aws", |(url, _)| url))
            }
            Step::Region => Question::line("Region", "The AWS region of the bucket.", "us-east-1"),
            Step::Account => {
                Question::line("Storage account", "The Azure storage account of the container.", "")
            }
            Step::Bucket => Question::line("Bucket", "The bucket, or container of Azure. It must exist.", ""),
            Step::Volume => {
                Question::line("PersistentVolumeClaim", "The claim that backups are written to.", "")
            }
            Step::Prefix => {
                let context = Some(setup::name_from(&facts.context)).filter(|name| !name.is_empty());
                let default = format!("{}/{}", context.as_deref().unwrap_or("cluster"), facts.namespace);
                Question::line("Prefix", "Folder in the bucket. Say / for none.", default)
            }
            Step::Credentials => self.ask_source(),
            Step::Profile => self.ask_profile(),
            Step::KeyId => Question::line("Access key ID", "The public half of the access key.", ""),
            Step::SecretKey => Question::hidden("Secret access key", ""),
            Step::KeyFile => {
                let what = match self.provider() {
                    ProviderFlag::Gcs => "JSON key",
                    ProviderFlag::Azure => "account key",
                    ProviderFlag::S3 | ProviderFlag::Local => "credentials in the AWS CLI's format",
                };
                Question::line(format!("File with the {what}"), "A file on this machine.", "")
            }
            Step::Check => Question::menu(
                "Go on?",
                "The bucket could not be used with these credentials, from where it was tried.",
                vec![
                    Choice::new("enter the credentials again", ""),
                    Choice::new("change the bucket", ""),
                    Choice::new("go on without a check", "the operator will tell"),
                ],
                0,
            ),
        }
    }
}
