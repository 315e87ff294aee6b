//! The file that kubectl looks for on PATH when TAB is pressed behind a plugin's name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::environment::Environment;
use crate::failure::{Code, Failure};
use crate::story::Glyph;
use crate::streams::Streams;

/// Its name: kubectl's rule.
const NAME: &str = "kubectl_complete-kubestash";
/// The plugin that it asks.
const PLUGIN: &str = "kubectl-kubestash";
/// Its content. By the second line we know it as ours.
pub const TEXT: &str = "#!/bin/sh\n\
    # TAB completion of: kubectl kubestash\n\
    exec kubectl-kubestash __complete \"$@\"\n";

/// Writes or removes the shim.
pub fn place(
    environment: &Environment,
    folder: Option<PathBuf>,
    install: bool,
    streams: &mut Streams<'_>,
) -> Result<(), Failure> {
    let on_path: Vec<PathBuf> =
        environment.variable("PATH").map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    let Some(folder) = folder.or_else(|| beside_the_plugin(&on_path)) else {
        return Err(Failure::new(Code::Ambiguous, "it is not clear where kubectl would find the shim")
            .why(format!("{PLUGIN} is in no folder of PATH"))
            .fix("--dir DIR   with a folder of PATH"));
    };
    let file = folder.join(NAME);
    let known = fs::read_to_string(&file).ok();
    if let Some(text) = &known
        && text.lines().nth(1) != TEXT.lines().nth(1)
    {
        return Err(Failure::new(Code::FileUnusable, format!("{} is somebody else's", file.display()))
            .why("it was not written by this command")
            .fix("move it away, or --dir DIR"));
    }
    let told = |error: std::io::Error| {
        Failure::new(Code::FileUnusable, format!("could not change {}", file.display()))
            .why(error.to_string())
    };
    if install {
        write(&file).map_err(told)?;
        streams.results.write_all(format!("{}\n", file.display()).as_bytes())?;
        streams
            .story
            .line(Glyph::Done, "kubectl completes  kubectl kubestash  where kubectl's own completion is on");
        if !on_path.contains(&folder) {
            let text = format!("{} is not on PATH: kubectl does not find it there", folder.display());
            streams.story.line(Glyph::Warning, &text);
        }
    } else if known.is_some() {
        fs::remove_file(&file).map_err(told)?;
        streams.story.line(Glyph::Done, &format!("{} removed", file.display()));
    } else {
        streams.story.plain(&format!("{} is not there.", file.display()));
    }
    Ok(())
}

/// The first folder of PATH that holds the plugin: with krew, krew's own.
fn beside_the_plugin(on_path: &[PathBuf]) -> Option<PathBuf> {
    on_path.iter().find(|folder| folder.join(PLUGIN).exists()).cloned()
}

fn write(file: &Path) -> std::io::Result<()> {
    fs::write(file, TEXT)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::story::Story;

    fn run(path: &str, folder: Option<&Path>, install: bool) -> (Result<(), Failure>, String) {
        let environment = Environment::scripted(&[("PATH", path)], || Timestamp::UNIX_EPOCH);
        let (mut input, mut results, mut story): (&[u8], _, _) = (b"", Vec::new(), Vec::new());
        let mut streams =
            Streams { input: &mut input, results: &mut results, story: Story::new(&mut story, false, false) };
        let ended = place(&environment, folder.map(Path::to_owned), install, &mut streams);
        (ended, String::from_utf8(story).unwrap())
    }

    #[test]
    fn the_shim_is_put_beside_the_plugin_and_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(PLUGIN), "").unwrap();
        let path = folder.path().to_str().unwrap();
        run(path, None, true).0.unwrap();
        run(path, None, true).0.unwrap();
        let file = folder.path().join(NAME);
        assert_eq!(fs::read_to_string(&file).unwrap(), TEXT);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o755);
        }
        run(path, None, false).0.unwrap();
        assert!(!file.exists());
    }

    #[test]
    fn a_foreign_file_stays_and_a_folder_off_the_path_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(NAME);
        assert!(run("", None, true).0.is_err());
        let (ended, story) = run("", Some(folder.path()), true);
        ended.unwrap();
        assert!(story.contains("is not on PATH"), "{story}");
        fs::write(&file, "#!/bin/sh\nrm -rf /\n").unwrap();
        assert!(run("", Some(folder.path()), true).0.is_err());
        assert!(run("", Some(folder.path()), false).0.is_err());
        assert!(file.exists());
    }
}
