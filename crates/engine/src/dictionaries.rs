//! The dictionaries that the program carries, unpacked into a directory where all workers of a machine map the same files.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{Error, Result};

/// The folder of the Korean dictionary. Its name is its version: another version is another folder, and an index is analysed anew.
pub const KO_DIC: &str = "ko-dic-2.1.1-lindera-6.2";

/// The Korean dictionary, packed. Read from the binary's file as it is unpacked, never copied to the heap.
static KO_DIC_ARCHIVE: &[u8] = include_bytes!("../dictionaries/ko-dic.tar.zst");

/// Unpacks the dictionaries below `into` unless they are there, and returns `into` (what `Options::dictionaries` wants).
/// Any number of processes may do so at once: each unpacks beside the place and renames; the first one wins.
pub fn unpack(into: &Path) -> Result<PathBuf> {
    let target = into.join(KO_DIC);
    if !target.is_dir() {
        unpack_archive(KO_DIC_ARCHIVE, into, &target).map_err(|source| Error::Io { path: target.display().to_string(), source })?;
    }
    Ok(into.to_owned())
}

fn unpack_archive(archive: &[u8], into: &Path, target: &Path) -> io::Result<()> {
    static ATTEMPTS: AtomicU64 = AtomicU64::new(0);
    fs::create_dir_all(into)?;
    let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
    let beside = into.join(format!(".{KO_DIC}.{}.{attempt}", process::id()));
    let unpacked = zstd::Decoder::with_buffer(archive)
        .and_then(|decoder| tar::Archive::new(decoder).unpack(&beside))
        .and_then(|()| fs::rename(&beside, target));
    if unpacked.is_err() {
        // A failure to clean up is less than the failure that is reported, and the folder's name cannot be taken for a dictionary.
        let _ = fs::remove_dir_all(&beside);
    }
    match unpacked {
        Err(_) if target.is_dir() => Ok(()),
        other => other,
    }
}
