//! A new password: from a file, from standard input, or typed twice where nobody can read it. No flag takes its value.

use std::path::{Path, PathBuf};

use archive::access::Password;
use secrecy::{ExposeSecret as _, SecretString};

use crate::context::Context;
use crate::failure::{Failure, Missing};
use crate::prompt;
use crate::setup::input::Input;
use crate::story::Glyph;
use crate::streams::Streams;

/// Where the new password comes from.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "new-password", multiple = false)]
pub struct Flags {
    /// File with the new password; - reads standard input
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    /// Read the new password from standard input
    #[arg(long)]
    new_password_stdin: bool,
}

impl Flags {
    /// The new password; asks for it where somebody can be asked.
    pub async fn read(&self, context: &Context, streams: &mut Streams<'_>) -> Result<Password, Failure> {
        let (flag, path) = match (&self.new_password_file, self.new_password_stdin) {
            (Some(path), _) => ("--new-password-file", path.as_path()),
            (None, true) => ("--new-password-stdin", Path::new("-")),
            (None, false) => return ask(context, streams).await,
        };
        let mut input = Input::new(streams.input, context.environment.terminals.input);
        let password = input.read(flag, path)?;
        for note in std::mem::take(&mut input.notes) {
            streams.story.line(Glyph::Here, &note);
        }
        Ok(given(&password))
    }
}

async fn ask(context: &Context, streams: &mut Streams<'_>) -> Result<Password, Failure> {
    if !prompt::possible(context) {
        let hint = "or --new-password-stdin: pass show key | kubectl kubestash password …".to_owned();
        let missing = [Missing { flag: "--new-password-file", meaning: "file with the new password", hint }];
        return Err(Failure::missing(&missing, ""));
    }
    let first = prompt::hidden("New password", (context, streams)).await?;
    let second = prompt::hidden("Once more", (context, streams)).await?;
    if first.expose_secret() != second.expose_secret() {
        return Err(Failure::usage("the two passwords differ").why("nothing was changed"));
    }
    Ok(given(&first))
}

fn given(password: &SecretString) -> Password {
    Password::given(password.expose_secret(), "the new password")
}
