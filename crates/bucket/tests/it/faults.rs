//! Faults at chosen places.
