//! `password add`: one more password opens the repository.

use archive::repository::Error;

use super::{Place, new, short};
use crate::context::Context;
use crate::failure::{Code, Failure};
use crate::output;
use crate::repository::{self, who};
use crate::story::Glyph;
use crate::streams::Streams;

/// Add a password: the old ones still open the repository
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    new: new::Flags,
    /// Host that the key names; the default is this one
    #[arg(long, value_name = "NAME")]
    host: Option<String>,
    /// Taken from the flag `--user`, which every command has with another meaning.
    #[arg(skip)]
    pub user: Option<String>,
}

impl Args {
    /// Adds the password to every component that is meant.
    pub async fn run(self, context: &Context, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let password = self.new.read(context, streams).await?;
        let (found, opened) = self.place.open((context, streams)).await?;
        if password.expose() == found.password.expose() {
            return Err(Failure::new(Code::PasswordConflict, "that password opens the repository already")
                .why(format!("it is the one in Secret {}", found.secret)));
        }
        let (own_user, own_host) = who(&context.environment);
        let user = self.user.unwrap_or(own_user);
        let host = self.host.unwrap_or(own_host);
        let doing = format!("add a key to repository {}", found.name());
        let told = |error: Error| repository::failure(&error, &doing);
        let mut rows = Vec::new();
        for (path, archive) in &opened {
            let id = archive.add_key(&password, &user, &host).await.map_err(told)?;
            rows.push(vec![path.clone(), short(&id), user.clone(), host.clone()]);
        }
        let table = output::table(&["COMPONENT", "KEY", "USER", "HOST"], &rows);
        streams.results.write_all(table.as_bytes())?;
        let text = format!("{} opens with the new password as well", found.name());
        streams.story.line(Glyph::Done, &text);
        Ok(())
    }
}
