//! Credentials of a storage: an existing Secret, or files from which a Secret is made. No flag takes a secret value.

pub mod aws;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::{Failure, Missing};
use crate::setup;
use crate::setup::input::Input;

/// Where credentials come from.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Credentials")]
#[group(id = "credentials")]
pub struct Flags {
    /// Existing Secret with the credentials, beside the BackupStorage
    #[arg(long, value_name = "NAME")]
    pub credentials_secret: Option<String>,
    /// File with the credentials in the AWS CLI's format
    #[arg(long, value_name = "FILE")]
    pub credentials_file: Option<PathBuf>,
    /// Profile of the AWS CLI: of --credentials-file, else of your own ~/.aws/credentials; its region is the default
    #[arg(long, value_name = "NAME")]
    pub aws_profile: Option<String>,
    /// Access key ID of an S3 storage
    #[arg(long, value_name = "ID")]
    pub access_key_id: Option<String>,
    /// File with the secret access key; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub secret_access_key_file: Option<PathBuf>,
    /// File with the JSON key of a Google service account; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub service_account_json_file: Option<PathBuf>,
    /// File with the key of an Azure storage account; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub account_key_file: Option<PathBuf>,
    /// Of upstream: the pods' own identity instead of a Secret. Refused, because this operator does
    #[arg(long, hide = true)]
    pub workload_identity: bool,
    /// File with the certificate of the authority that signed the endpoint's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
}

/// Which keys a provider's Secret has (contract §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    S3,
    Gcs,
    Azure,
}

/// The keys of a Secret, by name.
pub type Data = BTreeMap<&'static str, SecretString>;

/// What the storage will use.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A Secret that exists.
    Existing(String),
    /// A Secret to be made.
    New(Data),
    /// None: a volume.
    None,
}

impl Flags {
    /// Whether an access key was given whose secret half is still to be asked for.
    #[must_use]
    pub fn lacks_secret_key(&self) -> bool {
        self.access_key_id.is_some() && self.secret_access_key_file.is_none()
    }

    /// Whether any flag says where credentials come from.
    #[must_use]
    pub fn any(&self) -> bool {
        self.credentials_secret.is_some()
            || self.credentials_file.is_some()
            || self.aws_profile.is_some()
            || self.access_key_id.is_some()
            || self.service_account_json_file.is_some()
            || self.account_key_file.is_some()
            || self.workload_identity
    }

    /// Reads what the flags name, and the region that goes with it where it says one. `asked` is a secret access key that
    /// was asked for. Missing flags are added to `missing`, so that they are told together with others.
    pub fn read(
        &self,
        keys: Keys,
        asked: Option<SecretString>,
        input: &mut Input<'_>,
        missing: &mut Vec<Missing>,
    ) -> Result<(Credentials, Option<String>), Failure> {
        self.only_one()?;
        if let Some(name) = &self.credentials_secret {
            if self.ca_file.is_some() {
                return Err(Failure::usage(
                    "--ca-file goes into a Secret that is made here, not into an existing one",
                )
                .fix(format!(
                    "add it to Secret {name} under the key CA_CERT_DATA, and leave --ca-file out"
                )));
            }
            return Ok((Credentials::Existing(name.clone()), None));
        }
        if self.workload_identity {
            return Err(Failure::usage("--workload-identity is not supported by this release")
                .why("the operator refuses storages without a Secret with keys")
                .fix("--credentials-secret NAME, or keys from a file:  --credentials-file, --aws-profile"));
        }
        let mut region = None;
        let mut data = match keys {
            Keys::S3 if self.credentials_file.is_some() || self.aws_profile.is_some() => {
                let (data, of_profile) = self.profile(input)?;
                region = of_profile;
                data
            }
            Keys::S3 => self.s3(asked, input, missing)?,
            Keys::Gcs => {
                let file = Missing {
                    flag: "--service-account-json-file",
                    meaning: "JSON key of a Google service account",
                    hint: "or --credentials-secret NAME".into(),
                };
                one(
                    self.service_account_json_file.as_deref(),
                    "GOOGLE_SERVICE_ACCOUNT_JSON_KEY",
                    file,
                    input,
                    missing,
                )?
            }
            Keys::Azure => {
                let file = Missing {
                    flag: "--account-key-file",
                    meaning: "key of the storage account",
                    hint: "or --credentials-secret NAME".into(),
                };
                one(self.account_key_file.as_deref(), "AZURE_ACCOUNT_KEY", file, input, missing)?
            }
        };
        if let Some(path) = &self.ca_file {
            data.insert("CA_CERT_DATA", input.read("--ca-file", path)?);
        }
        Ok((Credentials::New(data), region))
    }

    fn only_one(&self) -> Result<(), Failure> {
        let given: Vec<&str> = [
            ("--credentials-secret", self.credentials_secret.is_some()),
            ("--credentials-file", self.credentials_file.is_some()),
            // Beside a file it says which of its profiles.
            ("--aws-profile", self.aws_profile.is_some() && self.credentials_file.is_none()),
            ("--access-key-id", self.access_key_id.is_some()),
            ("--service-account-json-file", self.service_account_json_file.is_some()),
            ("--account-key-file", self.account_key_file.is_some()),
            ("--workload-identity", self.workload_identity),
        ]
        .into_iter()
        .filter_map(|(flag, given)| given.then_some(flag))
        .collect();
        match given.as_slice() {
            [] | [_] => Ok(()),
            several => Err(Failure::usage(format!("{} exclude each other", several.join(" and ")))),
        }
    }

    /// The keys of a profile, and its region.
    fn profile(&self, input: &mut Input<'_>) -> Result<(Data, Option<String>), Failure> {
        let name = self.aws_profile.as_deref().unwrap_or("default");
        let profiles = match &self.credentials_file {
            Some(path) => {
                let text = input.text("--credentials-file", path)?;
                aws::Profiles::of(text.expose_secret(), &path.display().to_string())
            }
            None => input.aws.read()?,
        };
        let profile = profiles.get(name)?;
        Ok((profile.keys(name)?, profile.region.clone()))
    }

    fn s3(
        &self,
        asked: Option<SecretString>,
        input: &mut Input<'_>,
        missing: &mut Vec<Missing>,
    ) -> Result<Data, Failure> {
        let Some(id) = &self.access_key_id else {
            missing.push(Missing {
                flag: "--credentials-secret",
                meaning: "Secret with the access key",
                hint: "or --aws-profile NAME, or --credentials-file FILE, or --access-key-id ID --secret-access-key-file FILE"
                    .into(),
            });
            return Ok(BTreeMap::new());
        };
        let secret = match (&self.secret_access_key_file, asked) {
            (Some(path), _) => input.read("--secret-access-key-file", path)?,
            (None, Some(asked)) => asked,
            (None, None) => {
                missing.push(Missing {
                    flag: "--secret-access-key-file",
                    meaning: "file with the secret access key",
                    hint: "- reads standard input".into(),
                });
                return Ok(BTreeMap::new());
            }
        };
        Ok([("AWS_ACCESS_KEY_ID", SecretString::from(id.clone())), ("AWS_SECRET_ACCESS_KEY", secret)].into())
    }
}

fn one(
    path: Option<&Path>,
    key: &'static str,
    file: Missing,
    input: &mut Input<'_>,
    missing: &mut Vec<Missing>,
) -> Result<Data, Failure> {
    if let Some(path) = path {
        return Ok([(key, input.read(file.flag, path)?)].into());
    }
    missing.push(file);
    Ok(BTreeMap::new())
}

/// The Secret that holds new credentials.
#[must_use]
pub fn secret(namespace: &str, name: &str, data: &Data) -> Secret {
    Secret {
        metadata: setup::metadata(Some(namespace), name),
        type_: Some("Opaque".into()),
        data: Some(
            data.iter()
                .map(|(key, value)| {
                    ((*key).to_owned(), ByteString(value.expose_secret().as_bytes().to_vec()))
                })
                .collect(),
        ),
        ..Secret::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(
        flags: &Flags,
        keys: Keys,
        stdin: &str,
    ) -> Result<(Credentials, Vec<Missing>, Vec<String>), Failure> {
        let mut stdin = stdin.as_bytes();
        let mut input = Input::new(&mut stdin, false);
        let mut missing = Vec::new();
        let (credentials, _) = flags.read(keys, None, &mut input, &mut missing)?;
        Ok((credentials, missing, input.notes))
    }

    fn value(credentials: &Credentials, key: &str) -> String {
        match credentials {
            Credentials::New(data) => data[key].expose_secret().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_secret_key_from_standard_input_loses_one_newline_and_says_so() {
        let flags = Flags {
            access_key_id: Some("id".into()),
            secret_access_key_file: Some("-".into()),
            ..Flags::default()
        };
        let (credentials, missing, notes) = read(&flags, Keys::S3, "s3cr3t\n\n").unwrap();
        assert_eq!(value(&credentials, "AWS_SECRET_ACCESS_KEY"), "s3cr3t\n");
        assert!(missing.is_empty());
        assert_eq!(notes.len(), 1);
        assert!(!format!("{credentials:?}").contains("s3cr3t"));
    }

    #[test]
    fn what_is_missing_depends_on_the_provider() {
        for (keys, flag) in [
            (Keys::S3, "--credentials-secret"),
            (Keys::Gcs, "--service-account-json-file"),
            (Keys::Azure, "--account-key-file"),
        ] {
            let (_, missing, _) = read(&Flags::default(), keys, "").unwrap();
            assert_eq!(missing[0].flag, flag);
        }
        let half = Flags { access_key_id: Some("id".into()), ..Flags::default() };
        assert_eq!(read(&half, Keys::S3, "").unwrap().1[0].flag, "--secret-access-key-file");
    }

    #[test]
    fn two_sources_exclude_each_other() {
        let flags = Flags {
            aws_profile: Some("dev".into()),
            credentials_secret: Some("keys".into()),
            ..Flags::default()
        };
        assert!(read(&flags, Keys::S3, "").unwrap_err().what().contains("exclude each other"));
    }

    #[test]
    fn what_the_operator_would_refuse_is_refused_here() {
        let flags = Flags { workload_identity: true, ..Flags::default() };
        assert!(
            read(&flags, Keys::S3, "").unwrap_err().what().contains("--workload-identity is not supported")
        );
    }

    #[test]
    fn a_profile_of_a_file_brings_its_keys() {
        let text = "[default]\naws_access_key_id = a\naws_secret_access_key=s3cr3t\n";
        let flags = Flags { credentials_file: Some("-".into()), ..Flags::default() };
        let (credentials, missing, _) = read(&flags, Keys::S3, text).unwrap();
        assert_eq!(value(&credentials, "AWS_SECRET_ACCESS_KEY"), "s3cr3t");
        assert!(missing.is_empty());
    }
}
