//! The gateway through its public surface: real services behind it, real searchers on ports of their own, a real database.

mod bed;
mod counting;
mod edge;
mod keys;
mod multi_search;
mod portal;
mod provider;
mod searchers;
mod tokens;
mod waking;
