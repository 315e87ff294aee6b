//! The collection against an API server in this process: completeness, order, and every way in which a list can fail.

mod faults;
mod outputs;
mod scopes;
mod server;
mod support;
mod tree;
