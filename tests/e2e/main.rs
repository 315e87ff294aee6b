//! Stories on a real cluster: each file tells of one thing a person would meet. Run by `make test`.

mod application;
mod backup;
mod check;
mod compatibility;
mod definitions;
mod failure;
mod given;
mod hooks;
mod killed;
mod krew;
mod lists;
mod look;
mod operator;
mod plugin;
mod repository;
mod schedule;
mod secrecy;
mod sessions;
mod setup;
mod storage;
mod storage_faults;
mod terminal;
mod tour;
mod verbs;
mod wizard;
mod wizard_creating;
