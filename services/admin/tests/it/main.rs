//! The control-plane API as the gateway sees it, over SQLite and a bucket in a directory.

mod batches;
mod containers;
mod features;
mod indexes;
mod keys;
mod operator;
mod sandbox;
mod tasks;
mod usage;
mod webhooks;
