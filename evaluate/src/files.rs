//! Reading folders and files, with errors that say where.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{InputError, Result};
use crate::limits;

/// The files of a folder in the order of their names, without licences, notes and hidden files.
pub(crate) fn of_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let unreadable = |source| InputError::unreadable(folder, source);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() && !is_note(&name(&path)) {
            found.push(path);
        }
        if found.len() > limits::TRACES_MAX {
            return Err(InputError::file(folder, "more files than a folder may have"));
        }
    }
    found.sort();
    Ok(found)
}

/// The text of a file of bounded size.
pub(crate) fn text(file: &Path) -> Result<String> {
    let unreadable = |source| InputError::unreadable(file, source);
    if fs::metadata(file).map_err(unreadable)?.len() > limits::FILE_BYTES_MAX {
        return Err(InputError::file(file, "larger than a trace or a video may be"));
    }
    fs::read_to_string(file).map_err(unreadable)
}

/// The last part of a path.
pub(crate) fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn is_note(name: &str) -> bool {
    let upper = name.to_uppercase();
    name.starts_with('.') || upper.starts_with("LICEN") || upper.starts_with("README")
}
