//! The questions about a new storage: who keeps the data, where, and with which credentials. The answers are the flags
//! of `storage create`.

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::Dialogue;
use super::facts::Facts;
use crate::ask::{Answer, Choice, Question};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::Failure;
use crate::reach::{self, Origin, Reach};
use crate::setup;
use crate::setup::credentials::Input;
use crate::setup::storage::{Flags, ProviderFlag};
use crate::story::Glyph;
use crate::streams::Streams;

/// A question about a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Provider,
    Endpoint,
    Region,
    Account,
    Bucket,
    Volume,
    Prefix,
    Credentials,
    KeyId,
    SecretKey,
    KeyFile,
    Check,
}

/// In this order, those that apply.
const ORDER: [Step; 12] = [
    Step::Provider,
    Step::Endpoint,
    Step::Region,
    Step::Account,
    Step::Bucket,
    Step::Volume,
    Step::Prefix,
    Step::Credentials,
    Step::KeyId,
    Step::SecretKey,
    Step::KeyFile,
    Step::Check,
];

const PROVIDERS: [(ProviderFlag, &str, &str); 4] = [
    (ProviderFlag::S3, "S3", "AWS, MinIO, Ceph, and all that speak like it"),
    (ProviderFlag::Gcs, "Google Cloud Storage", ""),
    (ProviderFlag::Azure, "Azure Blob Storage", ""),
    (ProviderFlag::Local, "a volume of the cluster", "a PersistentVolumeClaim"),
];

/// The answers.
#[derive(Clone, Debug)]
pub struct Draft {
    pub flags: Flags,
    /// Of the BackupStorage.
    pub name: Option<String>,
    pub secret_key: Option<SecretString>,
    facts: Arc<Facts>,
    cluster: Option<Cluster>,
    done: Vec<Step>,
    /// A key is to be entered, rather than taken from a Secret.
    enters: bool,
    /// The flags are answers of an earlier dialogue, which may have ended anywhere.
    resumed: bool,
    /// From where the bucket is tried.
    from: Origin,
}

impl Draft {
    /// What was typed, and nothing else yet. Without a cluster no bucket is checked.
    #[must_use]
    pub fn new(flags: Flags, name: Option<String>, facts: Arc<Facts>, cluster: Option<Cluster>) -> Self {
        let enters = flags.credentials.access_key_id.is_some();
        Self {
            flags,
            name,
            secret_key: None,
            facts,
            cluster,
            done: Vec::new(),
            enters,
            resumed: false,
            from: Origin::Auto,
        }
    }

    /// The same answers, given in an earlier dialogue: what it did not come to is asked.
    #[must_use]
    pub fn resumed(self) -> Self {
        Self { resumed: true, ..self }
    }

    /// The same answers, whose bucket is tried from here.
    #[must_use]
    pub fn checked(self, from: Origin) -> Self {
        Self { from, ..self }
    }

    fn provider(&self) -> ProviderFlag {
        self.flags.provider()
    }

    /// The keys that the Secret of this provider has.
    fn keys(&self) -> &'static [&'static str] {
        match self.provider() {
            ProviderFlag::S3 => &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
            ProviderFlag::Gcs => &["GOOGLE_SERVICE_ACCOUNT_JSON_KEY"],
            ProviderFlag::Azure => &["AZURE_ACCOUNT_KEY"],
            ProviderFlag::Local => &[],
        }
    }

    fn applies(&self, step: Step) -> bool {
        let flags = &self.flags;
        let credentials = &flags.credentials;
        let provider = self.provider();
        let is_s3 = provider == ProviderFlag::S3;
        let is_local = provider == ProviderFlag::Local;
        // Whoever typed the bucket left the rest as it is.
        let typed = flags.bucket.is_some() && !self.done.contains(&Step::Bucket) && !self.resumed;
        match step {
            Step::Provider => flags.provider.is_none() && !flags.describe_one() && flags.endpoint.is_none(),
            Step::Endpoint | Step::Region => {
                is_s3 && flags.endpoint.is_none() && flags.region.is_none() && !typed
            }
            Step::Account => provider == ProviderFlag::Azure && flags.storage_account.is_none(),
            Step::Bucket => !is_local && flags.bucket.is_none(),
            Step::Volume => is_local && !flags.is_local(),
            Step::Prefix => !is_local && flags.prefix.is_none() && !typed,
            Step::Credentials => !is_local && !self.enters && !credentials.any(),
            Step::KeyId => is_s3 && self.enters && credentials.access_key_id.is_none(),
            Step::SecretKey => is_s3 && credentials.lacks_secret_key() && self.secret_key.is_none(),
            Step::KeyFile => !is_s3 && !is_local && self.enters && !credentials.any(),
            Step::Check => self.cluster.is_some() && self.from != Origin::None,
        }
    }

    /// The question, as far as it follows from the answers alone.
    fn question(&self, step: Step) -> Question {
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
            Step::Credentials => self.credentials(),
            Step::KeyId => Question::line("Access key ID", "The public half of the access key.", ""),
            Step::SecretKey => Question::hidden("Secret access key", ""),
            Step::KeyFile => {
                let what = if self.provider() == ProviderFlag::Gcs { "JSON key" } else { "account key" };
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

    fn credentials(&self) -> Question {
        let found = self.facts.secrets_with(self.keys());
        let mut choices: Vec<Choice> =
            found.iter().map(|name| Choice::new(format!("Secret {name}"), "has the right keys")).collect();
        choices.push(Choice::new("enter them now", "a new Secret will hold them"));
        choices.push(Choice::new("workload identity", "the pods' own, no Secret"));
        let help =
            "What opens the bucket. A Secret in this namespace, or one that is made from what you enter.";
        Question::menu("Credentials?", help, choices, 0)
    }

    fn chosen_credentials(&mut self, index: usize) {
        let found: Vec<String> =
            self.facts.secrets_with(self.keys()).into_iter().map(str::to_owned).collect();
        match found.get(index) {
            Some(name) => self.flags.credentials.credentials_secret = Some(name.clone()),
            None if index == found.len() => self.enters = true,
            None => self.flags.credentials.workload_identity = true,
        }
    }

    /// Asked about again: the key, or everything from the bucket on.
    fn again(&mut self, from_bucket: bool) {
        self.flags.credentials = setup::credentials::Flags {
            ca_file: self.flags.credentials.ca_file.take(),
            aws_profile: std::mem::take(&mut self.flags.credentials.aws_profile),
            ..setup::credentials::Flags::default()
        };
        self.secret_key = None;
        self.enters = false;
        self.done.retain(|step| *step < Step::Credentials && !(from_bucket && *step >= Step::Endpoint));
        if from_bucket {
            (self.flags.endpoint, self.flags.region) = (None, None);
            (self.flags.bucket, self.flags.prefix) = (None, None);
        }
    }

    /// A name that no other storage of the namespace has.
    fn free_name(&self, wished: &str) -> String {
        let taken = |name: &str| {
            let own = |place: Option<&str>| place == Some(self.facts.namespace.as_str());
            self.facts.storages.iter().any(|storage| {
                storage.metadata.name.as_deref() == Some(name) && own(storage.metadata.namespace.as_deref())
            })
        };
        let numbered = (2..).map(|number| format!("{wished}-{number}"));
        std::iter::once(wished.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    }

    async fn check(&self, context: &Context, streams: &mut Streams<'_>) -> Result<Reach, Failure> {
        let Some(cluster) = &self.cluster else { return Ok(Reach::Unknown) };
        let name =
            self.name.clone().or_else(|| self.flags.default_name()).unwrap_or_else(|| "storage".into());
        let place = (self.facts.namespace.as_str(), name.as_str());
        let mut nothing: &[u8] = &[];
        let mut input = Input::new(&mut nothing, true);
        let mut missing = Vec::new();
        let meant = self.flags.meant(place, self.secret_key.clone(), &mut input, &mut missing)?;
        if !missing.is_empty() {
            return Ok(Reach::Unknown);
        }
        // On the heap: the dialogue around it is large enough.
        Box::pin(reach::check(cluster, &meant, self.from, (context, streams))).await
    }
}

impl Dialogue for Draft {
    type Step = Step;

    fn next(&self) -> Option<Step> {
        ORDER.into_iter().find(|step| !self.done.contains(step) && self.applies(*step))
    }

    async fn prepare(
        &mut self,
        step: Step,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<Option<Question>, Failure> {
        if step == Step::Check {
            let Reach::Fails { failure, .. } = self.check(context, streams).await? else {
                self.done.push(step);
                return Ok(None);
            };
            streams.story.line(Glyph::Failed, &reach::reason(&failure));
        }
        Ok(Some(self.question(step)))
    }

    fn answer(&mut self, step: Step, answer: Answer) -> Result<(), String> {
        match answer {
            Answer::Choice(index) => match step {
                Step::Provider => self.flags.provider = PROVIDERS.get(index).map(|(flag, _, _)| *flag),
                Step::Credentials => self.chosen_credentials(index),
                Step::Check if index < 2 => {
                    self.again(index == 1);
                    return Ok(());
                }
                _ => {}
            },
            Answer::Secret(secret) => {
                if secret.expose_secret().is_empty() {
                    return Err("an empty key opens nothing".into());
                }
                self.secret_key = Some(secret);
            }
            Answer::Text(text) => self.text(step, text)?,
            Answer::Key(_) | Answer::Back => {}
        }
        self.done.push(step);
        Ok(())
    }
}

impl Draft {
    fn text(&mut self, step: Step, text: String) -> Result<(), String> {
        let optional = matches!(step, Step::Prefix | Step::Endpoint);
        if text.is_empty() && !optional {
            return Err("this cannot be empty; Esc or b goes back".into());
        }
        let flags = &mut self.flags;
        match step {
            Step::Endpoint if matches!(text.as_str(), "" | "aws") => {}
            Step::Endpoint if !text.starts_with("http://") && !text.starts_with("https://") => {
                return Err(format!("\"{text}\" is no URL; write https://{text} or http://{text}"));
            }
            Step::Endpoint => flags.endpoint = Some(text),
            Step::Region => flags.region = Some(text),
            Step::Account => flags.storage_account = Some(text),
            Step::Bucket => {
                flags.bucket = Some(text);
                if self.name.is_none() {
                    let wished = self.flags.default_name().unwrap_or_else(|| "storage".into());
                    self.name = Some(self.free_name(&wished));
                }
            }
            Step::Volume => flags.pvc = Some(text),
            // "/" is none, and an answer all the same.
            Step::Prefix => flags.prefix = Some(text),
            Step::KeyId => flags.credentials.access_key_id = Some(text),
            Step::KeyFile => {
                let path = PathBuf::from(&text);
                if !path.is_file() {
                    return Err(format!("{text} is no file"));
                }
                match self.provider() {
                    ProviderFlag::Gcs => self.flags.credentials.service_account_json_file = Some(path),
                    _ => self.flags.credentials.account_key_file = Some(path),
                }
            }
            Step::Provider | Step::Credentials | Step::SecretKey | Step::Check => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(flags: Flags) -> Draft {
        let facts = Facts {
            namespace: "shop".into(),
            context: "dev".into(),
            secrets: vec![(
                "keys".into(),
                ["AWS_ACCESS_KEY_ID".into(), "AWS_SECRET_ACCESS_KEY".into()].into(),
            )],
            ..Facts::default()
        };
        Draft::new(flags, None, Arc::new(facts), None)
    }

    /// Gives the answers in turn; the steps that were asked.
    fn walk(draft: &mut Draft, answers: Vec<Answer>) -> Vec<Step> {
        let mut asked = Vec::new();
        for answer in answers {
            let step = draft.next().unwrap();
            asked.push(step);
            draft.answer(step, answer).unwrap();
        }
        asked
    }

    fn text(text: &str) -> Answer {
        Answer::Text(text.into())
    }

    #[test]
    fn an_s3_storage_with_a_new_key_is_seven_answers() {
        let mut draft = draft(Flags::default());
        let answers = vec![
            Answer::Choice(0),
            text("http://minio:9000"),
            text("My.Backups"),
            text("dev/shop"),
            Answer::Choice(1),
            text("ann"),
            Answer::Secret("s3cr3t".to_owned().into()),
        ];
        let asked = walk(&mut draft, answers);
        let all = [
            Step::Provider,
            Step::Endpoint,
            Step::Bucket,
            Step::Prefix,
            Step::Credentials,
            Step::KeyId,
            Step::SecretKey,
        ];
        assert_eq!(asked, all);
        assert_eq!(draft.next(), None);
        assert_eq!(draft.name.as_deref(), Some("my-backups"));
        assert_eq!(draft.flags.credentials.access_key_id.as_deref(), Some("ann"));
        assert!(!format!("{draft:?}").contains("s3cr3t"));
    }

    #[test]
    fn a_secret_with_the_right_keys_is_offered_and_ends_the_questions() {
        let mut draft =
            draft(Flags { bucket: Some("b".into()), endpoint: Some("http://m".into()), ..Flags::default() });
        assert_eq!(walk(&mut draft, vec![Answer::Choice(0)]), [Step::Credentials]);
        assert_eq!(draft.flags.credentials.credentials_secret.as_deref(), Some("keys"));
        assert_eq!(draft.next(), None);
    }

    #[test]
    fn a_key_that_does_not_open_the_bucket_is_entered_again() {
        let mut draft = draft(Flags { bucket: Some("b".into()), ..Flags::default() });
        let key = || vec![Answer::Choice(1), text("ann"), Answer::Secret("x".to_owned().into())];
        walk(&mut draft, key());
        draft.answer(Step::Check, Answer::Choice(0)).unwrap();
        assert_eq!(walk(&mut draft, key()), [Step::Credentials, Step::KeyId, Step::SecretKey]);
        assert_eq!(draft.flags.bucket.as_deref(), Some("b"));
    }

    #[test]
    fn an_endpoint_is_a_url_and_an_empty_bucket_is_none() {
        let mut draft = draft(Flags::default());
        assert!(draft.answer(Step::Endpoint, text("minio:9000")).unwrap_err().contains("http://minio:9000"));
        assert!(draft.answer(Step::Bucket, text("")).is_err());
    }
}
