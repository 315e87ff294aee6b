//! `kubestash-krew-lint`: exit code 0 when nothing is wrong, 1 with one line for each thing that is.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use krew::lint;

/// Judge a krew manifest and the archives beside it
#[derive(Debug, Parser)]
struct Args {
    /// The manifest
    manifest: PathBuf,
    /// The manifest is the template, which names no archives yet
    #[arg(long)]
    template: bool,
    /// The version it should have
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    version: String,
}

fn main() -> ExitCode {
    let Args { manifest, template, version } = Args::parse();
    let judged =
        if template { lint::template(&manifest, &version) } else { lint::release(&manifest, &version) };
    let found = judged.unwrap_or_else(|error| vec![error.to_string()]);
    for violation in &found {
        eprintln!("error: {}: {violation}", manifest.display());
    }
    if found.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
