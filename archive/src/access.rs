//! The credentials of a storage, taken from the data of its Secret (contract section 5).

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::ByteString;
use snafu::{OptionExt, ResultExt, Snafu};
use zeroize::Zeroizing;

/// Keys of Secrets, as KubeStash names them.
pub mod key {
    /// S3: the id of the access key.
    pub const AWS_ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
    /// S3: the secret that belongs to the access key.
    pub const AWS_SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
    /// S3: certificates in PEM that sign the server's, optional.
    pub const CA_CERT_DATA: &str = "CA_CERT_DATA";
    /// Google Cloud Storage: the service account key, a JSON document.
    pub const GOOGLE_SERVICE_ACCOUNT_JSON_KEY: &str = "GOOGLE_SERVICE_ACCOUNT_JSON_KEY";
    /// Azure: the key of the storage account.
    pub const AZURE_ACCOUNT_KEY: &str = "AZURE_ACCOUNT_KEY";
    /// Encryption: the password of the repositories.
    pub const RESTIC_PASSWORD: &str = "RESTIC_PASSWORD";
}

/// What is wrong with a Secret.
#[derive(Debug, Snafu)]
pub enum Error {
    /// A key is absent or empty.
    #[snafu(display("Secret {secret:?} has no {key:?}"))]
    Missing {
        /// `namespace/name` of the Secret.
        secret: String,
        /// The key.
        key: &'static str,
    },
    /// A value that must be text is not.
    #[snafu(display("{key:?} in Secret {secret:?} is not UTF-8"))]
    NotText {
        /// `namespace/name` of the Secret.
        secret: String,
        /// The key.
        key: &'static str,
        /// Where it stops being text; the value itself is never shown.
        source: std::str::Utf8Error,
    },
}

/// Credentials for one provider. `Debug` shows which, never what.
#[derive(Clone)]
pub enum Access {
    /// For S3 and what speaks like it.
    S3 {
        /// The public half.
        access_key_id: String,
        /// The secret half.
        secret_access_key: Zeroizing<String>,
        /// PEM certificates that sign the server's certificate.
        certificate_authority: Option<Vec<u8>>,
    },
    /// For Google Cloud Storage: the service account key document.
    Gcs(Zeroizing<String>),
    /// For Azure Blob Storage: the account's key.
    Azure(Zeroizing<String>),
    /// The storage names no Secret: what the cloud gives the pod counts.
    Ambient,
}

impl Access {
    /// The credentials of an S3 storage. `secret` is `namespace/name`, for messages.
    pub fn s3(secret: &str, data: &BTreeMap<String, ByteString>) -> Result<Self, Error> {
        Ok(Self::S3 {
            access_key_id: text(secret, data, key::AWS_ACCESS_KEY_ID)?.trim().to_owned(),
            secret_access_key: Zeroizing::new(
                text(secret, data, key::AWS_SECRET_ACCESS_KEY)?.trim().to_owned(),
            ),
            certificate_authority: data
                .get(key::CA_CERT_DATA)
                .filter(|value| !value.0.is_empty())
                .map(|value| value.0.clone()),
        })
    }

    /// The credentials of a Google Cloud Storage bucket. `secret` is `namespace/name`, for messages.
    pub fn gcs(secret: &str, data: &BTreeMap<String, ByteString>) -> Result<Self, Error> {
        let document = text(secret, data, key::GOOGLE_SERVICE_ACCOUNT_JSON_KEY)?;
        Ok(Self::Gcs(Zeroizing::new(document.to_owned())))
    }

    /// The credentials of an Azure container. `secret` is `namespace/name`, for messages.
    pub fn azure(secret: &str, data: &BTreeMap<String, ByteString>) -> Result<Self, Error> {
        let account_key = text(secret, data, key::AZURE_ACCOUNT_KEY)?.trim();
        Ok(Self::Azure(Zeroizing::new(account_key.to_owned())))
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::S3 { .. } => "Access::S3(redacted)",
            Self::Gcs(_) => "Access::Gcs(redacted)",
            Self::Azure(_) => "Access::Azure(redacted)",
            Self::Ambient => "Access::Ambient",
        })
    }
}

/// The password of a repository. `Debug` does not show it, and its memory is wiped.
#[derive(Clone)]
pub struct Password {
    text: Zeroizing<String>,
    secret: String,
}

impl Password {
    /// The password in an encryption Secret, byte for byte: a trailing line feed belongs to it.
    ///
    /// `secret` is `namespace/name`, for messages.
    pub fn from_secret(secret: &str, data: &BTreeMap<String, ByteString>) -> Result<Self, Error> {
        let password = text(secret, data, key::RESTIC_PASSWORD)?;
        Ok(Self { text: Zeroizing::new(password.to_owned()), secret: secret.to_owned() })
    }

    /// A password that somebody typed or keeps in a file. `origin` is where it is from, for messages.
    #[must_use]
    pub fn given(text: &str, origin: &str) -> Self {
        Self { text: Zeroizing::new(text.to_owned()), secret: origin.to_owned() }
    }

    /// The Secret it came from, as `namespace/name`.
    #[must_use]
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// The password itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Password(of Secret {:?})", self.secret)
    }
}

/// The value under `key` as text, which must not be empty.
fn text<'a>(
    secret: &str,
    data: &'a BTreeMap<String, ByteString>,
    key: &'static str,
) -> Result<&'a str, Error> {
    let value = data.get(key).filter(|value| !value.0.is_empty()).context(MissingSnafu { secret, key })?;
    std::str::from_utf8(&value.0).context(NotTextSnafu { secret, key })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(pairs: &[(&str, &[u8])]) -> BTreeMap<String, ByteString> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), ByteString(value.to_vec()))).collect()
    }

    #[test]
    fn a_secret_without_a_key_is_named_with_the_key() {
        let error = Access::s3("demo/s3", &data(&[("AWS_ACCESS_KEY_ID", b"kubestash")])).unwrap_err();
        assert_eq!(error.to_string(), r#"Secret "demo/s3" has no "AWS_SECRET_ACCESS_KEY""#);
        let error = Password::from_secret("demo/key", &data(&[("RESTIC_PASSWORD", b"")])).unwrap_err();
        assert_eq!(error.to_string(), r#"Secret "demo/key" has no "RESTIC_PASSWORD""#);
    }

    #[test]
    fn a_line_feed_at_the_end_of_an_s3_key_is_a_slip_but_belongs_to_a_password() {
        let secret = data(&[("AWS_ACCESS_KEY_ID", b"id\n"), ("AWS_SECRET_ACCESS_KEY", b"secret\n")]);
        let Access::S3 { access_key_id, secret_access_key, .. } = Access::s3("n/s", &secret).unwrap() else {
            panic!("not S3");
        };
        assert_eq!((access_key_id.as_str(), secret_access_key.as_str()), ("id", "secret"));
        let password = Password::from_secret("n/p", &data(&[("RESTIC_PASSWORD", b"pass\n")])).unwrap();
        assert_eq!(password.expose(), "pass\n");
    }

    #[test]
    fn neither_credentials_nor_password_are_printed() {
        let secret = data(&[("AWS_ACCESS_KEY_ID", b"id"), ("AWS_SECRET_ACCESS_KEY", b"hunter2")]);
        assert!(!format!("{:?}", Access::s3("n/s", &secret).unwrap()).contains("hunter2"));
        let password = Password::from_secret("n/p", &data(&[("RESTIC_PASSWORD", b"hunter2")])).unwrap();
        assert!(!format!("{password:?}").contains("hunter2"));
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_without_showing_them() {
        let error = Password::from_secret("n/p", &data(&[("RESTIC_PASSWORD", b"hunter2\xff")])).unwrap_err();
        assert_eq!(error.to_string(), r#""RESTIC_PASSWORD" in Secret "n/p" is not UTF-8"#);
    }
}
