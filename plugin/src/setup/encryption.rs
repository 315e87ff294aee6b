//! The encryption password: an existing Secret, a file, or a new one that nobody has seen before.

use std::path::PathBuf;

use k8s_openapi::api::core::v1::Secret;
use secrecy::SecretString;

use super::credentials;
use super::input::Input;
use crate::failure::Failure;
use crate::setup;

/// The key of the password in its Secret (contract §5).
pub const KEY: &str = "RESTIC_PASSWORD";

/// Where the password comes from, as typed.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Encryption")]
#[group(id = "encryption", multiple = false)]
pub struct Flags {
    /// Existing Secret with the key RESTIC_PASSWORD
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    pub encryption_secret: Option<String>,
    /// Make a Secret with a strong password, unless there is one from an earlier run
    #[arg(long)]
    pub generate_encryption_secret: bool,
    /// File with the password, from which a Secret is made; - reads standard input
    #[arg(long, value_name = "FILE")]
    pub encryption_password_file: Option<PathBuf>,
}

/// What the backup will use.
#[derive(Clone, Debug)]
pub enum Encryption {
    /// A Secret that must exist.
    Existing { namespace: String, name: String },
    /// A Secret to be made with this password, unless it exists. Never overwritten: a repository would be lost.
    New { namespace: String, name: String, password: SecretString, generated: bool },
}

impl Flags {
    /// Turns what was typed into what is meant. `random` is the stuff of which a new password is made.
    pub fn meant(
        &self,
        (namespace, backup): (&str, &str),
        random: &[u8; 32],
        input: &mut Input<'_>,
    ) -> Result<Option<Encryption>, Failure> {
        let name = secret_name(backup);
        if let Some(text) = &self.encryption_secret {
            let (namespace, name) = setup::reference("--encryption-secret", text, namespace)?;
            return Ok(Some(Encryption::Existing { namespace, name }));
        }
        if let Some(path) = &self.encryption_password_file {
            let password = input.read("--encryption-password-file", path)?;
            return Ok(Some(Encryption::New {
                namespace: namespace.into(),
                name,
                password,
                generated: false,
            }));
        }
        if self.generate_encryption_secret {
            let password = password(random);
            return Ok(Some(Encryption::New {
                namespace: namespace.into(),
                name,
                password,
                generated: true,
            }));
        }
        Ok(None)
    }
}

/// The name of the Secret that is made for a backup.
#[must_use]
pub fn secret_name(backup: &str) -> String {
    format!("{backup}-encryption")
}

/// 256 random bits in 52 letters and digits that survive being read aloud: no upper case, no 0, 1, 8 or 9.
fn password(random: &[u8; 32]) -> SecretString {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut text = String::with_capacity(52);
    let (mut bits, mut held) = (0_u32, 0);
    for byte in random {
        bits = bits << 8 | u32::from(*byte);
        held += 8;
        while held >= 5 {
            held -= 5;
            text.push(char::from(LETTERS[(bits >> held & 31) as usize]));
        }
    }
    text.push(char::from(LETTERS[(bits << (5 - held) & 31) as usize]));
    SecretString::from(text)
}

impl Encryption {
    /// Namespace and name of the Secret.
    #[must_use]
    pub fn reference(&self) -> (&str, &str) {
        match self {
            Self::Existing { namespace, name } | Self::New { namespace, name, .. } => (namespace, name),
        }
    }

    /// The Secret to be made, if one is.
    #[must_use]
    pub fn secret(&self) -> Option<Secret> {
        match self {
            Self::Existing { .. } => None,
            Self::New { namespace, name, password, .. } => {
                Some(credentials::secret(namespace, name, &[(KEY, password.clone())].into()))
            }
        }
    }
}

/// What a person must do with a password that was made for them.
#[must_use]
pub fn notice(namespace: &str, name: &str) -> String {
    format!(
        "Without the password in Secret {name} nobody can restore these backups. Keep a copy outside the cluster:\n    \
         kubectl get secret {name} -n {namespace} -o jsonpath='{{.data.{KEY}}}' | base64 -d"
    )
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_password_uses_all_of_the_random_bits() {
        let of = |random: &[u8; 32]| password(random).expose_secret().to_owned();
        let zeros = of(&[0; 32]);
        assert_eq!(zeros, "a".repeat(52));
        for byte in 0..32 {
            for bit in 0..8 {
                let mut random = [0; 32];
                random[byte] = 1 << bit;
                assert_ne!(of(&random), zeros, "bit {bit} of byte {byte}");
            }
        }
    }

    #[test]
    fn each_source_is_understood() {
        let meant = |flags: &Flags| {
            let mut stdin: &[u8] = b"pass word\n";
            flags.meant(("shop", "orders"), &[7; 32], &mut Input::new(&mut stdin, false)).unwrap()
        };
        let existing = Flags { encryption_secret: Some("keys/enc".into()), ..Flags::default() };
        assert_eq!(meant(&existing).unwrap().reference(), ("keys", "enc"));
        let file = Flags { encryption_password_file: Some("-".into()), ..Flags::default() };
        let secret = meant(&file).unwrap().secret().unwrap();
        assert_eq!(secret.data.unwrap()[KEY].0, b"pass word");
        let generated = Flags { generate_encryption_secret: true, ..Flags::default() };
        assert_eq!(meant(&generated).unwrap().reference(), ("shop", "orders-encryption"));
        assert!(meant(&Flags::default()).is_none());
    }
}
