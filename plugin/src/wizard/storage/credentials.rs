//! Where the keys of a bucket come from: a Secret that is there, the keyboard, a profile of the AWS CLI, a file.

use super::Draft;
use crate::ask::{Choice, Question};
use crate::failure::Failure;
use crate::setup::credentials::aws;
use crate::setup::file::read_file;
use crate::setup::storage::ProviderFlag;
use crate::story::Glyph;
use crate::streams::Streams;

/// Where keys come from, when not from a Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The keyboard; where they are long, a file that is named.
    Enter,
    /// The person's own profiles of the AWS CLI.
    Profile,
    /// A file in its format.
    File,
}

/// A profile that may be chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    name: String,
    region: Option<String>,
    /// Why pods cannot use it.
    problem: Option<String>,
}

impl Draft {
    /// The choices after the Secrets.
    fn sources(&self) -> Vec<(Source, Choice)> {
        let mut sources = vec![(Source::Enter, Choice::new("enter them now", "a new Secret will hold them"))];
        if self.provider() == ProviderFlag::S3 {
            if self.aws.exist() {
                let remark = "read from your ~/.aws now, a new Secret will hold its keys";
                sources.push((Source::Profile, Choice::new("a profile of the AWS CLI…", remark)));
            }
            let remark = "in the AWS CLI's format, a new Secret will hold its keys";
            sources.push((Source::File, Choice::new("a file…", remark)));
        }
        sources
    }

    pub(super) fn ask_source(&self) -> Question {
        let found = self.facts.secrets_with(self.keys());
        let found = found.iter().map(|name| Choice::new(format!("Secret {name}"), "has the right keys"));
        let choices = found.chain(self.sources().into_iter().map(|(_, choice)| choice)).collect();
        let help =
            "What opens the bucket. A Secret in this namespace, or one that is made from what you enter.";
        Question::menu("Credentials?", help, choices, 0)
    }

    pub(super) fn choose_source(&mut self, index: usize) {
        let found: Vec<String> =
            self.facts.secrets_with(self.keys()).into_iter().map(str::to_owned).collect();
        match found.get(index) {
            Some(name) => self.flags.credentials.credentials_secret = Some(name.clone()),
            None => self.source = self.sources().get(index - found.len()).map(|(source, _)| *source),
        }
    }

    /// Reads the profiles to choose from. One alone is taken without a question; where there is none, the question before
    /// is asked again. Whether there is something to ask.
    pub(super) fn find_profiles(&mut self, streams: &mut Streams<'_>) -> bool {
        let problem = match self.read_profiles() {
            Ok(profiles) => {
                let known = profiles.iter().map(|(name, profile)| Known {
                    name: name.to_owned(),
                    region: profile.region.clone(),
                    problem: profile.problem(),
                });
                self.profiles = known.collect();
                match self.profiles.as_slice() {
                    [] => "there is no profile in it".to_owned(),
                    [Known { name, problem: None, .. }] => {
                        streams.story.line(Glyph::Here, &format!("profile {name}"));
                        self.flags.credentials.aws_profile = Some(name.clone());
                        return false;
                    }
                    _ => return true,
                }
            }
            Err(failure) => failure.what().to_owned(),
        };
        streams.story.line(Glyph::Warning, &problem);
        self.again(false);
        false
    }

    fn read_profiles(&self) -> Result<aws::Profiles, Failure> {
        match &self.flags.credentials.credentials_file {
            None => self.aws.read(),
            Some(path) => {
                let place = path.display().to_string();
                Ok(aws::Profiles::of(&read_file("--credentials-file", path)?, &place))
            }
        }
    }

    pub(super) fn ask_profile(&self) -> Question {
        let remark = |known: &Known| match (&known.problem, &known.region) {
            (Some(problem), _) => format!("cannot be used: {problem}"),
            (None, Some(region)) => region.clone(),
            (None, None) => String::new(),
        };
        let choices = self.profiles.iter().map(|known| Choice::new(&known.name, remark(known))).collect();
        let usable = self.profiles.iter().position(|known| known.problem.is_none()).unwrap_or(0);
        let help = "A new Secret will hold the access key of this profile. Keys that expire or are borrowed are of no use \
                    to pods.";
        Question::menu("Profile?", help, choices, usable)
    }

    pub(super) fn choose_profile(&mut self, index: usize) -> Result<(), String> {
        let Some(known) = self.profiles.get(index) else { return Ok(()) };
        if let Some(problem) = &known.problem {
            return Err(format!("profile {} cannot be used: {problem}; Esc or b goes back", known.name));
        }
        self.flags.credentials.aws_profile = Some(known.name.clone());
        Ok(())
    }

    /// The region that the chosen profile names.
    pub(super) fn region_of_profile(&self) -> Option<String> {
        let chosen = self.flags.credentials.aws_profile.as_deref()?;
        match self.profiles.iter().find(|known| known.name == chosen) {
            Some(known) => known.region.clone(),
            // Typed, or chosen in an earlier dialogue.
            None => self.read_profiles().ok()?.get(chosen).ok()?.region.clone(),
        }
    }
}
