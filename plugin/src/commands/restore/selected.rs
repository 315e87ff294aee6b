//! What `restore plan` and `restore create` have in common: which snapshot, what of it, how, and as whom.

use crate::failure::Failure;
use crate::look;
use crate::look::address::{self, Address, Objects};
use crate::restore::aim::Asked;
use crate::restore::restorer;
use crate::restore::typed::{How, What};

/// What is to be brought back, as typed.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "selected")]
pub struct Selected {
    /// The snapshot, or part of it, then kinds or single objects: latest, latest:deploy/orders, latest deploy/orders cm.
    /// With --snapshot, the name of the RestoreSession comes first
    #[arg(value_name = "SNAPSHOT[:OBJECT]")]
    words: Vec<String>,
    /// The snapshot, when a name for the RestoreSession is typed
    #[arg(long, conflicts_with = "to_time", value_name = "SNAPSHOT[:OBJECT]")]
    snapshot: Option<String>,
    #[command(flatten)]
    pub look: look::Flags,
    #[command(flatten)]
    pub what: What,
    #[command(flatten)]
    pub how: How,
    #[command(flatten)]
    pub restorer: restorer::Flags,
}

/// The words, understood.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    pub address: Option<Address>,
    pub objects: Vec<Objects>,
    /// Of the RestoreSession.
    pub name: Option<String>,
}

impl Selected {
    /// Understands the words.
    pub fn words(&self) -> Result<Words, Failure> {
        let mut words = self.words.as_slice();
        let mut name = None;
        let address = match &self.snapshot {
            Some(snapshot) => {
                if let [first, rest @ ..] = words
                    && !first.contains('/')
                {
                    name = Some(first.clone());
                    words = rest;
                }
                Some(snapshot.parse()?)
            }
            // The time says which; all words are objects.
            None if self.what.to_time.is_some() => None,
            None => match words {
                [] => None,
                [first, rest @ ..] => {
                    words = rest;
                    Some(first.parse()?)
                }
            },
        };
        Ok(Words { address, objects: address::objects(words)?, name })
    }

    /// What is asked of the snapshot.
    #[must_use]
    pub fn asked(&self, words: &Words) -> Asked<'_> {
        Asked {
            address: words.address.clone(),
            objects: words.objects.clone(),
            what: &self.what,
            how: &self.how,
            look: self.look.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Typed {
        #[command(flatten)]
        selected: Selected,
    }

    fn words(line: &str) -> (Option<String>, Vec<String>, Option<String>) {
        let typed = Typed::parse_from(std::iter::once("restore").chain(line.split_whitespace()));
        let Words { address, objects, name } = typed.selected.words().unwrap();
        (address.map(|address| address.snapshot), objects.into_iter().map(|one| one.kind).collect(), name)
    }

    #[test]
    fn the_snapshot_comes_first_unless_a_flag_names_it() {
        let owned = |text: &str| Some(text.to_owned());
        assert_eq!(words("latest:deploy/orders"), (owned("latest"), vec![], None));
        assert_eq!(
            words("latest deploy/orders cm,svc"),
            (owned("latest"), vec!["deploy".into(), "cm".into(), "svc".into()], None)
        );
        assert_eq!(words("--snapshot latest mine"), (owned("latest"), vec![], owned("mine")));
        assert_eq!(words("--snapshot latest deploy/orders"), (owned("latest"), vec!["deploy".into()], None));
        assert_eq!(
            words("--to-time 2026-11-22T00:00:00Z deploy/orders"),
            (None, vec!["deploy".into()], None)
        );
        assert_eq!(words(""), (None, vec![], None));
    }
}
