//! The engine from outside: operations go in through `Indexer`, what a user would see comes out of `Searcher`.

mod answers;
mod federated;
mod filtering;
mod indexing;
mod korean;
mod languages;
mod limits;
mod orders;
mod random;
mod ranking;
mod relevance;
mod support;
