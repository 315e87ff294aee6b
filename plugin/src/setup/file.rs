//! Files that flags name.

use std::path::Path;

use crate::failure::{Code, Failure};

/// The text of a file that a flag names.
pub fn read_file(flag: &str, path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Code::FileUnusable, format!("{flag} {} could not be read", path.display()))
            .why(error.to_string())
    })
}
