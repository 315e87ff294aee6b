//! What krew and its validator let pass and our users would stumble over: rules for the plugin's manifest ([`rules`])
//! and for the archives it names ([`archive`]). `make check` judges the template by them, `make dist` all that it made.

pub mod archive;
pub mod lint;
pub mod manifest;
pub mod platform;
pub mod rules;
