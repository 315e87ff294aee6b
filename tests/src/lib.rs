//! What the stories of `e2e/` stand on: a real cluster, a real S3 server, the built binaries, and restic as the judge.
//!
//! A story asks for a [`cluster::Cluster`], takes a namespace of its own ([`namespace::Namespace`]), runs the plugin as
//! a person would ([`plugin::Plugin`]) or applies YAML, awaits what the API server says ([`wait`]), and lets an
//! independent program read the bucket ([`restic::Restic`]). Where things are comes from [`environment`].

pub mod bucket;
pub mod cluster;
pub mod environment;
pub mod file_server;
pub mod krew;
pub mod landscape;
pub mod listener;
pub mod live;
pub mod namespace;
pub mod plugin;
pub mod pty;
pub mod restic;
pub mod restoration;
pub mod s3_proxy;
pub mod same;
pub mod second;
pub mod wait;
