//! The controller and its process runtime, with real child processes that stand in for workers.

mod archives;
mod controller;
mod forks;
mod kubernetes;
mod processes;
mod runtime;
mod scale;
mod webhooks;
mod world;
