//! Workers in this process, over TCP on free ports, with a bucket in memory or in a directory.

mod bed;
mod indexer;
mod searcher;
