//! Credentials of a storage: an existing Secret, or files from which a Secret is made. No flag takes a secret value.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use secrecy::{ExposeSecret as _, SecretString};

use crate::failure::{Code, Failure, Missing};
use crate::setup;

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
    /// Profile to take from --credentials-file
    #[arg(long, default_value = "default", value_name = "NAME")]
    pub aws_profile: String,
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
    /// Use the identity of the operator's and the Jobs' pods instead of a Secret
    #[arg(long)]
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

/// What the storage will use.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A Secret that exists.
    Existing(String),
    /// A Secret to be made.
    New(BTreeMap<&'static str, SecretString>),
    /// None: the pods' own identity, or a volume.
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
            || self.access_key_id.is_some()
            || self.service_account_json_file.is_some()
            || self.account_key_file.is_some()
            || self.workload_identity
    }

    /// Reads what the flags name. `asked` is a secret access key that was asked for. Missing flags are added to
    /// `missing`, so that they are told together with others.
    pub fn read(
        &self,
        keys: Keys,
        asked: Option<SecretString>,
        input: &mut Input<'_>,
        missing: &mut Vec<Missing>,
    ) -> Result<Credentials, Failure> {
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
            return Ok(Credentials::Existing(name.clone()));
        }
        if self.workload_identity {
            return Ok(Credentials::None);
        }
        let mut data = match keys {
            Keys::S3 => self.s3(asked, input, missing)?,
            Keys::Gcs => {
                let file = Missing {
                    flag: "--service-account-json-file",
                    meaning: "JSON key of a Google service account",
                    hint: "or --credentials-secret NAME, or --workload-identity".into(),
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
                    hint: "or --credentials-secret NAME, or --workload-identity".into(),
                };
                one(self.account_key_file.as_deref(), "AZURE_ACCOUNT_KEY", file, input, missing)?
            }
        };
        if let Some(path) = &self.ca_file {
            data.insert("CA_CERT_DATA", input.read("--ca-file", path)?);
        }
        Ok(Credentials::New(data))
    }

    fn only_one(&self) -> Result<(), Failure> {
        let given: Vec<&str> = [
            ("--credentials-secret", self.credentials_secret.is_some()),
            ("--credentials-file", self.credentials_file.is_some()),
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

    fn s3(
        &self,
        asked: Option<SecretString>,
        input: &mut Input<'_>,
        missing: &mut Vec<Missing>,
    ) -> Result<BTreeMap<&'static str, SecretString>, Failure> {
        if let Some(path) = &self.credentials_file {
            let text = input.read("--credentials-file", path)?;
            return profile(text.expose_secret(), &self.aws_profile).ok_or_else(|| {
                Failure::new(
                    Code::FileUnusable,
                    format!("--credentials-file has no complete profile \"{}\"", self.aws_profile),
                )
                .why("a profile has aws_access_key_id and aws_secret_access_key below its [name]")
                .fix("--aws-profile NAME")
            });
        }
        let Some(id) = &self.access_key_id else {
            missing.push(Missing {
                flag: "--credentials-secret",
                meaning: "Secret with the access key",
                hint: "or --credentials-file FILE, or --access-key-id ID --secret-access-key-file FILE, or --workload-identity"
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
) -> Result<BTreeMap<&'static str, SecretString>, Failure> {
    if let Some(path) = path {
        return Ok([(key, input.read(file.flag, path)?)].into());
    }
    missing.push(file);
    Ok(BTreeMap::new())
}

/// The Secret that holds new credentials.
#[must_use]
pub fn secret(namespace: &str, name: &str, data: &BTreeMap<&'static str, SecretString>) -> Secret {
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

/// Files with secrets, and standard input, which only one flag may read.
pub struct Input<'a> {
    stdin: &'a mut dyn BufRead,
    is_terminal: bool,
    taken: Option<String>,
    /// What was changed in what was read, for the story.
    pub notes: Vec<String>,
}

impl std::fmt::Debug for Input<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Input").field("taken", &self.taken).finish_non_exhaustive()
    }
}

impl<'a> Input<'a> {
    /// Reads from this standard input, when a flag says `-`.
    pub fn new(stdin: &'a mut dyn BufRead, is_terminal: bool) -> Self {
        Self { stdin, is_terminal, taken: None, notes: Vec::new() }
    }

    /// The content of a file, without the newline that an editor or `echo` put at its end.
    pub fn read(&mut self, flag: &str, path: &Path) -> Result<SecretString, Failure> {
        let mut text =
            if path == Path::new("-") { self.standard_input(flag)? } else { read_file(flag, path)? };
        if text.ends_with('\n') {
            text.truncate(text.len() - if text.ends_with("\r\n") { 2 } else { 1 });
            self.notes.push(format!("{flag}: a newline at the end was left out"));
        }
        if text.is_empty() {
            return Err(Failure::new(Code::FileUnusable, format!("{flag} {} is empty", path.display())));
        }
        Ok(SecretString::from(text))
    }

    fn standard_input(&mut self, flag: &str) -> Result<String, Failure> {
        if let Some(other) = self.taken.replace(flag.to_owned()) {
            return Err(Failure::usage(format!("{other} and {flag} cannot both read standard input")));
        }
        if self.is_terminal {
            return Err(Failure::new(Code::CannotAsk, format!("{flag} - would show what is typed"))
                .why("standard input is a terminal")
                .fix(format!("{flag} FILE, or pipe it in:  pass show key | kubectl kubestash … {flag} -")));
        }
        let mut text = String::new();
        self.stdin.read_to_string(&mut text).map_err(|error| {
            Failure::new(Code::FileUnusable, format!("{flag} - could not be read")).why(error.to_string())
        })?;
        Ok(text)
    }
}

fn read_file(flag: &str, path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Code::FileUnusable, format!("{flag} {} could not be read", path.display()))
            .why(error.to_string())
    })
}

/// The two keys of a profile in the AWS CLI's ini format.
fn profile(text: &str, name: &str) -> Option<BTreeMap<&'static str, SecretString>> {
    let mut inside = false;
    let (mut id, mut key) = (None, None);
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            let section = section.trim();
            inside = section == name || section.strip_prefix("profile ").map(str::trim) == Some(name);
        } else if let (true, Some((field, value))) = (inside, line.split_once('=')) {
            match field.trim() {
                "aws_access_key_id" => id = Some(value.trim().to_owned()),
                "aws_secret_access_key" => key = Some(value.trim().to_owned()),
                _ => {}
            }
        }
    }
    let filled = |value: Option<String>| value.filter(|value| !value.is_empty()).map(SecretString::from);
    Some([("AWS_ACCESS_KEY_ID", filled(id)?), ("AWS_SECRET_ACCESS_KEY", filled(key)?)].into())
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
        let credentials = flags.read(keys, None, &mut input, &mut missing)?;
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
    fn standard_input_is_read_once_and_never_from_a_terminal() {
        let mut stdin: &[u8] = b"x";
        let mut input = Input::new(&mut stdin, false);
        input.read("--a", Path::new("-")).unwrap();
        assert!(input.read("--b", Path::new("-")).unwrap_err().what().contains("--a and --b"));
        let mut stdin: &[u8] = b"x";
        assert!(Input::new(&mut stdin, true).read("--a", Path::new("-")).is_err());
    }

    #[test]
    fn a_profile_is_found_in_the_aws_format() {
        let text = "[default]\naws_access_key_id = a\naws_secret_access_key=b=c\n[profile dev]\naws_access_key_id=d\n";
        let default = profile(text, "default").unwrap();
        assert_eq!(default["AWS_SECRET_ACCESS_KEY"].expose_secret(), "b=c");
        assert!(profile(text, "dev").is_none(), "half a profile is none");
        assert!(profile(text, "other").is_none());
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
        let flags =
            Flags { workload_identity: true, credentials_secret: Some("keys".into()), ..Flags::default() };
        assert!(read(&flags, Keys::S3, "").unwrap_err().what().contains("exclude each other"));
    }
}
