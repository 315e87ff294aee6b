//! Stories on a real cluster: each file tells of one thing a person would meet. Run by `make test`.

mod backup;
mod compatibility;
mod definitions;
mod failure;
mod given;
mod killed;
mod plugin;
mod schedule;
mod secrecy;
mod setup;
mod storage;
mod storage_faults;
