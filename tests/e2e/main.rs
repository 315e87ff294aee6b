//! Stories on a real cluster: each file tells of one thing a person would meet. Run by `make test`.

mod backup;
mod failure;
mod given;
mod schedule;
mod setup;
