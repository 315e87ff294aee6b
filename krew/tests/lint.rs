//! The rules fail on what they are there for, and pass what is right.

use std::io::Write;

use flate2::{Compression, GzBuilder};
use krew::manifest::{Manifest, Platform};
use krew::{archive, lint, rules};
use sha2::{Digest, Sha256};
use tar::{Builder, EntryType, Header};

const TEMPLATE: &str = include_str!("../kubestash.yaml");
const VERSION: &str = "1.2.3";

/// A manifest that is right: the template filled in.
fn right() -> String {
    lint::filled_in(TEMPLATE, VERSION)
}

/// What is wrong with the manifest after one replacement, its reading included.
fn after(from: &str, to: &str) -> Vec<String> {
    let text = right().replacen(from, to, 1);
    assert_ne!(text, right(), "\"{from}\" is not in the manifest");
    match Manifest::read(&text) {
        Ok(manifest) => rules::violations(&manifest, "kubestash.yaml", VERSION),
        Err(cause) => vec![cause.to_string()],
    }
}

#[test]
fn the_template_is_right() {
    let manifest = Manifest::read(&right()).expect("a manifest");
    assert_eq!(rules::violations(&manifest, "kubestash.yaml", VERSION), Vec::<String>::new());
}

#[test]
fn each_rule_for_the_manifest_finds_what_it_is_there_for() {
    let table = [
        ("krew.googlecontainertools.github.com/v1alpha2", "krew.dev/v1", "not known to krew"),
        ("kind: Plugin", "kind: PlugIn", "is not \"Plugin\""),
        ("name: kubestash", "name: kube-stash", "is not \"kubestash\""),
        ("\"v1.2.3\"", "\"1.2.3\"", "spec.version"),
        ("\"v1.2.3\"", "v1.2", "spec.version"),
        ("\"v1.2.3\"", "v1.2.4", "spec.version"),
        ("Back up and restore the manifests of a cluster", "''", "not one line"),
        ("Back up and restore the manifests of a cluster", "\"Back up\\nand restore\"", "not one line"),
        ("  homepage: https://github.com/kubestash-rs/kubestash\n", "", "homepage"),
        (
            "shortDescription: Back up",
            "shortDescription: Back up and look into and restore",
            "longer than 60",
        ),
        ("shortDescription:", "shortdescription:", "shortdescription"),
        ("of a cluster\n", "of a cluster.\n", "full stop"),
        ("homepage: https:", "homepage: http:", "not an https address"),
        ("  caveats: |", "  caveat: |", "caveat"),
        ("uri: \"https://example.org", "uri: \"http://example.org", "not an https address"),
        ("org/v1.2.3/kubectl", "org/latest/kubectl", "does not end with"),
        ("kubestash-linux-amd64.tar.gz", "kubestash-linux-amd64.tar.xz", "does not end with"),
        ("kubestash-linux-amd64.tar.gz", "kubestash-linux-arm64.tar.gz", "does not end with"),
        ("arch: arm64", "arch: aarch64", "not a platform of krew"),
        ("arch: arm64", "arch: amd64", "there twice"),
        ("os: linux\n", "os: linux\n        libc: musl\n", "libc"),
        ("bin: kubectl-kubestash\n", "bin: kubectl_kubestash\n", "bin"),
        ("kubectl-kubestash.exe", "kubectl-kubestash", "bin"),
        ("bin: kubectl-kubestash\n", "bin: kubectl-kubestash\n    files: []\n", "files"),
        (&"0".repeat(64), &"A".repeat(64), "64 lower-case"),
        (&"0".repeat(64), &"0".repeat(63), "64 lower-case"),
        ("sha256: ", "sha512: ", "sha512"),
    ];
    for (from, to, expected) in table {
        let found = after(from, to);
        assert!(found.iter().any(|one| one.contains(expected)), "{from} -> {to}: {found:?}");
    }
    let manifest = Manifest::read(&right()).expect("a manifest");
    let found = rules::violations(&manifest, "kubestash.yml", VERSION);
    assert!(found[0].contains("is not named \"kubestash.yaml\""), "{found:?}");
}

/// A file to be put into an archive.
struct Put<'a> {
    path: &'a str,
    kind: EntryType,
    mode: u32,
    owner: u64,
    content: Vec<u8>,
}

/// The first bytes of a program for linux-amd64, and nothing more.
fn program() -> Vec<u8> {
    let mut bytes = b"\x7fELF".to_vec();
    bytes.resize(64, 0);
    bytes[18] = 62;
    bytes
}

fn put(path: &str, mode: u32, content: Vec<u8>) -> Put<'_> {
    Put { path, kind: EntryType::Regular, mode, owner: 0, content }
}

fn right_files() -> Vec<Put<'static>> {
    vec![put("LICENSE", 0o644, b"Apache".to_vec()), put("kubectl-kubestash", 0o755, program())]
}

/// The archive of these files; names are written raw, so that hostile ones are possible.
fn packed(files: &[Put<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for file in files {
        let mut header = Header::new_ustar();
        header.as_old_mut().name[..file.path.len()].copy_from_slice(file.path.as_bytes());
        header.set_entry_type(file.kind);
        header.set_mode(file.mode);
        header.set_uid(file.owner);
        header.set_gid(0);
        header.set_size(file.content.len() as u64);
        header.set_cksum();
        builder.append(&header, file.content.as_slice()).expect("an archive");
    }
    let mut gzip = GzBuilder::new().write(Vec::new(), Compression::fast());
    gzip.write_all(&builder.into_inner().expect("an archive")).expect("bytes");
    gzip.finish().expect("bytes")
}

/// linux-amd64 of the right manifest, with the checksum of `archive`.
fn platform(archive: &[u8]) -> Platform {
    let manifest = Manifest::read(&right()).expect("a manifest");
    let found = manifest.spec.platforms.into_iter().find(|platform| platform.name() == "linux-amd64");
    Platform { sha256: hex::encode(Sha256::digest(archive)), ..found.expect("linux-amd64") }
}

fn judge(files: &[Put<'_>]) -> Vec<String> {
    let archive = packed(files);
    archive::violations(&platform(&archive), &archive)
}

#[test]
fn an_archive_with_program_and_licence_is_right() {
    assert_eq!(judge(&right_files()), Vec::<String>::new());
}

#[test]
fn each_rule_for_an_archive_finds_what_it_is_there_for() {
    type Change = fn(&mut Vec<Put<'static>>);
    let table: [(Change, &str); 13] = [
        (|files| files[1].mode = 0o644, "has mode 0644"),
        (|files| files[1].mode = 0o4755, "has mode 4755"),
        (|files| files[0].path = "LICENSE-APACHE", "no file named LICENSE"),
        (|files| files[1].path = "bin/kubectl-kubestash", "does not hold \"kubectl-kubestash\""),
        (|files| files[1].path = "kubectl-kubestash.exe", "does not hold \"kubectl-kubestash\""),
        (|files| files.push(put("../evil", 0o644, Vec::new())), "two dots"),
        (|files| files.push(put("a..b", 0o644, Vec::new())), "two dots"),
        (|files| files.push(put("/etc/evil", 0o644, Vec::new())), "absolute"),
        (|files| files.push(put("LICENSE", 0o644, Vec::new())), "there twice"),
        (
            |files| {
                files.push(Put {
                    kind: EntryType::Symlink,
                    ..put("kubectl_complete-kubestash", 0o777, Vec::new())
                });
            },
            "not a regular file",
        ),
        (|files| files[0].owner = 1000, "not owned by 0:0"),
        (|files| files[1].content[18] = 183, "is a program for linux-arm64"),
        (|files| files[1].content.resize(25 * 1024 * 1024 + 1, 0), "more than 26214400"),
    ];
    for (change, expected) in table {
        let mut files = right_files();
        change(&mut files);
        let found = judge(&files);
        assert!(found.iter().any(|one| one.contains(expected)), "{expected}: {found:?}");
    }
}

#[test]
fn another_checksum_and_another_format_are_found() {
    let archive = packed(&right_files());
    let found = archive::violations(&platform(b"something else"), &archive);
    assert!(found.len() == 1 && found[0].contains("its sha256 is"), "{found:?}");
    let found = archive::violations(&platform(b"\xfd7zXZ\0"), b"\xfd7zXZ\0");
    assert!(found.len() == 1 && found[0].contains("not a readable .tar.gz"), "{found:?}");
    let cut = &archive[..archive.len() / 2];
    let found = archive::violations(&platform(cut), cut);
    assert!(found.len() == 1 && found[0].contains("not a readable .tar.gz"), "{found:?}");
}
