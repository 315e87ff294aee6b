//! Plan and restore against an API server in this process, which behaves like a real one and fails as it is told to.

#[cfg(test)]
mod equality;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod fresh;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod pruning;
#[cfg(test)]
mod rights;
#[cfg(test)]
mod server;
#[cfg(test)]
mod support;
