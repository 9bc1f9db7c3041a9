//! The bucket's tests through its public surface.

mod conformance;
mod faults;
mod simulation;
mod support;
