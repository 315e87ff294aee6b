//! Bringing back: from what was typed to what a restore is asked for, its plan on a screen, and the RestoreSession.
//!
//! ```text
//! typed      the flags, and the parameters that they come to (the engine's own `options::decide` reads them)
//! selection  which objects of the snapshot the words mean      patches  the files of --patch-file
//! aim        the snapshot that is meant, opened; what its backup covered; what the restore stands on
//! restorer   as whom it runs, and the rights that this takes
//! working    the engine in this process, with its progress     screen, document  a report for people and for programs
//! readiness  whether what came back runs
//! consent    what has to be confirmed                          session  the RestoreSession
//! ```

pub mod aim;
pub mod consent;
pub mod document;
pub mod kept;
pub mod patches;
pub mod readiness;
pub mod restorer;
pub mod screen;
pub mod selection;
pub mod session;
pub mod typed;
pub mod working;
