//! The collection against an API server in this process: completeness, order, and every way in which a list can fail.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod outputs;
#[cfg(test)]
mod scopes;
#[cfg(test)]
mod server;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tree;
