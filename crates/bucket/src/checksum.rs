//! XXH3-128 of what is stored, as 32 hex digits.

use std::{fs::File, io::Read, path::Path};

use xxhash_rust::xxh3::Xxh3;

/// Bytes read at a time: large enough that the calls do not count.
const BLOCK: usize = 1 << 20;

/// A checksum in the making, and how many bytes it covers.
pub(crate) struct Checksum {
    hasher: Box<Xxh3>,
    size: u64,
}

impl Checksum {
    pub(crate) fn new() -> Self {
        Self { hasher: Box::new(Xxh3::new()), size: 0 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// The size and the checksum.
    pub(crate) fn finish(&self) -> (u64, String) {
        (self.size, format!("{:032x}", self.hasher.digest128()))
    }
}

/// The size and the checksum of a file.
pub(crate) fn of_file(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let mut checksum = Checksum::new();
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(checksum.finish()),
            read => checksum.update(&block[..read]),
        }
    }
}
