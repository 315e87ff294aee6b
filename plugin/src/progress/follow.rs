//! Follows runs to their end: watches, a clock, signals. Everything that is shown is made elsewhere.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::Duration;

use crds::label;
use dialoguer::console::Term;
use futures::stream::{SelectAll, Stream, StreamExt as _};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::runtime::watcher;
use kube::{Resource, ResourceExt as _};

use super::change::Change;
use super::frame::{self, Size};
use super::outcome::Outcome;
use super::{Mode, View, finale, json, plain};
use crate::cluster::{Asked, Cluster, Followed};
use crate::context::Context;
use crate::exit::Exit;
use crate::failure::{Code, Failure};
use crate::object::Kind;
use crate::streams::Streams;
use crate::terminal::HiddenCursor;
use crate::{signals, wait};

/// How a frame lives: ten redraws in two seconds are as smooth as a terminal over a network shows.
const REDRAW: Duration = Duration::from_millis(200);

/// How to follow.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub mode: Mode,
    /// How often a plain line comes although nothing changed.
    pub interval: Duration,
    /// When to stop watching.
    pub limit: Option<Duration>,
}

/// A run of some kind, and all that was seen of it.
pub trait Work: Sized {
    /// A run of which nothing but the name is known.
    fn new(namespace: &str, name: &str) -> Self;

    /// Everything of a namespace that may say something about runs of this kind. Who may not see pods or events sees a
    /// little less.
    fn changes(cluster: &Cluster, namespace: &str) -> Changes;

    /// The name of the object that stands for it.
    fn name(&self) -> &str;

    /// Whether its object was seen: before that, there is nothing to say.
    fn is_known(&self) -> bool;

    /// Takes note of a change, if it is one of this run. Says whether it is.
    fn note(&mut self, change: &Change, now: Timestamp) -> bool;

    /// Why nothing moves, when something keeps it from moving.
    fn waiting(&self) -> Option<String>;

    /// Everything that a reader is shown at this moment.
    fn view(&self, now: Timestamp) -> View;

    /// How it ended, if it did.
    fn outcome(&self, now: Timestamp) -> Option<Outcome>;

    /// The command that shows all of these again.
    fn again(namespace: &str, open: &[&Self]) -> String;
}

/// Follows these runs of a namespace until all ended, and says how. Interrupted or out of time, it says so; the runs go
/// on.
pub async fn follow<W: Work>(
    cluster: &Cluster,
    (namespace, runs): (&str, &[String]),
    manner: Manner,
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Vec<Outcome>, Failure> {
    let mut screen = Screen::new(manner.mode, context, streams);
    let followed = drive::<W>(cluster, (namespace, runs), manner, &mut screen).await;
    if let Err(failure) = &followed {
        screen.abandon(failure)?;
    }
    followed
}

async fn drive<W: Work>(
    cluster: &Cluster,
    (namespace, names): (&str, &[String]),
    manner: Manner,
    screen: &mut Screen<'_, '_>,
) -> Result<Vec<Outcome>, Failure> {
    let mut runs: Vec<W> = names.iter().map(|name| W::new(namespace, name)).collect();
    let mut changes = W::changes(cluster, namespace);
    let mut limit = std::pin::pin!(wait::passed(manner.limit));
    let mut interrupted = std::pin::pin!(signals::interrupted());
    let mut suspended = signals::Suspended::listen(screen.bar.is_some());
    let mut redraw = tokio::time::interval(REDRAW);
    let mut remind = tokio::time::interval(manner.interval.max(Duration::from_secs(1)));
    remind.reset();
    loop {
        tokio::select! {
            exit = &mut interrupted => return Err(left_behind(exit, namespace, &open(&runs, screen))),
            () = &mut limit => return Err(left_behind(Exit::TimedOut, namespace, &open(&runs, screen))),
            () = suspended.wished() => screen.suspend(),
            _ = redraw.tick() => screen.draw(&runs),
            _ = remind.tick() => screen.tell(&runs, true)?,
            change = changes.next() => match change {
                None => return Err(Failure::new(Code::RequestFailed, "the watch of the cluster ended")),
                Some(Seen::Refused(asked, error)) => wait::refused(cluster, &asked, error)?,
                Some(Seen::Change(change)) => {
                    let now = screen.context.environment.now();
                    let mut noted = false;
                    for run in &mut runs {
                        noted |= run.note(&change, now);
                    }
                    if noted {
                        screen.tell(&runs, false)?;
                    }
                }
            },
        }
        let now = screen.context.environment.now();
        let outcomes: Vec<Outcome> = runs.iter().filter_map(|run| run.outcome(now)).collect();
        if outcomes.len() == runs.len() {
            screen.tell(&runs, false)?;
            screen.close(&runs)?;
            return Ok(outcomes);
        }
    }
}

/// The runs that have not ended.
fn open<'r, W: Work>(runs: &'r [W], screen: &Screen<'_, '_>) -> Vec<&'r W> {
    let now = screen.context.environment.now();
    runs.iter().filter(|run| run.outcome(now).is_none()).collect()
}

/// The work goes on without us: says so, and how to come back.
fn left_behind<W: Work>(exit: Exit, namespace: &str, open: &[&W]) -> Failure {
    let names: Vec<&str> = open.iter().map(|run| run.name()).collect();
    let (go, they) = if names.len() > 1 { ("go", "they go") } else { ("goes", "it goes") };
    let what = match exit {
        Exit::TimedOut => {
            format!("{} did not end within --timeout; {they} on in the cluster", names.join(", "))
        }
        _ => format!("stopped watching; {} {go} on in the cluster", names.join(", ")),
    };
    let again = W::again(namespace, open);
    let failure = match exit {
        Exit::TimedOut => Failure::new(Code::TimedOut, what),
        exit => Failure::stopped(exit, what),
    };
    match open.iter().find_map(|run| run.waiting()) {
        Some(why) => failure.why(why).row("again", again),
        None => failure.row("again", again),
    }
}

/// What a watch tells.
pub enum Seen {
    /// Something was seen.
    Change(Change),
    /// A watch that was refused: of what, and how.
    Refused(Asked, watcher::Error),
}

/// Several watches at once.
pub type Changes = SelectAll<Pin<Box<dyn Stream<Item = Seen> + Send>>>;

/// The pods that the operator made, and the warnings: what runs of every kind have in common.
pub fn of_pods(cluster: &Cluster, namespace: &str) -> Changes {
    let ours = format!("{}={}", label::MANAGED_BY, label::MANAGED_BY_KUBESTASH);
    let mut all: Changes = SelectAll::new();
    all.push(watched::<Pod>(cluster, namespace, &ours, false, |event| match event {
        watcher::Event::Delete(pod) => Some(Change::PodGone(pod.name_any())),
        watcher::Event::Apply(pod) | watcher::Event::InitApply(pod) => Some(Change::Pod(Box::new(pod))),
        watcher::Event::Init | watcher::Event::InitDone => None,
    }));
    all.push(watched::<Event>(cluster, namespace, "", false, |event| match event {
        watcher::Event::Apply(event) | watcher::Event::InitApply(event)
            if event.type_.as_deref() == Some("Warning") =>
        {
            Some(Change::Warning(Box::new(event)))
        }
        _ => None,
    }));
    all
}

/// The changes of a kind; `needed`, whether it is an error when they cannot be seen.
pub fn watched<K>(
    cluster: &Cluster,
    namespace: &str,
    labels: &str,
    needed: bool,
    change: fn(watcher::Event<K>) -> Option<Change>,
) -> Pin<Box<dyn Stream<Item = Seen> + Send>>
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Followed,
{
    let asked = Asked {
        verb: "watch",
        resource: Kind::of::<K>().resource(),
        namespace: Some(namespace.into()),
        name: None,
    };
    let seen = cluster.watch::<K>(namespace, labels).filter_map(move |event| {
        let seen = match event {
            Ok(event) => change(event).map(Seen::Change),
            Err(error) if needed => Some(Seen::Refused(asked.clone(), error)),
            Err(_) => None,
        };
        std::future::ready(seen)
    });
    seen.boxed()
}

/// Where the runs are shown.
struct Screen<'a, 's> {
    mode: Mode,
    context: &'a Context,
    streams: &'a mut Streams<'s>,
    bar: Option<ProgressBar>,
    /// A frame is redrawn without a cursor that jumps about.
    cursor: Option<HiddenCursor>,
    told: BTreeMap<String, View>,
}

impl<'a, 's> Screen<'a, 's> {
    fn new(mode: Mode, context: &'a Context, streams: &'a mut Streams<'s>) -> Self {
        let bar = (mode == Mode::Bar).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(
                ProgressStyle::with_template("{msg}").unwrap_or_else(|_| ProgressStyle::default_spinner()),
            );
            bar
        });
        let cursor = bar.as_ref().map(|_| HiddenCursor::hide());
        Self { mode, context, streams, bar, cursor, told: BTreeMap::new() }
    }

    /// Redraws the frame, if there is one.
    fn draw<W: Work>(&self, runs: &[W]) {
        let Some(bar) = &self.bar else { return };
        let now = self.context.environment.now();
        let (rows, columns) = Term::stderr().size();
        let size = Size { columns: columns.into(), rows: usize::from(rows) / runs.len().max(1) };
        let coloured = self.streams.story.coloured();
        let frames = runs
            .iter()
            .filter(|run| run.is_known() && run.outcome(now).is_none())
            .map(|run| frame::render(&run.view(now), size, coloured).join("\n"));
        bar.set_message(frames.collect::<Vec<_>>().join("\n"));
        bar.tick();
    }

    /// Tells what is new; `due` also what is not.
    fn tell<W: Work>(&mut self, runs: &[W], due: bool) -> Result<(), Failure> {
        let now = self.context.environment.now();
        for run in runs {
            let view = run.view(now);
            if !run.is_known() && view.outcome.is_none() {
                continue;
            }
            let before = self.told.get(run.name());
            match self.mode {
                Mode::Plain => {
                    for line in plain::lines(before, &view, now, due) {
                        self.streams.story.plain(&line);
                    }
                }
                Mode::Json => {
                    for message in json::messages(before, &view, now, due) {
                        writeln!(self.streams.results, "{message}")?;
                    }
                    self.streams.results.flush()?;
                }
                Mode::Auto | Mode::Bar | Mode::None => {}
            }
            self.told.insert(run.name().to_owned(), view);
        }
        Ok(())
    }

    /// All runs ended: what stays on the screen.
    fn close<W: Work>(&mut self, runs: &[W]) -> Result<(), Failure> {
        self.clear();
        let now = self.context.environment.now();
        if self.mode == Mode::Json {
            return self.streams.results.flush().map_err(Failure::from);
        }
        for run in runs {
            let view = run.view(now);
            let Some(outcome) = &view.outcome else { continue };
            let finale = finale::of(&view, outcome);
            self.streams.story.line(finale.glyph, &finale.headline);
            for line in finale.lines {
                self.streams.story.plain(&line);
            }
        }
        Ok(())
    }

    /// The watch could not go on to the end.
    fn abandon(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.clear();
        if self.mode == Mode::Json {
            json::give_up(failure, self.context.environment.now(), self.streams.results)?;
        }
        Ok(())
    }

    fn clear(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        self.cursor = None;
    }

    /// Ctrl-Z: the shell gets the terminal as it was, until it says `fg`.
    fn suspend(&mut self) {
        if let Some(bar) = &self.bar {
            bar.set_message("");
            bar.tick();
        }
        self.cursor = None;
        signals::stop();
        self.cursor = self.bar.as_ref().map(|_| HiddenCursor::hide());
    }
}
