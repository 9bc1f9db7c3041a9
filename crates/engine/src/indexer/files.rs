//! The files of a Tantivy index in a local directory, which may have been filled by hand with hard links.
//! Segment files are never written in place, by Tantivy nor here; `meta.json` and `.managed.json` are replaced by rename.

use std::{collections::BTreeSet, fs, io, path::Path};

use tantivy::{Index, IndexBuilder, directory::MmapDirectory, index::IndexMeta};

use crate::{Error, Result, tantivy_error};

const META: &str = "meta.json";
const MANAGED: &str = ".managed.json";

/// Opens the index in `directory`, or begins it as `builder` says.
pub(super) fn open_index(directory: &Path, builder: IndexBuilder) -> Result<Index> {
    fs::create_dir_all(directory).map_err(io_error(directory))?;
    adopt_files(directory).map_err(io_error(directory))?;
    let files = MmapDirectory::open(directory).map_err(|error| tantivy_error("open the directory")(error.into()))?;
    builder.open_or_create(files).map_err(tantivy_error("open the index"))
}

/// Tells Tantivy that the files in a directory filled by hand are its own, so that it removes them when nothing needs them.
fn adopt_files(directory: &Path) -> io::Result<()> {
    if directory.join(MANAGED).exists() {
        return Ok(());
    }
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.insert(name);
        }
    }
    if !names.is_empty() {
        replace(directory, MANAGED, &serde_json::to_vec(&names)?)?;
    }
    Ok(())
}

/// Makes an earlier commit the current one. No index may be open.
pub(super) fn restore(directory: &Path, meta_json: &[u8]) -> Result<()> {
    replace(directory, META, meta_json).map_err(io_error(directory))
}

fn replace(directory: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let beside = directory.join(format!(".{name}.new"));
    fs::write(&beside, content)?;
    fs::rename(&beside, directory.join(name))
}

/// The names of a commit's files, without `meta.json`.
pub(super) fn of_commit(directory: &Path, meta: &IndexMeta) -> Vec<String> {
    let candidates = meta.list_segment_files();
    let existing: BTreeSet<_> = candidates.iter().filter(|file| directory.join(file).exists()).collect();
    existing.into_iter().map(|file| file.to_string_lossy().into_owned()).collect()
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.display().to_string();
    move |source| Error::Io { path, source }
}
