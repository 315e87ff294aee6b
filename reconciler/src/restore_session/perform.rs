//! Performs one step of a RestoreSession.
//!
//! What the API server refuses for good becomes the condition of the step, and the session goes on to its end; any
//! other error ends the pass, which is tried again.

use crds::condition::{self, NewCondition};
use crds::core::RestoreSession;
use crds::core::hook::HookPhase;
use crds::core::restore_session::RestoreSessionStatus;
use crds::core::restore_session::condition as word;
use crds::label;

use super::decide::{Plan, Step};
use super::{executor, pause};
use crate::access::Party;
use crate::cluster;
use crate::context::Context;
use crate::hooks::start::Occasion;
use crate::hooks::{self, Around, Position};
use crate::outcome::Next;
use crate::start;

/// How a step ended.
pub enum Pass {
    /// Look again.
    Again,
    /// Nothing more can be done now.
    Over(Next),
    /// The session is over.
    Finished,
}

/// Performs the step, and gives the status that is to be written then.
pub async fn perform(
    context: &Context,
    session: &RestoreSession,
    plan: Plan,
) -> Result<(Pass, RestoreSessionStatus), cluster::Error> {
    let Plan { step, mut status } = plan;
    let (cluster, mut pass) = (&context.cluster, Pass::Again);
    match step {
        Step::Record => {}
        Step::Wait(next) => pass = Pass::Over(next),
        Step::Pause(configurations) => {
            for configuration in &configurations {
                cluster.merge(configuration, pause::pause(configuration, session)).await?;
            }
        }
        Step::Resume(configurations) => {
            for configuration in &configurations {
                cluster.merge(configuration, pause::resume(configuration, session)).await?;
            }
        }
        Step::StartHook(at) => start_hook(context, session, at, &mut status).await?,
        Step::StartRestore => {
            if let Err(error) = executor::start_restore(context, session, &status).await {
                let failed = NewCondition::new(
                    word::RESTORE_EXECUTOR_ENSURED,
                    false,
                    word::FAILED_TO_ENSURE_RESTORE_EXECUTOR,
                );
                condition::set(&mut status.conditions, failed.message(error.for_good()?), context.now());
            }
        }
        Step::EndRestore => executor::end_restore(cluster, session).await?,
        Step::Finish => {
            // What a Job was given to read is not given for longer than it is needed.
            start::revoke(cluster, session).await?;
            pass = Pass::Finished;
        }
    }
    status.phase = Some(status.phase());
    Ok((pass, status))
}

async fn start_hook(
    context: &Context,
    session: &RestoreSession,
    at: Position,
    status: &mut RestoreSessionStatus,
) -> Result<(), cluster::Error> {
    let occasion = Occasion {
        around: Around::Restore,
        session,
        lists: super::hooks(session),
        party: Party::new(session, ""),
        labels: label::offshoot_of_restore_session(session),
        variables: executor::built_in(session, &context.settings.namespace),
    };
    let Err(error) = hooks::start::start(context, &occasion, at).await else { return Ok(()) };
    let (why, key) = (error.for_good()?, occasion.lists.key(at));
    condition::set(&mut status.conditions, Around::Restore.words(at.stage).failed(&key, &why), context.now());
    at.stage.write(&mut status.hooks, key, HookPhase::Failed);
    Ok(())
}
