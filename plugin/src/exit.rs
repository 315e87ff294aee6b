//! How the plugin ends. The numbers are a contract with scripts: they are in `--help`, in the README, and pinned by a test.

/// The end of a command, as the shell sees it.
///
/// On Windows `kubectl` replaces every failure of a plugin by 1; scripts there that want these numbers call
/// `kubectl-kubestash.exe` directly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done.
    Done,
    /// The operation ended in failure: the backup failed.
    Failed,
    /// A usage or input error; a question was needed and could not be asked; refused.
    Usage,
    /// Partly done: some of several runs, or of several repositories, succeeded.
    Partly,
    /// The cluster or an object in it stood in the way: unreachable, forbidden, not found, in conflict.
    Cluster,
    /// The operator skipped the run, for example because another one was active.
    Skipped,
    /// `--timeout` passed while waiting; the work goes on in the cluster.
    TimedOut,
    /// Interrupted by Ctrl-C while waiting; the work goes on in the cluster.
    Interrupted,
    /// Ended by SIGTERM while waiting; the work goes on in the cluster.
    Terminated,
}

impl Exit {
    /// The number that the process returns.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partly => 3,
            Self::Cluster => 4,
            Self::Skipped => 5,
            Self::TimedOut => 124,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }
}

/// The paragraph at the end of `--help`.
pub const HELP: &str = concat!(
    "\
Exit codes:
    0  done
    1  the operation failed
    2  usage or input error
    3  partly done
    4  the cluster or an object is in the way: unreachable, forbidden, not found
    5  the operator skipped the run
  124  --timeout passed; 130 interrupted, 143 terminated: the work goes on

KUBESTASH_READ_ONLY=1 stops every command that would change the cluster or a bucket.
What the id of an error means:  ",
    env!("CARGO_PKG_REPOSITORY"),
    "/blob/HEAD/docs/errors.md

kubectl takes no flags before a plugin's name:  kubectl kubestash watch orders -n shop"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_its_documented_number() {
        let numbers = [
            (Exit::Done, 0),
            (Exit::Failed, 1),
            (Exit::Usage, 2),
            (Exit::Partly, 3),
            (Exit::Cluster, 4),
            (Exit::Skipped, 5),
            (Exit::TimedOut, 124),
            (Exit::Interrupted, 130),
            (Exit::Terminated, 143),
        ];
        for (exit, number) in numbers {
            assert_eq!(exit.code(), number, "{exit:?}");
        }
    }
}
