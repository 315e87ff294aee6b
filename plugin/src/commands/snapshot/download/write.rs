//! Files written where nobody else's are touched.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::failure::{Code, Failure};

/// Where files go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A folder.
    Folder(PathBuf),
    /// An archive.
    Archive(PathBuf),
}

impl Place {
    /// The folder or the archive.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Folder(path) | Self::Archive(path) => path,
        }
    }
}

/// Writes into a place.
pub struct Writer {
    place: Place,
    overwrite: bool,
    archive: Option<tar::Builder<BufWriter<File>>>,
}

impl Writer {
    /// Begins; what is there already is left alone unless it may be overwritten.
    pub fn begin(place: Place, overwrite: bool) -> Result<Self, Failure> {
        let failed = |error: io::Error| unusable(place.path(), &error);
        let archive = match &place {
            Place::Archive(path) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                parent.map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
                let file = create(path, overwrite).map_err(failed)?;
                Some(tar::Builder::new(BufWriter::new(file)))
            }
            Place::Folder(path) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                parent.map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
                folder(path).map_err(failed)?;
                None
            }
        };
        Ok(Self { place, overwrite, archive })
    }

    /// Writes a file at a path relative to the place.
    pub fn write(&mut self, path: &str, content: &[u8], modified: Option<Timestamp>) -> Result<(), Failure> {
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        // Looked at once more, beside where it matters.
        if parts.is_empty()
            || parts.iter().any(|part| matches!(*part, "." | "..") || part.contains(['\\', '\0']))
        {
            return Err(Failure::new(
                Code::DestinationUnusable,
                format!("{path:?} cannot be the name of a file here"),
            ));
        }
        let whole: PathBuf = parts.iter().collect();
        let target = self.place.path().join(&whole);
        let written = match &mut self.archive {
            Some(archive) => {
                let mut header = tar::Header::new_gnu();
                header.set_size(content.len() as u64);
                header.set_mode(0o600);
                let seconds = modified.map_or(0, Timestamp::as_second);
                header.set_mtime(u64::try_from(seconds).unwrap_or_default());
                archive.append_data(&mut header, &whole, content)
            }
            None => self.file(&parts, content),
        };
        written.map_err(|error| unusable(&target, &error))
    }

    fn file(&self, parts: &[&str], content: &[u8]) -> io::Result<()> {
        let mut path = self.place.path().to_owned();
        let Some((name, folders)) = parts.split_last() else { return Ok(()) };
        for part in folders {
            path.push(part);
            folder(&path)?;
        }
        path.push(name);
        create(&path, self.overwrite)?.write_all(content)
    }

    /// Ends an archive.
    pub fn finish(self) -> Result<(), Failure> {
        let Some(archive) = self.archive else { return Ok(()) };
        let ended = archive.into_inner().and_then(|mut file| file.flush());
        ended.map_err(|error| unusable(self.place.path(), &error))
    }
}

/// A folder of the owner alone; one that is there is used, a link to one is not.
fn folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if fs::symlink_metadata(path)?.is_dir() {
                return Ok(());
            }
            Err(io::Error::new(io::ErrorKind::NotADirectory, "it is there, and no folder"))
        }
        made => made,
    }
}

/// A file of the owner alone, which did not exist before.
fn create(path: &Path, overwrite: bool) -> io::Result<File> {
    if overwrite {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::new(Code::DestinationUnusable, format!("could not write {}", path.display()))
        .why(error.to_string());
    match error.kind() {
        io::ErrorKind::AlreadyExists => failure.fix("--overwrite   replaces files that are there"),
        io::ErrorKind::InvalidFilename => failure.fix("-o tar   takes names of any length"),
        _ => failure.fix("--destination DIR   copies to another folder"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn writer(folder: &Path, overwrite: bool) -> Writer {
        Writer::begin(Place::Folder(folder.join("snap")), overwrite).unwrap()
    }

    #[test]
    fn nothing_is_replaced_unless_that_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        writer(folder.path(), false).write("manifest/a/b.yaml", b"one", None).unwrap();
        let refused = writer(folder.path(), false).write("manifest/a/b.yaml", b"two", None).unwrap_err();
        assert_eq!(refused.code(), Some(Code::DestinationUnusable));
        let path = folder.path().join("snap/manifest/a/b.yaml");
        assert_eq!(fs::read(&path).unwrap(), b"one");
        writer(folder.path(), true).write("manifest/a/b.yaml", b"two", None).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["../x", "a/../../x", "a/./b", "", "a\\..\\b"] {
            assert!(writer(folder.path(), true).write(path, b"x", None).is_err(), "{path}");
        }
        assert!(!folder.path().join("x").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_neither_followed_nor_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("snap")).unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), folder.path().join("snap/manifest")).unwrap();
        assert!(writer(folder.path(), true).write("manifest/a.yaml", b"x", None).is_err());
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        let target = elsewhere.path().join("theirs");
        fs::write(&target, "theirs").unwrap();
        std::os::unix::fs::symlink(&target, folder.path().join("snap/b.yaml")).unwrap();
        writer(folder.path(), true).write("b.yaml", b"x", None).unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"theirs");
    }

    #[test]
    fn an_archive_holds_names_that_no_file_system_takes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snap.tar");
        let mut writer = Writer::begin(Place::Archive(path.clone()), false).unwrap();
        let long = format!("manifest/{}.yaml", "n".repeat(253));
        writer.write(&long, b"kind: A\n", None).unwrap();
        writer.finish().unwrap();
        let mut archive = tar::Archive::new(File::open(&path).unwrap());
        let names: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().display().to_string())
            .collect();
        assert_eq!(names, [long]);
        assert!(Writer::begin(Place::Archive(path), false).is_err());
    }
}
