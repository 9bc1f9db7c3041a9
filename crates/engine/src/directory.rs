//! A directory of segment files whose `meta.json` is held in memory: generations that share files lie beside each other, each with
//! a `meta.json` of its own, and nothing is ever written or locked.

use std::{io, path::Path, sync::Arc};

use tantivy::{
    Directory,
    directory::{
        DirectoryLock, FileHandle, Lock, MmapDirectory, WatchCallback, WatchHandle, WritePtr,
        error::{DeleteError, LockError, OpenReadError, OpenWriteError},
    },
};

/// A read-only directory with its own `meta.json`.
#[derive(Debug, Clone)]
pub(crate) struct GenerationDirectory {
    files: MmapDirectory,
    meta: Arc<[u8]>,
}

impl GenerationDirectory {
    /// The files in `directory` as `meta_json` describes them.
    pub(crate) fn open(directory: &Path, meta_json: &[u8]) -> Result<Self, tantivy::TantivyError> {
        Ok(Self { files: MmapDirectory::open(directory)?, meta: meta_json.into() })
    }
}

fn is_meta(path: &Path) -> bool {
    path.as_os_str() == "meta.json"
}

fn read_only() -> io::Error {
    io::Error::new(io::ErrorKind::ReadOnlyFilesystem, "a generation is immutable")
}

impl Directory for GenerationDirectory {
    fn get_file_handle(&self, path: &Path) -> Result<Arc<dyn FileHandle>, OpenReadError> {
        self.files.get_file_handle(path)
    }

    fn delete(&self, path: &Path) -> Result<(), DeleteError> {
        Err(DeleteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn exists(&self, path: &Path) -> Result<bool, OpenReadError> {
        if is_meta(path) { Ok(true) } else { self.files.exists(path) }
    }

    fn open_write(&self, path: &Path) -> Result<WritePtr, OpenWriteError> {
        Err(OpenWriteError::IoError { io_error: Arc::new(read_only()), filepath: path.to_owned() })
    }

    fn atomic_read(&self, path: &Path) -> Result<Vec<u8>, OpenReadError> {
        // Files of the indexer that may share the directory, such as `.managed.json`, are none of a reader's business.
        if is_meta(path) { Ok(self.meta.to_vec()) } else { Err(OpenReadError::FileDoesNotExist(path.to_owned())) }
    }

    fn atomic_write(&self, _: &Path, _: &[u8]) -> io::Result<()> {
        Err(read_only())
    }

    fn sync_directory(&self) -> io::Result<()> {
        Ok(())
    }

    fn acquire_lock(&self, _: &Lock) -> Result<DirectoryLock, LockError> {
        Ok(DirectoryLock::from(Box::new(())))
    }

    fn watch(&self, _: WatchCallback) -> tantivy::Result<WatchHandle> {
        Ok(WatchHandle::empty())
    }
}
