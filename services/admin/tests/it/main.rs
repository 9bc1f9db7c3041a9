//! The control-plane API as the gateway sees it, over SQLite and a bucket in a directory.

mod containers;
mod indexes;
mod keys;
mod operator;
mod sandbox;
mod tasks;
