//! Placeholder until the crate's own documentation is written.
