//! The uploader as the gateway sees it, over SQLite and a bucket in a directory.

mod bad_input;
mod documents;
mod sandbox;
mod writes;
