//! Rules for an archive, by what krew does with it: it keeps modes as they are, refuses links, and installs a program
//! that cannot run without a word.

use std::io::Read;

use flate2::read::GzDecoder;
use sha2::{Digest, Sha256};
use tar::{Entry, EntryType};

use crate::manifest::Platform;
use crate::platform;

/// The names (in any case) by which krew's validator knows a licence; `LICENSE-MIT` is none.
const LICENCES: [&str; 8] = [
    "license",
    "license.txt",
    "license.md",
    "licenses",
    "licenses.txt",
    "licenses.md",
    "copying",
    "copying.txt",
];

/// Bytes that the program may have, unpacked.
const LARGEST_PROGRAM: usize = 25 * 1024 * 1024;

/// What is wrong with the bytes of the archive that `platform` names.
#[must_use]
pub fn violations(platform: &Platform, archive: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let sum = hex::encode(Sha256::digest(archive));
    if sum != platform.sha256 {
        found.push(format!("its sha256 is {sum}, the manifest says {}", platform.sha256));
    }
    match read(archive) {
        Ok(files) => found.extend(content_violations(platform, &files)),
        Err(cause) => found.push(format!("not a readable .tar.gz: {cause}")),
    }
    found.into_iter().map(|violation| format!("{}: {violation}", platform.file())).collect()
}

/// One entry of an archive.
struct File {
    path: String,
    kind: EntryType,
    mode: u32,
    owner: (u64, u64),
    content: Vec<u8>,
}

/// Every header as it is stored: what extends the format is an entry of its own kind.
fn read(archive: &[u8]) -> std::io::Result<Vec<File>> {
    tar::Archive::new(GzDecoder::new(archive)).entries()?.raw(true).map(|entry| File::read(entry?)).collect()
}

impl File {
    fn read(mut entry: Entry<'_, impl Read>) -> std::io::Result<Self> {
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        let header = entry.header();
        Ok(Self {
            path: String::from_utf8_lossy(&entry.path_bytes()).into_owned(),
            kind: header.entry_type(),
            mode: header.mode()?,
            owner: (header.uid()?, header.gid()?),
            content,
        })
    }

    fn violations(&self) -> Vec<String> {
        let mut found = Vec::new();
        let mut demand = |holds: bool, otherwise: &str| {
            if !holds {
                found.push(format!("\"{}\" {otherwise}", self.path));
            }
        };
        demand(self.kind == EntryType::Regular, "is not a regular file: krew refuses links");
        demand(!self.path.contains(".."), "has two dots in its name: krew refuses it");
        demand(!self.path.starts_with(['/', '\\']), "is absolute: krew refuses it");
        demand(self.owner == (0, 0), "is not owned by 0:0: who built it changes the archive");
        found
    }
}

fn content_violations(platform: &Platform, files: &[File]) -> Vec<String> {
    let mut found: Vec<String> = files.iter().flat_map(File::violations).collect();
    for (index, file) in files.iter().enumerate() {
        if files[..index].iter().any(|before| before.path == file.path) {
            found.push(format!("\"{}\" is there twice", file.path));
        }
    }
    if !files.iter().any(|file| LICENCES.contains(&file.path.to_lowercase().as_str())) {
        found.push("it holds no file named LICENSE".to_owned());
    }
    match files.iter().find(|file| file.path == platform.bin) {
        Some(program) => found.extend(program_violations(platform, program)),
        None => found.push(format!("it does not hold \"{}\"", platform.bin)),
    }
    found
}

fn program_violations(platform: &Platform, program: &File) -> Vec<String> {
    let mut found = Vec::new();
    let (path, size) = (&program.path, program.content.len());
    if program.mode != 0o755 {
        found.push(format!("\"{path}\" has mode {:04o}, not 0755, and krew keeps it", program.mode));
    }
    if size > LARGEST_PROGRAM {
        found.push(format!("\"{path}\" has {size} bytes, more than {LARGEST_PROGRAM}"));
    }
    let made_for = platform::of_program(&program.content).unwrap_or("another platform");
    if made_for != platform.name() {
        found.push(format!("\"{path}\" is a program for {made_for}"));
    }
    found
}
