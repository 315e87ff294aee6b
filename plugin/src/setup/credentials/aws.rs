//! Profiles of the AWS CLI: sections of `~/.aws/credentials` and `~/.aws/config`, as the "AWS SDKs and Tools Reference
//! Guide" describes them. Only keys of a profile's own can be used by pods; what borrows or expires is refused by name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::Data;
use crate::environment::Environment;
use crate::failure::{Code, Failure};
use crate::setup::file::read_file;
use crate::suggest;

/// Fields of a profile that has its keys from elsewhere.
const BORROWED: [&str; 5] =
    ["role_arn", "sso_session", "sso_start_url", "credential_process", "web_identity_token_file"];

/// Where the AWS CLI keeps the profiles of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    credentials: Option<PathBuf>,
    config: Option<PathBuf>,
}

impl Files {
    /// Those that the AWS CLI would read in these surroundings.
    #[must_use]
    pub fn of(environment: &Environment) -> Self {
        let home = environment.variable("HOME").or_else(|| environment.variable("USERPROFILE"));
        let place = |variable: &str, name: &str| {
            let own = environment.variable(variable).map(PathBuf::from);
            own.or_else(|| Some(Path::new(home?).join(".aws").join(name)))
        };
        Self {
            credentials: place("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
            config: place("AWS_CONFIG_FILE", "config"),
        }
    }

    /// Whether the user has a file of credentials.
    #[must_use]
    pub fn exist(&self) -> bool {
        self.credentials.as_ref().is_some_and(|path| path.is_file())
    }

    /// Reads both; a file that is not there has no profiles.
    ///
    /// # Errors
    /// When a file cannot be read, or there is none.
    pub fn read(&self) -> Result<Profiles, Failure> {
        let there: Vec<&PathBuf> =
            [&self.credentials, &self.config].into_iter().flatten().filter(|path| path.is_file()).collect();
        if there.is_empty() {
            return Err(Failure::new(Code::FileUnusable, "--aws-profile needs a file of the AWS CLI")
                .why("there is neither ~/.aws/credentials nor ~/.aws/config")
                .fix("--credentials-file FILE names another one"));
        }
        let places: Vec<String> = there.iter().map(|path| path.display().to_string()).collect();
        let mut profiles = Profiles { places: places.join(" and "), known: BTreeMap::new() };
        for path in there {
            profiles.take(&read_file("--aws-profile", path)?);
        }
        Ok(profiles)
    }
}

/// Profiles by name.
#[derive(Clone, Debug)]
pub struct Profiles {
    /// Where they were read from.
    places: String,
    known: BTreeMap<String, Profile>,
}

/// A profile. Its keys are in no Debug output.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    id: Option<SecretString>,
    key: Option<SecretString>,
    pub region: Option<String>,
    /// It has a session token.
    expires: bool,
    /// The field that says where its keys come from.
    borrows: Option<&'static str>,
}

impl Profiles {
    /// The profiles of one text.
    #[must_use]
    pub fn of(text: &str, place: &str) -> Self {
        let mut profiles = Self { places: place.to_owned(), known: BTreeMap::new() };
        profiles.take(text);
        profiles
    }

    /// The profile of this name.
    ///
    /// # Errors
    /// When there is none; names those there are.
    pub fn get(&self, name: &str) -> Result<&Profile, Failure> {
        self.known.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.known.keys().map(String::as_str).collect();
            let failure = Failure::usage(format!("there is no profile \"{name}\" in {}", self.places));
            let fix = suggest::nearest(name, names.iter().copied())
                .map_or_else(|| "--aws-profile NAME".to_owned(), |near| format!("--aws-profile {near}"));
            if names.is_empty() {
                failure
            } else {
                failure.why(format!("there are: {}", names.join(", "))).fix(fix)
            }
        })
    }

    /// Every profile, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Profile)> {
        self.known.iter().map(|(name, profile)| (name.as_str(), profile))
    }

    /// Reads the lines of a file. A line that is further in than the option before belongs to that option.
    fn take(&mut self, text: &str) {
        let (mut section, mut option): (Option<String>, Option<usize>) = (None, None);
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
                (section, option) = (section_of(name), None);
                if let Some(name) = &section {
                    self.known.entry(name.clone()).or_default();
                }
            } else if option.is_none_or(|before| indent <= before) {
                option = Some(indent);
                let profile = section.as_ref().and_then(|name| self.known.get_mut(name));
                if let (Some(profile), Some((field, value))) = (profile, line.split_once('=')) {
                    profile.set(field.trim(), value.trim());
                }
            }
        }
    }
}

/// The profile that a section is: `[dev]`, or `[profile dev]`; others (`[sso-session dev]`) are none.
fn section_of(name: &str) -> Option<String> {
    let words: Vec<&str> = name.split_whitespace().collect();
    match words.as_slice() {
        [name] | ["profile", name] => Some((*name).to_owned()),
        _ => None,
    }
}

impl Profile {
    /// What a file said first stays: credentials are read before the configuration.
    fn set(&mut self, field: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        match field {
            "aws_access_key_id" => _ = self.id.get_or_insert_with(|| SecretString::from(value)),
            "aws_secret_access_key" => _ = self.key.get_or_insert_with(|| SecretString::from(value)),
            "aws_session_token" => self.expires = true,
            "region" => _ = self.region.get_or_insert_with(|| value.to_owned()),
            _ => self.borrows = self.borrows.or_else(|| BORROWED.into_iter().find(|known| *known == field)),
        }
    }

    /// Why pods cannot use it.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match (self.id.is_some() && self.key.is_some(), self.borrows) {
            (true, _) if self.expires => {
                Some("its aws_session_token expires, and backups would fail then".into())
            }
            (true, _) => None,
            (false, Some(field)) => Some(format!("it has no keys of its own, only {field}")),
            (false, None) => Some("it lacks aws_access_key_id or aws_secret_access_key".into()),
        }
    }

    /// Its keys, under the names of a Secret.
    ///
    /// # Errors
    /// When pods cannot use it.
    pub fn keys(&self, name: &str) -> Result<Data, Failure> {
        match (&self.id, &self.key, self.problem()) {
            (Some(id), Some(key), None) => {
                Ok([("AWS_ACCESS_KEY_ID", id.clone()), ("AWS_SECRET_ACCESS_KEY", key.clone())].into())
            }
            (_, _, problem) => Err(Failure::usage(format!("profile \"{name}\" cannot be used by pods"))
                .why(problem.unwrap_or_default())
                .fix("--aws-profile NAME of one with an access key of its own")),
        }
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    const TEXT: &str = "\
# a comment
[default]
aws_access_key_id = a
aws_secret_access_key=b=c
s3 =
  region = nested
  aws_session_token = nested
[profile dev]
  aws_access_key_id=d
  aws_secret_access_key = e
  region = eu-central-1
[half]
aws_access_key_id=f
[short]
aws_access_key_id=g
aws_secret_access_key=s3cr3t
aws_session_token=h
[role]
role_arn = arn:aws:iam::1:role/x
[sso-session dev]
region = of-the-session
";

    #[test]
    fn profiles_are_read_as_the_aws_cli_reads_them() {
        let profiles = Profiles::of(TEXT, "f");
        let names: Vec<&str> = profiles.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["default", "dev", "half", "role", "short"]);
        let default = profiles.get("default").unwrap();
        assert_eq!(default.keys("default").unwrap()["AWS_SECRET_ACCESS_KEY"].expose_secret(), "b=c");
        assert_eq!(default.region, None, "what is nested belongs to another option");
        let dev = profiles.get("dev").unwrap();
        assert_eq!(dev.keys("dev").unwrap()["AWS_ACCESS_KEY_ID"].expose_secret(), "d");
        assert_eq!(dev.region.as_deref(), Some("eu-central-1"));
        assert!(!format!("{profiles:?}").contains("s3cr3t"));
    }

    #[test]
    fn what_borrows_or_expires_or_is_incomplete_is_refused_by_name() {
        let profiles = Profiles::of(TEXT, "f");
        for (name, part) in [("half", "lacks"), ("short", "aws_session_token"), ("role", "role_arn")] {
            let failure = profiles.get(name).unwrap().keys(name).unwrap_err();
            assert!(failure.render(false).contains(part), "{failure:?}");
        }
        let failure = profiles.get("def").unwrap_err().render(false);
        assert!(failure.contains("there are: default, dev"), "{failure}");
    }

    #[test]
    fn the_files_are_those_of_the_aws_cli() {
        let files = |variables: &[(&str, &str)]| {
            Files::of(&Environment::scripted(variables, || jiff::Timestamp::UNIX_EPOCH))
        };
        let home = files(&[("HOME", "/h")]);
        assert_eq!(home.credentials.as_deref(), Some(Path::new("/h/.aws/credentials")));
        assert_eq!(home.config.as_deref(), Some(Path::new("/h/.aws/config")));
        let own = files(&[("HOME", "/h"), ("AWS_SHARED_CREDENTIALS_FILE", "/c")]);
        assert_eq!(own.credentials.as_deref(), Some(Path::new("/c")));
        assert!(!files(&[]).exist());
        assert!(files(&[]).read().is_err());
    }
}
