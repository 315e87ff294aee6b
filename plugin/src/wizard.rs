//! A wizard: questions whose answers are flags. Which question comes next follows from the answers so far, and "back"
//! forgets the last one; what the flags then do is what they do when they are typed.

pub mod access;
pub mod facts;
pub mod file;
pub mod memory;
pub mod review;
pub mod storage;
pub mod words;

use self::review::Decision;
use crate::ask::{self, Answer, Question};
use crate::cluster::Cluster;
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::prompt;
use crate::signals;
use crate::story::Glyph;
use crate::streams::Streams;

/// Answers so far, and the question that follows from them.
pub trait Dialogue: Clone {
    /// The name of a question.
    type Step: Copy + PartialEq + std::fmt::Debug;

    /// The question that comes now; `None` when all were answered.
    fn next(&self) -> Option<Self::Step>;

    /// Asks the world, where that is the step; the question, if one remains.
    fn prepare(
        &mut self,
        step: Self::Step,
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> impl Future<Output = Result<Option<Question>, Failure>>;

    /// Takes an answer; otherwise what is wrong with it.
    fn answer(&mut self, step: Self::Step, answer: Answer) -> Result<(), String>;
}

/// A dialogue under way: every question that was asked, with the answers as they were before it.
#[derive(Debug)]
pub struct Talk<D> {
    pub draft: D,
    before: Vec<D>,
}

impl<D: Dialogue> Talk<D> {
    /// Nothing was asked yet.
    #[must_use]
    pub fn new(draft: D) -> Self {
        Self { draft, before: Vec::new() }
    }

    /// Whether anything was asked.
    #[must_use]
    pub fn asked(&self) -> bool {
        !self.before.is_empty()
    }

    /// Forgets the last answer.
    pub fn back(&mut self) {
        if let Some(before) = self.before.pop() {
            self.draft = before;
        }
    }

    /// Asks until nothing is left to ask; `keep` is shown the answers after each question.
    pub async fn go_on(
        &mut self,
        keep: impl Fn(&D),
        context: &Context,
        streams: &mut Streams<'_>,
    ) -> Result<(), Failure> {
        while let Some(step) = self.draft.next() {
            let before = self.draft.clone();
            let Some(question) = self.draft.prepare(step, context, streams).await? else { continue };
            match ask::ask(&question, context, streams).await? {
                Answer::Back => self.back(),
                answer => match self.draft.answer(step, answer) {
                    Ok(()) => {
                        self.before.push(before);
                        keep(&self.draft);
                    }
                    Err(problem) => streams.story.line(Glyph::Warning, &problem),
                },
            }
        }
        Ok(())
    }
}

/// Says where the dialogue is.
pub fn greet(cluster: &Cluster, namespace: &str, streams: &mut Streams<'_>) {
    let place = format!("context {} ({}), namespace {namespace}", cluster.context(), cluster.server());
    streams.story.plain(&format!("kubectl kubestash on {place}"));
}

/// Waits for the decision of a dialogue. Ctrl-C anywhere ends it, nothing was applied, and `again` goes on with it later.
pub async fn decided<T>(
    decision: impl Future<Output = Result<T, Failure>>,
    again: impl FnOnce() -> String,
) -> Result<T, Failure> {
    let decided = tokio::select! {
        biased;
        decided = decision => decided,
        exit = signals::interrupted() => Err(ask::cancelled(exit)),
    };
    decided.map_err(|failure| match failure.exit() {
        Exit::Interrupted | Exit::Terminated => {
            Failure::stopped(failure.exit(), "Cancelled. Nothing was applied.").row("later", again())
        }
        _ => failure,
    })
}

/// What a review comes to: `true` to apply; otherwise the dialogue goes on one question back.
pub fn applies<D: Dialogue>(decision: Decision, talk: &mut Talk<D>) -> Result<bool, Failure> {
    match decision {
        Decision::Apply => Ok(true),
        Decision::Back if talk.asked() => {
            talk.back();
            Ok(false)
        }
        Decision::Back | Decision::Quit => Err(ask::cancelled(Exit::Interrupted)),
    }
}

/// Which questions are asked, and where answers are kept.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Questions")]
#[group(id = "questions")]
pub struct Flags {
    /// Ask also for what has a default
    #[arg(short, long)]
    pub interactive: bool,
    /// File with answers, a flag without its dashes and a value per line; flags that are typed win
    #[arg(long, value_name = "FILE")]
    pub answers: Option<std::path::PathBuf>,
    /// Write the answers to this file, without secrets, for --answers
    #[arg(long, value_name = "FILE")]
    pub save_answers: Option<std::path::PathBuf>,
}

impl Flags {
    /// Whether questions may be asked for a command that leaves the cluster alone, or does not.
    pub fn asked(&self, offline: bool, context: &Context) -> Result<bool, Failure> {
        if self.interactive && !prompt::possible(context) {
            return Err(Failure::new(Code::CannotAsk, "--interactive needs a terminal to ask at").why(
                "standard input or error is no terminal, or --no-input, KUBESTASH_NO_INPUT or CI is set",
            ));
        }
        Ok(prompt::possible(context) && (self.interactive || !offline))
    }

    /// Name and text of the file of answers, if one was named.
    pub fn read(&self) -> Result<Option<(String, String)>, Failure> {
        let Some(path) = &self.answers else { return Ok(None) };
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::new(Code::FileUnusable, format!("cannot read the answers in {file}"))
                .why(error.to_string())
        })?;
        Ok(Some((file, text)))
    }

    /// Writes the answers to the file that was named, if one was.
    pub fn save(&self, words: &words::Words) -> Result<(), Failure> {
        let Some(path) = &self.save_answers else { return Ok(()) };
        file::write(path, &words::yaml(words)?).map_err(|error| {
            Failure::new(Code::FileUnusable, format!("cannot write the answers to {}", path.display()))
                .why(error.to_string())
        })
    }
}
