//! The progress bar of an import: bytes, rate, time left, documents.

use std::{cell::Cell, io::IsTerminal};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Shown on a terminal only.
pub(super) struct Progress {
    bar: ProgressBar,
    documents: Cell<u64>,
}

impl Progress {
    /// `length`: bytes of the file, if known.
    pub(super) fn new(length: Option<u64>) -> Self {
        let bar = length.map_or_else(ProgressBar::no_length, ProgressBar::new);
        if !std::io::stderr().is_terminal() {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left, {msg}")
            .expect("the template is constant");
        bar.set_style(style);
        Self { bar, documents: Cell::new(0) }
    }

    /// A part was accepted.
    pub(super) fn sent(&self, bytes: u64, documents: u64) {
        self.documents.set(self.documents.get() + documents);
        self.bar.inc(bytes);
        self.bar.set_message(format!("{} documents", self.documents.get()));
    }

    /// Everything is accepted.
    pub(super) fn indexing(&self) {
        self.bar.set_message(format!("{} documents accepted, indexing", self.documents.get()));
    }

    /// Everything is searchable.
    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
