//! A plan, made: by the engine in this process, with the rights of the ServiceAccount that will do the work where the user
//! may impersonate it, else with the user's own.

use std::time::Duration;

use archive::restore;
use archive::restore::progress::Progress;
use archive::restore::report::{Line, Report};
use archive::restore::verdict::{ProblemKind, Verdict};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ServiceAccount;
use tokio_util::sync::CancellationToken;

use super::selected::{Selected, Words};
use crate::cluster::{Cluster, Right};
use crate::commands::{lookup, snapshot};
use crate::context::Context;
use crate::failure::Failure;
use crate::glance;
use crate::human;
use crate::look::pager;
use crate::look::whole::is_whole;
use crate::progress::Mode;
use crate::restore::aim::{self, Aim};
use crate::restore::restorer::{self, Restorer};
use crate::restore::screen::{self, Manner};
use crate::restore::working::{self, Shown};
use crate::story::Glyph;
use crate::streams::Streams;

/// How often a line tells how far the plan is, where no line is redrawn.
const INTERVAL: Duration = Duration::from_secs(30);

/// A snapshot that is aimed at, and as whom it will be brought back.
#[derive(Debug)]
pub struct Aimed {
    pub aim: Aim,
    /// Unless nobody said it, and none is there by the usual name.
    pub restorer: Option<Restorer>,
    /// `as ServiceAccount shop/backup-restorer`
    pub as_whom: String,
    /// The cluster, with the rights by which the plan is judged.
    eyes: Cluster,
}

/// Finds the snapshot and the ServiceAccount.
pub async fn aimed(
    cluster: &Cluster,
    (selected, words): (&Selected, &Words),
    (context, streams): (&Context, &mut Streams<'_>),
) -> Result<Aimed, Failure> {
    let mut aim = aim::take(cluster, &selected.asked(words), (context, streams)).await?;
    let namespace = aim.namespace();
    let restorer = restorer_of(cluster, &selected.restorer, &namespace).await?;
    let (eyes, as_whom) = match &restorer {
        Some(Restorer::Existing(name)) => {
            let account = format!("ServiceAccount {namespace}/{name}");
            if may_impersonate(cluster, context, &namespace).await? {
                (context.cluster_as(&namespace, name).await?, format!("as {account}"))
            } else {
                (cluster.clone(), format!("by your own rights: you may not impersonate {account}"))
            }
        }
        Some(Restorer::New(name)) => (
            cluster.clone(),
            format!("by your own rights: ServiceAccount {namespace}/{name} gets those that this takes"),
        ),
        None => (cluster.clone(), "by your own rights".to_owned()),
    };
    // Who is not there yet will be called so.
    let account = restorer.as_ref().map_or(restorer::NAME, Restorer::name);
    aim::protect(&mut aim, account, &eyes).await;
    Ok(Aimed { aim, restorer, as_whom, eyes })
}

/// The account that was named, that is to be made, or that is there by its usual name.
async fn restorer_of(
    cluster: &Cluster,
    flags: &restorer::Flags,
    namespace: &str,
) -> Result<Option<Restorer>, Failure> {
    if flags.create_restorer {
        return Ok(Some(Restorer::New(restorer::NAME.to_owned())));
    }
    if let Some(name) = &flags.service_account {
        lookup::one::<ServiceAccount>(cluster, namespace, name).await?;
        return Ok(Some(Restorer::Existing(name.clone())));
    }
    let usual = cluster.get::<ServiceAccount>(Some(namespace), restorer::NAME).await?;
    Ok(usual.map(|_| Restorer::Existing(restorer::NAME.to_owned())))
}

async fn may_impersonate(cluster: &Cluster, context: &Context, namespace: &str) -> Result<bool, Failure> {
    if context.is_impersonating()? {
        return Ok(false);
    }
    let right = Right {
        verb: "impersonate",
        group: String::new(),
        plural: "serviceaccounts".to_owned(),
        namespace: Some(namespace.to_owned()),
    };
    Ok(cluster.has_right(&right).await?)
}

impl Aimed {
    /// What the restore would do. Nothing is changed.
    pub async fn plan(&self, (context, streams): (&Context, &mut Streams<'_>)) -> Result<Report, Failure> {
        let (progress, stop) = (Progress::new(), CancellationToken::new());
        let mode = Mode::Auto.in_surroundings(&context.environment, context.can_redraw());
        let mode = if context.manner.quiet { Mode::None } else { mode };
        let shown =
            Shown { doing: "planning", stays: "stopped; nothing was changed", mode, interval: INTERVAL };
        let Aim { source, options, .. } = &self.aim;
        let work = restore::plan(self.eyes.client(), source, options, &progress, &stop);
        let report = working::shown(work, (&progress, &stop), shown, (context, &mut *streams)).await?;
        if report.lines.is_empty() {
            let text = "the snapshot holds nothing of what is asked for: -n NAMESPACE, or -A for all of it";
            streams.story.line(Glyph::Warning, text);
        }
        if report.lines.iter().any(is_forbidden) && matches!(self.restorer, Some(Restorer::Existing(_))) {
            let text = "the account lacks rights: --create-restorer makes one that has those that this takes";
            streams.story.line(Glyph::Warning, text);
        }
        Ok(report)
    }

    /// `From` and `Into`: what comes from where, and goes where.
    pub fn heading(
        &self,
        report: &Report,
        context: &Context,
    ) -> Result<[(&'static str, String, String); 2], Failure> {
        let snapshot = &self.aim.snapshot;
        let now = context.environment.now();
        let from = (lookup::place(snapshot), taken(snapshot, now));
        let places: Vec<&str> = screen::places(report).into_iter().collect();
        let into = format!("cluster {}{}", context.context_name()?, told_places(&places));
        Ok([("From", from.0, from.1), ("Into", into, self.as_whom.clone())])
    }
}

fn is_forbidden(line: &Line) -> bool {
    matches!(&line.verdict, Verdict::Fail { problem } if problem.kind == ProblemKind::Forbidden)
}

/// `taken 14h ago, 63 objects`
fn taken(snapshot: &crds::storage::Snapshot, now: Timestamp) -> String {
    let age = glance::taken(snapshot).map(|taken| format!("taken {} ago", human::age_at(taken, now)));
    let objects = snapshot::list::objects(snapshot).and_then(|number| usize::try_from(number).ok());
    let objects = objects.map(|number| human::counted(number, "object"));
    let whole = (!is_whole(snapshot)).then(|| "incomplete".to_owned());
    [age, objects, whole].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `, namespace shop`; of many, how many.
fn told_places(places: &[&str]) -> String {
    const NAMED: usize = 4;
    let named: Vec<&str> = places.iter().copied().filter(|place| !place.is_empty()).collect();
    let cluster = if places.len() > named.len() { " and the cluster itself" } else { "" };
    match named.as_slice() {
        [] if cluster.is_empty() => String::new(),
        [] => ", the cluster itself".to_owned(),
        [one] => format!(", namespace {one}{cluster}"),
        few if few.len() <= NAMED => format!(", namespaces {}{cluster}", few.join(", ")),
        many => format!(", {}{cluster}", human::counted(many.len(), "namespace")),
    }
}

/// The whole screen of a plan, up to the totals.
#[must_use]
pub fn text(heading: &[(&'static str, String, String)], report: &Report, manner: Manner) -> String {
    let mut text = String::from("Restore plan  (nothing has been changed)\n\n");
    let middle = heading.iter().map(|(_, what, _)| what.chars().count()).max().unwrap_or_default();
    for (label, what, more) in heading {
        let line = format!("{label:4}  {what:middle$}   {more}");
        let line = line.trim_end();
        if manner.width.is_none_or(|width| line.chars().count() <= width) {
            text.push_str(&pager::visible(line));
            text.push('\n');
        } else {
            for (head, part) in [(&format!("{label:4}  ")[..], what), ("      ", more)] {
                text.push_str(&pager::visible(&screen::wrapped(head, part, manner.width)));
            }
        }
    }
    text.push('\n');
    let objects = screen::objects(report, manner);
    if !objects.is_empty() {
        text.push_str(&objects);
        text.push('\n');
    }
    text.push_str(&screen::totals(report));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_screen_of_a_plan_says_from_where_into_where_and_what() {
        let line = |name: &str, verdict| Line {
            resource: "configmaps".into(),
            namespace: Some("shop".into()),
            name: name.into(),
            into: None,
            verdict,
            notes: Vec::new(),
            live: None,
        };
        let report = Report {
            lines: vec![line("a", Verdict::Create), line("b", Verdict::Unchanged)],
            warnings: Vec::new(),
        };
        let heading = [
            ("From", "shop/shop-repo-1".to_owned(), "taken 14h ago, 63 objects".to_owned()),
            (
                "Into",
                "cluster dev, namespace shop".to_owned(),
                "as ServiceAccount shop/backup-restorer".to_owned(),
            ),
        ];
        assert_eq!(
            text(&heading, &report, Manner::default()),
            "\
Restore plan  (nothing has been changed)

From  shop/shop-repo-1              taken 14h ago, 63 objects
Into  cluster dev, namespace shop   as ServiceAccount shop/backup-restorer

  create     configmaps/a
  unchanged  configmaps/b

1 to create, 1 unchanged · the API server would accept all"
        );
        let narrow = text(&heading, &report, Manner { width: Some(40), ..Manner::default() });
        assert!(narrow.contains("Into  cluster dev, namespace shop\n      as ServiceAccount"), "{narrow}");
    }

    #[test]
    fn places_are_named_while_they_are_few() {
        assert_eq!(told_places(&["shop"]), ", namespace shop");
        assert_eq!(told_places(&["", "a", "b"]), ", namespaces a, b and the cluster itself");
        assert_eq!(told_places(&["a", "b", "c", "d", "e"]), ", 5 namespaces");
        assert_eq!(told_places(&[""]), ", the cluster itself");
        assert_eq!(told_places(&[]), "");
    }
}
