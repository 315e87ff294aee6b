//! What the pods of a run say: of a backup, or of a restore.

use std::collections::BTreeSet;
use std::time::Duration;

use crds::label;
use futures::{AsyncBufReadExt as _, StreamExt as _, TryStreamExt as _};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::runtime::watcher::Event;
use kube::{Resource, ResourceExt as _};
use tokio::sync::mpsc;

use crate::cluster::{Asked, Cluster, Followed};
use crate::context;
use crate::failure::{Code, Failure};
use crate::object::Kind;
use crate::pods;
use crate::story::Glyph;
use crate::streams::Streams;
use crate::wait;

/// How many lines may wait to be printed.
const WAITING_LINES: usize = 256;

/// How much of the logs is printed.
#[derive(Clone, Debug, clap::Args)]
#[group(id = "log")]
pub struct Flags {
    /// Go on until the run ends
    #[arg(short = 'f', long)]
    follow: bool,
    /// Only what was said in the last span of time, for example 5m
    #[arg(long, value_name = "DURATION")]
    since: Option<String>,
    /// Only this many lines at the end of each pod
    #[arg(long, value_name = "LINES")]
    tail: Option<i64>,
    /// Only this container; the default is all
    #[arg(short = 'c', long, value_name = "NAME")]
    container: Option<String>,
}

/// What stands for a run.
pub trait Run: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Followed {
    /// Whether nothing more will happen.
    fn is_over(&self) -> bool;

    /// The command that says why it failed, for when its pods are gone.
    fn debug(namespace: &str) -> String;
}

/// One container whose log is read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Source {
    pod: String,
    container: String,
}

/// A line, or what kept one from coming.
#[derive(Debug)]
enum Said {
    Line(Source, String),
    Refused(Source, String),
    Ended,
}

impl Flags {
    /// Prints what the pods of a run said; with `--follow`, what they say until it ends.
    pub async fn print<R: Run>(
        &self,
        cluster: &Cluster,
        (namespace, run): (&str, &R),
        streams: &mut Streams<'_>,
    ) -> Result<(), Failure> {
        let params = self.params()?;
        let (name, over) = (run.name_any(), run.is_over());
        if self.follow && !over {
            return self.follow::<R>(cluster, (namespace, &name), &params, streams).await;
        }
        let mut pods: Vec<Pod> = cluster.list(Some(namespace), &selector(&name)).await?;
        pods.sort_by_key(|pod| (pod.creation_timestamp(), pod.name_any()));
        let sources: Vec<Source> = pods.iter().flat_map(|pod| self.sources(pod, over)).collect();
        if sources.is_empty() {
            return Err(self.nothing::<R>(&pods, namespace, &name));
        }
        for pod in pods.iter().filter(|pod| is_silent(pod, over)) {
            let trouble = pods::trouble(pod).unwrap_or_else(|| "it has not started yet".into());
            streams.story.line(Glyph::Warning, &format!("pod {}: {trouble}", pod.name_any()));
        }
        let several = sources.len() > 1;
        for source in sources {
            print_whole(cluster, namespace, (source, &params), (several, streams)).await?;
        }
        Ok(())
    }

    fn params(&self) -> Result<LogParams, Failure> {
        let since = self.since.as_deref().map(|text| context::duration("--since", text)).transpose()?;
        let seconds = since.map(|span: Duration| i64::try_from(span.as_secs().max(1)).unwrap_or(i64::MAX));
        Ok(LogParams {
            follow: self.follow,
            since_seconds: seconds,
            tail_lines: self.tail,
            ..LogParams::default()
        })
    }

    /// The containers of a pod that are meant and have something to say.
    fn sources(&self, pod: &Pod, over: bool) -> Vec<Source> {
        if is_silent(pod, over) {
            return Vec::new();
        }
        let Some(spec) = &pod.spec else { return Vec::new() };
        let containers = spec.init_containers.iter().flatten().chain(&spec.containers);
        containers
            .filter(|container| self.container.as_ref().is_none_or(|wished| *wished == container.name))
            .map(|container| Source { pod: pod.name_any(), container: container.name.clone() })
            .collect()
    }

    fn nothing<R: Run>(&self, pods: &[Pod], namespace: &str, run: &str) -> Failure {
        let failure = Failure::new(Code::NoRun, format!("there is no log of run {namespace}/{run}"));
        let mut known: Vec<String> = pods
            .iter()
            .filter_map(|pod| pod.spec.as_ref())
            .flat_map(|spec| spec.init_containers.iter().flatten().chain(&spec.containers))
            .map(|container| container.name.clone())
            .collect();
        known.sort();
        known.dedup();
        if let Some(pod) = pods.iter().find(|pod| !pods::has_started(pod)) {
            let trouble = pods::trouble(pod).unwrap_or_else(|| "it has not started yet".into());
            return failure.why(format!("pod {}: {trouble}", pod.name_any())).fix("--follow waits for it");
        }
        if !known.is_empty() {
            let wished = self.container.as_deref().unwrap_or_default();
            return failure.why(format!("no container is called {wished}")).row("found", known.join(", "));
        }
        failure.why("it has no pod any more: pods go with their Job").fix(R::debug(namespace))
    }

    /// Prints what comes until the run has ended and every pod has said its last word.
    async fn follow<R: Run>(
        &self,
        cluster: &Cluster,
        (namespace, run): (&str, &str),
        params: &LogParams,
        streams: &mut Streams<'_>,
    ) -> Result<(), Failure> {
        let asked = asked(namespace);
        let mut pods = cluster.watch::<Pod>(namespace, &selector(run));
        let mut states = cluster.follow::<R>(namespace, run);
        let (sender, mut receiver) = mpsc::channel(WAITING_LINES);
        let (mut known, mut open, mut over) = (BTreeSet::new(), 0_usize, false);
        let mut troubles = BTreeSet::new();
        streams
            .story
            .line(Glyph::Waiting, &format!("following run {namespace}/{run}; Ctrl-C does not stop it"));
        while !over || open > 0 {
            tokio::select! {
                Some(said) = receiver.recv() => match said {
                    Said::Ended => open -= 1,
                    said => print(&said, known.len() > 1, streams)?,
                },
                state = states.next(), if !over => match state {
                    Some(Ok(session)) => over = session.as_ref().is_none_or(R::is_over),
                    Some(Err(error)) => wait::refused(cluster, &asked, error)?,
                    None => over = true,
                },
                event = pods.next(), if !over => {
                    let pod = match event {
                        Some(Ok(Event::Apply(pod) | Event::InitApply(pod))) => pod,
                        Some(Ok(_)) => continue,
                        Some(Err(error)) => { wait::refused(cluster, &asked, error)?; continue },
                        None => break,
                    };
                    waits_for(&pod, &mut troubles, streams);
                    for source in self.sources(&pod, false) {
                        if known.insert(source.clone()) {
                            open += 1;
                            let (cluster, sender) = (cluster.clone(), sender.clone());
                            let (namespace, params) = (namespace.to_owned(), params.clone());
                            tokio::spawn(async move {
                                read(cluster, namespace, source, params, sender.clone()).await;
                                let _ = sender.send(Said::Ended).await;
                            });
                        }
                    }
                },
            }
        }
        // The end of a quick run may be seen before its pod is.
        let pods: Vec<Pod> = cluster.list(Some(namespace), &selector(run)).await?;
        for source in
            pods.iter().flat_map(|pod| self.sources(pod, true)).filter(|source| !known.contains(source))
        {
            let whole = LogParams { follow: false, ..params.clone() };
            print_whole(cluster, namespace, (source, &whole), (!known.is_empty(), streams)).await?;
        }
        Ok(())
    }
}

/// Prints the log of one container as far as it goes.
async fn print_whole(
    cluster: &Cluster,
    namespace: &str,
    (source, params): (Source, &LogParams),
    (several, streams): (bool, &mut Streams<'_>),
) -> Result<(), Failure> {
    let (sender, mut receiver) = mpsc::channel(WAITING_LINES);
    let reading = read(cluster.clone(), namespace.to_owned(), source, params.clone(), sender);
    let printing = async {
        while let Some(said) = receiver.recv().await {
            print(&said, several, streams)?;
        }
        Ok::<(), Failure>(())
    };
    let ((), printed) = futures::join!(reading, printing);
    printed
}

/// Reads the log of one container, line by line.
async fn read(
    cluster: Cluster,
    namespace: String,
    source: Source,
    params: LogParams,
    sender: mpsc::Sender<Said>,
) {
    let params = LogParams { container: Some(source.container.clone()), ..params };
    let outcome = async {
        let stream = cluster.log(&namespace, &source.pod, &params).await.map_err(|error| told(&error))?;
        let mut lines = std::pin::pin!(stream.lines());
        while let Some(line) = lines.try_next().await.map_err(|error| error.to_string())? {
            if sender.send(Said::Line(source.clone(), line)).await.is_err() {
                break;
            }
        }
        Ok::<(), String>(())
    };
    if let Err(why) = outcome.await {
        let _ = sender.send(Said::Refused(source.clone(), why)).await;
    }
}

fn told(error: &crate::cluster::Error) -> String {
    match error {
        crate::cluster::Error::Refused { source, .. } => match &**source {
            kube::Error::Api(status) => status.message.clone(),
            other => other.to_string(),
        },
        other => other.to_string(),
    }
}

fn print(said: &Said, several: bool, streams: &mut Streams<'_>) -> Result<(), Failure> {
    match said {
        Said::Line(source, line) => {
            let prefix = if several { format!("[{}] ", source.short()) } else { String::new() };
            streams.results.write_all(format!("{prefix}{line}\n").as_bytes())?;
            streams.results.flush()?;
        }
        Said::Refused(source, why) => {
            streams.story.line(Glyph::Warning, &format!("no log of {}: {why}", source.short()));
        }
        Said::Ended => {}
    }
    Ok(())
}

impl Source {
    fn short(&self) -> String {
        format!("{}/{}", self.pod, self.container)
    }
}

/// Whether a pod has said nothing yet. A Job tells of its end before the kubelet tells of its pod, so that of a run that
/// is over every pod has spoken but those that something keeps from it.
fn is_silent(pod: &Pod, over: bool) -> bool {
    !pods::has_started(pod) && (!over || pods::trouble(pod).is_some())
}

/// Tells once what keeps a pod from saying anything.
fn waits_for(pod: &Pod, told: &mut BTreeSet<String>, streams: &mut Streams<'_>) {
    let Some(trouble) = pods::trouble(pod).filter(|_| !pods::has_started(pod)) else { return };
    let line = format!("pod {}: {trouble}", pod.name_any());
    if told.insert(line.clone()) {
        streams.story.line(Glyph::Warning, &line);
    }
}

/// The pods that the operator made for a run.
fn selector(run: &str) -> String {
    format!("{}={run}", label::INVOKER_NAME)
}

fn asked(namespace: &str) -> Asked {
    Asked {
        verb: "watch",
        resource: Kind::of::<Pod>().resource(),
        namespace: Some(namespace.to_owned()),
        name: None,
    }
}
