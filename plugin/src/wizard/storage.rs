//! The questions about a new storage: who keeps the data, where, and with which credentials. The answers are the flags
//! of `storage create`.

mod credentials;
mod questions;

use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use self::credentials::{Known, Source};
use self::questions::PROVIDERS;
use super::Dialogue;
use super::facts::Facts;
use crate::ask::{Answer, Question};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::failure::Failure;
use crate::reach::{self, Origin, Reach};
use crate::setup;
use crate::setup::credentials::aws;
use crate::setup::input::Input;
use crate::setup::storage::{Flags, ProviderFlag};
use crate::story::Glyph;
use crate::streams::Streams;

/// A question about a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Provider,
    Endpoint,
    Account,
    Bucket,
    Volume,
    Prefix,
    Credentials,
    KeyId,
    SecretKey,
    KeyFile,
    Profile,
    Region,
    Check,
}

/// In this order, those that apply.
const ORDER: [Step; 13] = [
    Step::Provider,
    Step::Endpoint,
    Step::Account,
    Step::Bucket,
    Step::Volume,
    Step::Prefix,
    Step::Credentials,
    Step::KeyId,
    Step::SecretKey,
    Step::KeyFile,
    Step::Profile,
    Step::Region,
    Step::Check,
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
    /// Where the keys come from, when not from a Secret.
    source: Option<Source>,
    /// Where the AWS CLI keeps the profiles of the person.
    aws: aws::Files,
    /// The profiles to choose from.
    profiles: Vec<Known>,
    /// A refusal named the bucket's region already; what names one after the other is not followed.
    relocated: bool,
    /// The flags are answers of an earlier dialogue, which may have ended anywhere.
    resumed: bool,
    /// From where the bucket is tried.
    from: Origin,
}

impl Draft {
    /// What was typed, and nothing else yet. Without a cluster no bucket is checked.
    #[must_use]
    pub fn new(flags: Flags, name: Option<String>, facts: Arc<Facts>, cluster: Option<Cluster>) -> Self {
        let source = flags.credentials.access_key_id.is_some().then_some(Source::Enter);
        Self {
            flags,
            name,
            secret_key: None,
            facts,
            cluster,
            done: Vec::new(),
            source,
            aws: aws::Files::default(),
            profiles: Vec::new(),
            relocated: false,
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

    /// The same answers of somebody who may have profiles of the AWS CLI.
    #[must_use]
    pub fn with_profiles(self, aws: aws::Files) -> Self {
        Self { aws, ..self }
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
            Step::Endpoint => is_s3 && flags.endpoint.is_none() && flags.region.is_none() && !typed,
            Step::Region => {
                let of_aws = is_s3 && flags.endpoint.is_none() && !typed;
                of_aws && flags.region.is_none() && self.region_of_profile().is_none()
            }
            Step::Account => provider == ProviderFlag::Azure && flags.storage_account.is_none(),
            Step::Bucket => !is_local && flags.bucket.is_none(),
            Step::Volume => is_local && !flags.is_local(),
            Step::Prefix => !is_local && flags.prefix.is_none() && !typed,
            Step::Credentials => !is_local && self.source.is_none() && !credentials.any(),
            Step::KeyId => is_s3 && self.source == Some(Source::Enter) && credentials.access_key_id.is_none(),
            Step::SecretKey => is_s3 && credentials.lacks_secret_key() && self.secret_key.is_none(),
            Step::KeyFile => {
                let wanted = if is_s3 { Source::File } else { Source::Enter };
                !is_local && self.source == Some(wanted) && !credentials.any()
            }
            Step::Profile => {
                let named = credentials.credentials_file.is_some();
                let chosen =
                    (self.source == Some(Source::File) && named) || self.source == Some(Source::Profile);
                is_s3 && chosen && credentials.aws_profile.is_none()
            }
            Step::Check => self.cluster.is_some() && self.from != Origin::None,
        }
    }

    /// Asked about again: the key, or everything from the bucket on.
    fn again(&mut self, from_bucket: bool) {
        self.flags.credentials = setup::credentials::Flags {
            ca_file: self.flags.credentials.ca_file.take(),
            ..setup::credentials::Flags::default()
        };
        self.secret_key = None;
        self.source = None;
        self.done.retain(|step| *step < Step::Credentials && !(from_bucket && *step >= Step::Endpoint));
        if from_bucket {
            (self.flags.endpoint, self.flags.region) = (None, None);
            (self.flags.bucket, self.flags.prefix) = (None, None);
        }
    }

    /// Another storage on the same place: two would overwrite each other's records.
    fn rival(&self) -> Option<String> {
        if self.provider() != ProviderFlag::S3 {
            return None;
        }
        let flags = &self.flags;
        let found = self.facts.storage_at(
            flags.endpoint.as_deref(),
            flags.bucket.as_deref().unwrap_or_default(),
            flags.prefix.as_deref(),
        );
        let own = self.name.as_ref().map(|name| format!("{}/{name}", self.facts.namespace));
        found.filter(|other| Some(other) != own.as_ref())
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

    /// The region that a refusal names, when it was not the one that was tried.
    fn another_region(&self, reason: &str) -> Option<String> {
        let region = reach::region_in(reason).filter(|_| self.provider() == ProviderFlag::S3)?;
        (!self.relocated && self.flags.region.as_deref() != Some(region)).then(|| region.to_owned())
    }

    async fn check(&self, context: &Context, streams: &mut Streams<'_>) -> Result<Reach, Failure> {
        let Some(cluster) = &self.cluster else { return Ok(Reach::Unknown) };
        let name =
            self.name.clone().or_else(|| self.flags.default_name()).unwrap_or_else(|| "storage".into());
        let place = (self.facts.namespace.as_str(), name.as_str());
        let mut nothing: &[u8] = &[];
        let mut input = Input::new(&mut nothing, true);
        input.aws = self.aws.clone();
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
        if step == Step::Profile && !self.find_profiles(streams) {
            return Ok(None);
        }
        if step == Step::Check {
            let Reach::Fails { failure, .. } = self.check(context, streams).await? else {
                self.done.push(step);
                return Ok(None);
            };
            let reason = reach::reason(&failure);
            streams.story.line(Glyph::Failed, &reason);
            if let Some(region) = self.another_region(&reason) {
                streams.story.line(Glyph::Here, &format!("the bucket is in region {region}"));
                (self.flags.region, self.relocated) = (Some(region), true);
                return Ok(None);
            }
        }
        Ok(Some(self.question(step)))
    }

    fn answer(&mut self, step: Step, answer: Answer) -> Result<(), String> {
        match answer {
            Answer::Choice(index) => match step {
                Step::Provider => self.flags.provider = PROVIDERS.get(index).map(|(flag, _, _)| *flag),
                Step::Credentials => self.choose_source(index),
                Step::Profile => self.choose_profile(index)?,
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
            Step::Prefix => {
                self.flags.prefix = Some(text);
                if let Some(other) = self.rival() {
                    self.flags.prefix = None;
                    return Err(format!("BackupStorage {other} has this place already; say another prefix"));
                }
            }
            Step::KeyId => flags.credentials.access_key_id = Some(text),
            Step::KeyFile => {
                let path = PathBuf::from(&text);
                if !path.is_file() {
                    return Err(format!("{text} is no file"));
                }
                match self.provider() {
                    ProviderFlag::Gcs => self.flags.credentials.service_account_json_file = Some(path),
                    ProviderFlag::Azure => self.flags.credentials.account_key_file = Some(path),
                    ProviderFlag::S3 | ProviderFlag::Local => {
                        self.flags.credentials.credentials_file = Some(path);
                    }
                }
            }
            Step::Provider | Step::Credentials | Step::SecretKey | Step::Profile | Step::Check => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
